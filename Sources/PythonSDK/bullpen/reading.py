"""Reads the host's lines, of which each is a JSON object, as what `model` holds."""

from __future__ import annotations

from decimal import Decimal

from .model import (
    Account,
    Bracket,
    Candle,
    Fill,
    Funding,
    Instrument,
    Message,
    Order,
    Position,
    Quote,
    Signal,
    Trade,
    Trading,
)


def candle(message: Message) -> Candle:
    """Reads a `candle` line."""
    return Candle(
        message["symbol"],
        message["resolution"],
        message["time"],
        message["close_time"],
        Decimal(message["open"]),
        Decimal(message["high"]),
        Decimal(message["low"]),
        Decimal(message["close"]),
        Decimal(message["volume"]),
        "history" in message and message["history"],
    )


def trade(message: Message) -> Trade:
    """Reads a `trade` line."""
    return Trade(
        message["symbol"], message["time"], Decimal(message["price"]), Decimal(message["quantity"])
    )


def quote(message: Message) -> Quote:
    """Reads a `quote` line."""
    return Quote(
        message["symbol"],
        message["time"],
        Decimal(message["bid"]),
        Decimal(message["bid_quantity"]),
        Decimal(message["ask"]),
        Decimal(message["ask_quantity"]),
    )


def signal(message: Message) -> Signal:
    """Reads a `signal` line."""
    return Signal(message["id"], message["time"], message["action"], message["data"])


def fill(message: Message) -> Fill:
    """Reads a `fill` line."""
    return Fill(
        message["order"],
        message["request"],
        message["trade"],
        message["symbol"],
        message["side"],
        Decimal(message["price"]),
        Decimal(message["quantity"]),
        Decimal(message["fee"]),
        message["fee_currency"],
        message["liquidity"],
        message["time"],
    )


def position(message: Message) -> Position:
    """Reads a `position` line."""
    return Position(
        message["symbol"],
        Decimal(message["quantity"]),
        Decimal(message["average_price"]),
        Decimal(message["realised_pnl"]),
        Decimal(message["unrealised_pnl"]),
        Decimal(message["fees"]),
        message["time"],
    )


def trading(message: Message) -> Trading:
    """Reads a `trading` line."""
    return Trading(
        message["state"],
        message.get("symbol"),
        message.get("reason"),
        message.get("until"),
        message["time"],
    )


def funding(message: Message) -> Funding:
    """Reads a `funding` line."""
    return Funding(
        message["symbol"],
        Decimal(message["quantity"]),
        Decimal(message["rate"]),
        Decimal(message["amount"]),
        message["currency"],
        message["time"],
    )


def instrument(message: Message) -> Instrument:
    """Reads one of the instruments in `hello`."""
    return Instrument(
        message["symbol"],
        message["base"],
        message["quote"],
        Decimal(message["tick_size"]),
        Decimal(message["step_size"]),
        Decimal(message["minimum_notional"]),
    )


def account(message: Message) -> Account:
    """Reads the account in `hello`."""
    return Account(
        message["currency"],
        Decimal(message["equity"]),
        Decimal(message["available"]),
        message["kind"],
        Decimal(message["leverage"]),
    )


def order(message: Message) -> Order:
    """Reads an `order` line about an order from an earlier run."""
    known = Order(
        message["request"], message["symbol"], message["side"], message["order_type"], Decimal(message["quantity"])
    )
    known.update(message)
    return known


def bracket(message: Message) -> Bracket:
    """Reads a `bracket` line about one that is not known here yet."""
    known = Bracket(message["request"], message["symbol"], message["side"])
    known.update(message)
    return known

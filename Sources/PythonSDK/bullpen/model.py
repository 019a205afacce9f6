"""The things that a strategy hears about: candles, quotes, orders, fills, positions."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import Any, Dict, NamedTuple, Optional, Union

Number = Union[Decimal, int, str, float]
"""What an order takes for a price or a quantity. A float is read the way Python prints it."""

Message = Dict[str, Any]

ZERO = Decimal(0)
_FINEST = Decimal(1).scaleb(-18)
_LARGEST = Decimal(10) ** 20


class BullpenError(Exception):
    """The SDK was asked for something that cannot be; the message says what to do instead."""


class Candle(NamedTuple):
    """A closed candle."""

    symbol: str
    resolution: str
    """Such as "1m"."""
    time: int
    """When it opened, in milliseconds since the epoch, UTC."""
    close_time: int
    """When it closed."""
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    """Traded quantity in base currency."""
    history: bool
    """True for the candles from before the start. Orders are denied during these."""

    @property
    def open_float(self) -> float:
        """`open` in floating point: for statistics, where a backtest reads it faster."""
        return float(self.open)

    @property
    def high_float(self) -> float:
        """`high` in floating point."""
        return float(self.high)

    @property
    def low_float(self) -> float:
        """`low` in floating point."""
        return float(self.low)

    @property
    def close_float(self) -> float:
        """`close` in floating point."""
        return float(self.close)

    @property
    def volume_float(self) -> float:
        """`volume` in floating point."""
        return float(self.volume)


class Trade(NamedTuple):
    """A public trade on the market."""

    symbol: str
    time: int
    price: Decimal
    quantity: Decimal


class Quote(NamedTuple):
    """The best bid and ask."""

    symbol: str
    time: int
    bid: Decimal
    bid_quantity: Decimal
    ask: Decimal
    ask_quantity: Decimal


class Signal(NamedTuple):
    """A signal that somebody sent to this strategy."""

    id: str
    time: int
    action: str
    data: Dict[str, Any]
    """Whatever else the sender's object held."""


class Fill(NamedTuple):
    """One trade of one of this strategy's orders."""

    order: str
    """The host's order id."""
    request: str
    """The order's `request`."""
    trade: str
    symbol: str
    side: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_currency: str
    liquidity: str
    """"maker" or "taker"."""
    time: int


class Position(NamedTuple):
    """What this strategy holds of one instrument."""

    symbol: str
    quantity: Decimal
    """Below nought when short."""
    average_price: Decimal
    realised_pnl: Decimal
    unrealised_pnl: Decimal
    fees: Decimal
    time: int

    @property
    def is_flat(self) -> bool:
        """Whether nothing is held."""
        return not self.quantity


class Trading(NamedTuple):
    """What this strategy may do from now on."""

    state: str
    """"open", "reduce_only" (only what makes a position smaller) or "closed" (nothing)."""
    symbol: Optional[str]
    """None when it is about every symbol."""
    reason: Optional[str]
    until: Optional[int]
    """When it is expected to be open again, in milliseconds since the epoch, where that is known."""
    time: int


class Funding(NamedTuple):
    """What was paid, or received, for holding a perpetual."""

    symbol: str
    quantity: Decimal
    """What was held; below nought when short."""
    rate: Decimal
    """What longs pay to shorts, as a part of the position's worth."""
    amount: Decimal
    """What the account's money changed by: below nought when it was paid."""
    currency: str
    time: int


class Instrument(NamedTuple):
    """What can be traded, and in which steps."""

    symbol: str
    base: str
    quote: str
    tick_size: Decimal
    step_size: Decimal
    minimum_notional: Decimal

    def round_price(self, price: Number) -> Decimal:
        """The nearest price that the venue takes."""
        ticks = (to_decimal(price) / self.tick_size).to_integral_value(ROUND_HALF_EVEN)
        return ticks * self.tick_size

    def round_quantity(self, quantity: Number) -> Decimal:
        """The largest quantity that the venue takes and that is not above `quantity`."""
        steps = (to_decimal(quantity) / self.step_size).to_integral_value(ROUND_DOWN)
        return steps * self.step_size


class Account(NamedTuple):
    """The strategy's own share of an account, as it stood at the start."""

    currency: str
    equity: Decimal
    available: Decimal
    kind: str
    """"spot" or "margin"."""
    leverage: Decimal


_FINAL = frozenset(("filled", "cancelled", "rejected", "denied", "expired", "not_placed"))


class Order:
    """One of this strategy's orders. The SDK keeps it up to date with what the host says."""

    __slots__ = (
        "request",
        "id",
        "symbol",
        "side",
        "order_type",
        "quantity",
        "price",
        "stop_price",
        "time_in_force",
        "status",
        "filled_quantity",
        "average_price",
        "reason",
        "time",
    )

    def __init__(
        self,
        request: str,
        symbol: str,
        side: str,
        order_type: str,
        quantity: Decimal,
        price: Optional[Decimal] = None,
        stop_price: Optional[Decimal] = None,
        time_in_force: str = "gtc",
        time: int = 0,
    ) -> None:
        self.request = request
        """The id that the SDK chose; `cancel` and `amend` go by it."""
        self.id = ""
        """The host's id, once it has one."""
        self.symbol = symbol
        self.side = side
        self.order_type = order_type
        self.quantity = quantity
        self.price = price
        self.stop_price = stop_price
        self.time_in_force = time_in_force
        self.status = "sent"
        """"sent" until the host answers, then what PROTOCOL.md lists: "open", "filled", "denied" and so on."""
        self.filled_quantity = ZERO
        self.average_price: Optional[Decimal] = None
        self.reason: Optional[str] = None
        """Why it was denied, rejected, expired or cancelled."""
        self.time = time

    @property
    def is_final(self) -> bool:
        """Whether nothing more can happen to it."""
        return self.status in _FINAL

    @property
    def is_open(self) -> bool:
        """Whether it may still fill."""
        return self.status not in _FINAL

    @property
    def remaining(self) -> Decimal:
        """What has not been filled."""
        return self.quantity - self.filled_quantity

    def update(self, message: Message) -> None:
        """Takes over what the host says about it.

        A denial without the host's id says nothing about the order itself: either the line was refused before it
        became an order, or a change to a standing order was denied, and that order is as it was.
        """
        self.reason = message.get("reason")
        self.time = message["time"]
        if not message["order"]:
            if not self.id:
                self.status = message["status"]
            return
        self.id = message["order"]
        self.quantity = Decimal(message["quantity"])
        self.price = _optional(message, "price")
        self.stop_price = _optional(message, "stop_price")
        self.time_in_force = message["time_in_force"]
        self.status = message["status"]
        self.filled_quantity = Decimal(message["filled_quantity"])
        self.average_price = _optional(message, "average_price")

    def __repr__(self) -> str:
        price = "" if self.price is None else f" at {self.price}"
        return f"<Order {self.request}: {self.side} {self.quantity} {self.symbol}{price}, {self.status}>"


_BRACKET_LIVE = frozenset(("sent", "waiting", "held", "triggered"))


class Bracket:
    """A stop-loss and a take-profit that the host holds: one of them executes, and the other ends.

    They live at the host, so they outlive this strategy's process. The SDK keeps this up to date with what it says.
    """

    __slots__ = (
        "request",
        "id",
        "symbol",
        "side",
        "quantity",
        "stop_loss",
        "take_profit",
        "status",
        "leg",
        "exit",
        "reason",
        "time",
    )

    def __init__(
        self,
        request: str,
        symbol: str,
        side: str,
        quantity: Decimal = ZERO,
        stop_loss: Optional[Decimal] = None,
        take_profit: Optional[Decimal] = None,
        time: int = 0,
    ) -> None:
        self.request = request
        """The `request` of the order that it came with, or its own for `oco`."""
        self.id = ""
        """The host's id, once it has one."""
        self.symbol = symbol
        self.side = side
        """The side of the exit: "sell" closes what is held."""
        self.quantity = quantity
        """What it protects now."""
        self.stop_loss = stop_loss
        self.take_profit = take_profit
        self.status = "sent"
        """"sent" until the host answers, then "waiting", "held", "triggered", "done", "cancelled", "expired", "failed";
        "denied" when the host did not take it."""
        self.leg: Optional[str] = None
        """"stop_loss" or "take_profit", once one was reached."""
        self.exit: Optional[str] = None
        """The host's id of the order that closes the position."""
        self.reason: Optional[str] = None
        self.time = time

    @property
    def is_open(self) -> bool:
        """Whether it still waits or works."""
        return self.status in _BRACKET_LIVE

    @property
    def is_final(self) -> bool:
        """Whether nothing more comes of it."""
        return self.status not in _BRACKET_LIVE

    def update(self, message: Message) -> None:
        """Takes over what the host says about it."""
        self.id = message["bracket"]
        self.quantity = Decimal(message["quantity"])
        self.stop_loss = _optional(message, "stop_loss")
        self.take_profit = _optional(message, "take_profit")
        self.status = message["status"]
        self.leg = message.get("leg")
        self.exit = message.get("exit")
        self.reason = message.get("reason")
        self.time = message["time"]

    def __repr__(self) -> str:
        return (
            f"<Bracket {self.request}: {self.side} {self.quantity} {self.symbol}, stop {self.stop_loss}, "
            f"take {self.take_profit}, {self.status}>"
        )


def _optional(message: Message, name: str) -> Optional[Decimal]:
    text = message.get(name)
    return None if text is None else Decimal(text)


def to_decimal(value: Any) -> Decimal:
    """Reads a number exactly: a string, an int, a Decimal, or a float (numpy's too) the way Python prints it."""
    if isinstance(value, Decimal):
        number = value
    elif isinstance(value, bool):
        raise BullpenError("True or False is not a number")
    elif isinstance(value, (int, str)):
        try:
            number = Decimal(value)
        except ArithmeticError:
            raise BullpenError(f"{value!r} is not a number") from None
    else:
        try:
            number = Decimal(repr(float(value)))
        except (TypeError, ValueError):
            raise BullpenError(f"{value!r} is not a number") from None
    if not number.is_finite():
        raise BullpenError(f"{value!r} is not a finite number")
    return number


def decimal_text(value: Any) -> str:
    """The number as the protocol writes it: plain digits, at most eighteen behind the point, the rest cut off."""
    number = to_decimal(value)
    magnitude = number.adjusted()
    if -18 <= magnitude < 20:
        text = format(number, "f")
        if len(text) <= 20:  # Nineteen digits behind the point would take 21.
            return text
    elif magnitude >= 20 and abs(number) > _LARGEST:
        raise BullpenError(f"{value!r} is out of range")
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -18:
        number = number.quantize(_FINEST, ROUND_DOWN) if magnitude >= -18 else ZERO
    return format(number, "f")

"""The book of a run: positions, orders and brackets, as they are asked for and as the host tells of them."""

from __future__ import annotations

import binascii
import json
from decimal import Decimal
from typing import Any, Callable, Dict, List, Optional, TypeVar

from . import reading
from .market import Market
from .model import ZERO, Bracket, BullpenError, Message, Number, Order, Position, decimal_text, to_decimal
from .speech import Speech, check_id, encode_text

_Kept = TypeVar("_Kept", Order, Bracket)

_SIDES = {"buy": "buy", "sell": "sell", "BUY": "buy", "SELL": "sell", "Buy": "buy", "Sell": "sell"}
_ORDER_TYPES = frozenset(("market", "limit", "stop", "stop_limit", "take_profit"))
_TIMES_IN_FORCE = frozenset(("gtc", "ioc", "fok"))


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits or "0"


def _legs(stop_loss: Optional[Number], take_profit: Optional[Number]) -> str:
    """The members that name a bracket's prices, with a comma before each."""
    line = ""
    if stop_loss is not None:
        line += f',"stop_loss":"{decimal_text(stop_loss)}"'
    if take_profit is not None:
        line += f',"take_profit":"{decimal_text(take_profit)}"'
    return line


class Book(Market, Speech):
    """What is held, what may still fill, and what protects it."""

    def __init__(self, hello: Message) -> None:
        Market.__init__(self, hello)
        Speech.__init__(self)
        self.account = reading.account(hello["account"])
        self._positions: Dict[str, Position] = {}
        self._unread_positions: List[bytes] = []
        for entry in hello["positions"]:
            self._positions[entry["symbol"]] = reading.position(entry)
        self.orders: Dict[str, Order] = {}
        """The orders that may still fill, by request."""
        for entry in hello["orders"]:
            self.orders[entry["request"]] = reading.order(entry)
        self.brackets: Dict[str, Bracket] = {}
        """The stop-losses and take-profits that the host holds, by request."""
        for entry in hello.get("brackets", ()):
            self.brackets[entry["request"]] = reading.bracket(entry)
        self._start_equity = self.account.equity - self._net_profit()
        self._denied_here: List[Order] = []
        self._request_prefix = (
            f"{binascii.crc32(hello['run'].encode('utf-8', 'replace')):08x}-{_base36(self._now)}-"
        )
        self._request_count = 0

    # What the host tells.

    def _told(self, kept: Dict[str, _Kept], read: Callable[[Message], _Kept], message: Message) -> _Kept:
        """Brings what is kept of an order or a bracket up to date, and gives it."""
        request = message["request"]
        known = kept.get(request)
        if known is None:
            known = read(message)
        else:
            known.update(message)
        if known.is_open:
            kept[request] = known
        else:
            kept.pop(request, None)
        return known

    def _bracket_denied(self, bracket: Bracket, message: Message) -> None:
        """The bracket itself was denied, or a change to it, after which it is as it was."""
        bracket.reason = message.get("reason")
        bracket.time = message["time"]
        if not bracket.id:
            bracket.status = "denied"
            del self.brackets[bracket.request]

    def keep_position(self, line: bytes) -> None:
        """Keeps a `position` line until somebody asks."""
        self._unread_positions.append(line)
        if len(self._unread_positions) > 32:
            self._read_positions()

    def _read_positions(self) -> None:
        latest = {line[: line.find(b",", 20)]: line for line in self._unread_positions}
        self._unread_positions.clear()
        for line in latest.values():
            position = reading.position(json.loads(line))
            self._positions[position.symbol] = position

    @property
    def positions(self) -> Dict[str, Position]:
        """What is held, by symbol."""
        if self._unread_positions:
            self._read_positions()
        return self._positions

    def position(self, symbol: Optional[str]) -> Position:
        """The position, flat when there is none."""
        symbol = symbol or self.symbol
        known = self.positions.get(symbol)
        return known or Position(symbol, ZERO, ZERO, ZERO, ZERO, ZERO, self.now)

    def equity(self) -> Decimal:
        """Equity at the start, moved by what positions gained, lost and paid since, and by funding."""
        return self._start_equity + self._net_profit()

    def _net_profit(self) -> Decimal:
        return sum(
            (entry.realised_pnl + entry.unrealised_pnl - entry.fees for entry in self.positions.values()), ZERO
        )

    # What is asked for.

    def order(
        self,
        side: str,
        quantity: Number,
        price: Optional[Number] = None,
        *,
        symbol: Optional[str] = None,
        order_type: Optional[str] = None,
        stop_price: Optional[Number] = None,
        time_in_force: str = "gtc",
        post_only: bool = False,
        reduce_only: bool = False,
        stop_loss: Optional[Number] = None,
        take_profit: Optional[Number] = None,
    ) -> Order:
        """Checks an order's shape, numbers it and says it."""
        word = _SIDES.get(side)
        if word is None:
            raise BullpenError(f"side {side!r} must be 'buy' or 'sell'")
        symbol = symbol or self.symbol
        if order_type is None:
            if stop_price is None:
                order_type = "market" if price is None else "limit"
            else:
                order_type = "stop" if price is None else "stop_limit"
        if order_type not in _ORDER_TYPES:
            raise BullpenError(f"order_type {order_type!r} must be one of {', '.join(sorted(_ORDER_TYPES))}")
        if time_in_force not in _TIMES_IN_FORCE:
            raise BullpenError(f"time_in_force {time_in_force!r} must be one of gtc, ioc, fok")
        quantity_text = decimal_text(quantity)
        exact_quantity = Decimal(quantity_text)
        request = self._next_request()
        line = (
            f'{{"type":"order","request":"{request}","symbol":{encode_text(symbol)},"side":"{word}",'
            f'"order_type":"{order_type}","quantity":"{quantity_text}"'
        )
        exact_price = exact_stop = None
        if price is not None:
            text = decimal_text(price)
            exact_price = Decimal(text)
            line += f',"price":"{text}"'
        if stop_price is not None:
            text = decimal_text(stop_price)
            exact_stop = Decimal(text)
            line += f',"stop_price":"{text}"'
        if time_in_force != "gtc":
            line += f',"time_in_force":"{time_in_force}"'
        if post_only:
            line += ',"post_only":true'
        if reduce_only:
            line += ',"reduce_only":true'
        if stop_loss is not None or take_profit is not None:
            line += _legs(stop_loss, take_profit)
        order = Order(
            request, symbol, word, order_type, exact_quantity, exact_price, exact_stop, time_in_force, self.now
        )
        if self.in_history:
            return self._deny(order, "this candle is history: check candle.history before ordering")
        if exact_quantity <= 0:
            return self._deny(order, f"quantity {quantity_text} must be above 0")
        self.orders[request] = order
        self.acted = True
        self.say(line + "}")
        return order

    def _next_request(self) -> str:
        self._request_count += 1
        return f"{self._request_prefix}{self._request_count}"

    def oco(
        self,
        stop_loss: Optional[Number],
        take_profit: Optional[Number],
        quantity: Optional[Number],
        symbol: Optional[str],
    ) -> Bracket:
        """Says `oco` for a position that is there."""
        held = self.position(symbol or self.symbol)
        if held.is_flat:
            raise BullpenError(f"there is no position in {held.symbol} to protect")
        legs = _legs(stop_loss, take_profit)
        if not legs:
            raise BullpenError("oco needs a stop_loss, a take_profit, or both")
        side = "sell" if held.quantity > 0 else "buy"
        text = decimal_text(abs(held.quantity) if quantity is None else quantity)
        request = self._next_request()
        bracket = Bracket(
            request,
            held.symbol,
            side,
            Decimal(text),
            None if stop_loss is None else to_decimal(stop_loss),
            None if take_profit is None else to_decimal(take_profit),
            self.now,
        )
        self.brackets[request] = bracket
        self.acted = True
        self.say(
            f'{{"type":"oco","request":"{request}","symbol":{encode_text(held.symbol)},"side":"{side}",'
            f'"quantity":"{text}"{legs}}}'
        )
        return bracket

    def _deny(self, order: Order, reason: str) -> Order:
        """Denies an order that the host would deny for certain; nothing is said to the host."""
        order.status = "denied"
        order.reason = reason
        self._denied_here.append(order)
        return order

    def cancel(self, order: Any) -> None:
        """Says `cancel` for an order, a bracket or a request id."""
        self.acted = True
        if isinstance(order, Bracket):
            self.say(f'{{"type":"cancel","request":"{order.request}","bracket":true}}')
            return
        request = order.request if isinstance(order, Order) else check_id(str(order), "request")
        self.say(f'{{"type":"cancel","request":"{request}"}}')

    def amend(
        self,
        order: Any,
        quantity: Optional[Number],
        price: Optional[Number],
        stop_loss: Optional[Number] = None,
        take_profit: Optional[Number] = None,
    ) -> None:
        """Says `amend` for an order, a bracket or a request id."""
        self.acted = True
        known = isinstance(order, (Order, Bracket))
        request = order.request if known else check_id(str(order), "request")
        legs = _legs(stop_loss, take_profit)
        if legs:
            if quantity is not None or price is not None:
                raise BullpenError("amend the order and its stop_loss or take_profit in two calls")
            self.say(f'{{"type":"amend","request":"{request}"{legs}}}')
            return
        if quantity is None and price is None:
            raise BullpenError("amend needs a quantity or a price, or a stop_loss or a take_profit")
        line = f'{{"type":"amend","request":"{request}"'
        if quantity is not None:
            line += f',"quantity":"{decimal_text(quantity)}"'
        if price is not None:
            line += f',"price":"{decimal_text(price)}"'
        self.say(line + "}")

"""One run of one strategy: what the host has said so far, and what is to be said to it.

A session neither reads nor writes descriptors, so the runtime and the test harness share it.
"""

from __future__ import annotations

import binascii
import json
from collections import deque
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, Callable, Deque, Dict, List, Optional, Tuple

from . import model
from .batches import Batch, BatchCandle, line_candle
from .model import ZERO, Bracket, BullpenError, Candle, Message, Number, Order, Position, decimal_text

if TYPE_CHECKING:
    from .strategy import Strategy

LINE_BYTES = 65_536
LOG_BYTES = 8 * 1024
STATE_BYTES = 48 * 1024
SIGNAL_DATA_BYTES = 16 * 1024

_SIDES = {"buy": "buy", "sell": "sell", "BUY": "buy", "SELL": "sell", "Buy": "buy", "Sell": "sell"}
_ORDER_TYPES = frozenset(("market", "limit", "stop", "stop_limit", "take_profit"))
_TIMES_IN_FORCE = frozenset(("gtc", "ioc", "fok"))
_LEVELS = frozenset(("debug", "info", "warning", "error"))
_ID_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
_MORE_CANDLES = 500


class Finished(Exception):
    """The strategy has ended its own run."""


def _plain(value: Any) -> Any:
    """Says in JSON what `json` does not know: decimals as strings, numpy numbers and arrays as theirs."""
    if isinstance(value, Decimal):
        return format(value, "f")
    for method in ("tolist", "item"):
        convert = getattr(value, method, None)
        if convert is not None:
            return convert()
    if isinstance(value, (set, frozenset, deque)):
        return list(value)
    raise TypeError(f"a {type(value).__name__} cannot be written as JSON")


_encode = json.JSONEncoder(
    separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=True, default=_plain
).encode
_encode_text: Callable[[str], str] = json.encoder.encode_basestring


def to_json(value: Any, what: str) -> str:
    """The value as JSON text; `what` names it when it cannot be said."""
    try:
        return _encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise BullpenError(f"{what} cannot be written as JSON: {error}") from None


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits or "0"


def _letters(symbol: str) -> str:
    return "".join(character for character in symbol.upper() if character.isalnum())


def _legs(stop_loss: Optional[Number], take_profit: Optional[Number]) -> str:
    """The members that name a bracket's prices, with a comma before each."""
    line = ""
    if stop_loss is not None:
        line += f',"stop_loss":"{decimal_text(stop_loss)}"'
    if take_profit is not None:
        line += f',"take_profit":"{decimal_text(take_profit)}"'
    return line


def check_id(text: str, what: str) -> str:
    """The id itself, when the protocol takes it."""
    if not (1 <= len(text) <= 36 and _ID_CHARACTERS.issuperset(text)):
        raise BullpenError(f"{what} {text!r} must be 1 to 36 letters, digits, '.', '_' or '-'")
    return text


class Session:
    """What a strategy knows and what it has said but not yet written."""

    def __init__(self, hello: Message) -> None:
        if hello.get("type") != "hello" or hello.get("protocol") != 1:
            raise BullpenError("the first line must be hello of protocol 1")
        self.hello = hello
        self.strategy_id: str = hello["strategy"]
        self.run: str = hello["run"]
        self.mode: str = hello["mode"]
        self._now: int = hello["time"]
        self.config: Dict[str, Any] = hello["config"]
        self.parameters: Dict[str, Any] = hello["parameters"]
        self.state: Any = hello["state"]
        self.instruments = {entry["symbol"]: model.instrument(entry) for entry in hello["instruments"]}
        self.account = model.account(hello["account"])
        self._positions: Dict[str, Position] = {}
        self._unread_positions: List[bytes] = []
        for entry in hello["positions"]:
            self._positions[entry["symbol"]] = model.position(entry)
        self.orders: Dict[str, Order] = {}
        """The orders that may still fill, by request."""
        for entry in hello["orders"]:
            self.orders[entry["request"]] = model.order(entry)
        self.brackets: Dict[str, Bracket] = {}
        """The stop-losses and take-profits that the host holds, by request."""
        for entry in hello.get("brackets", ()):
            self.brackets[entry["request"]] = model.bracket(entry)
        self.pair: str = str(self.config.get("pair") or next(iter(self.instruments), ""))
        """The pair as strategy.json writes it; `symbol` is the host's name for it."""
        self.symbol: str = self.find_symbol(self.pair) or self.pair
        self.resolution: str = str(self.config.get("resolution") or "1m")
        self.quotes: Dict[str, model.Quote] = {}
        self.trades: Dict[str, model.Trade] = {}
        self._prices: Dict[str, Decimal] = {}
        self._candles: Dict[Tuple[str, str], Deque[Candle]] = {}
        self.acted = False
        """Whether anything was said that the host has to do something about."""
        self._batch: Optional[Batch] = None
        self._current: Optional[BatchCandle] = None
        self._passed: List[Batch] = []
        self._unseen: List[BatchCandle] = []
        self._synced = self._timed = -1
        self.in_history = False
        """True while a candle from before the start is being handled."""
        self.is_over = False
        self.lines: List[str] = []
        """What is to be written, without line breaks."""
        self.write_early: Optional[Callable[[], None]] = None
        self._buffered = 0
        self._kept_candles = max(int(self.config.get("lookback_period") or 0), _MORE_CANDLES)
        self._start_equity = self.account.equity - self._net_profit()
        self._denied_here: List[Order] = []
        self._request_prefix = (
            f"{binascii.crc32(self.run.encode('utf-8', 'replace')):08x}-{_base36(self._now)}-"
        )
        self._request_count = 0
        self.strategy: Optional[Strategy] = None
        self._handlers: Dict[str, Callable[[Message], None]] = {
            "candle": self._candle,
            "trade": self._trade,
            "quote": self._quote,
            "signal": self._signal,
            "order": self._order,
            "fill": self._fill,
            "position": self._position,
            "bracket": self._bracket,
            "trading": self._trading,
            "funding": self._funding,
            "timer": self._timer,
            "ping": self._ping,
            "stop": self._stop,
            "candles": self._take_batch,
            "go": self._go,
        }

    # What the host says.

    def begin(self, strategy: Strategy) -> None:
        """Gives the run its strategy, says `ready`, and lets it start.

        `ready` is written behind `on_start`, so the host's start-up deadline covers both, yet stands before
        anything that `on_start` says.
        """
        self.strategy = strategy
        batches = ',"batches":true' if self.mode == "lab" else ""
        self.say(f'{{"type":"ready","sdk":"python/1.0"{batches}}}')
        strategy.on_start()

    def handle(self, message: Message) -> None:
        """Takes one line from the host and calls the strategy's handler for it."""
        handler = self._handlers.get(message["type"])
        if handler is not None:  # A later host may say more than this SDK knows.
            handler(message)
            if self._denied_here:
                self._report_denied_here()
            self.in_history = False

    @property
    def _bound(self) -> Strategy:
        assert self.strategy is not None
        return self.strategy

    def _candle(self, message: Message) -> None:
        candle = model.candle(message)
        self.now = candle.close_time
        self._kept(candle.symbol, candle.resolution).append(candle)
        self._prices[candle.symbol] = candle.close
        self.in_history = candle.history
        self._bound.on_candle(candle)

    def keep_position(self, line: bytes) -> None:
        """Keeps a `position` line until somebody asks."""
        self._unread_positions.append(line)
        if len(self._unread_positions) > 32:
            self._read_positions()

    def _read_positions(self) -> None:
        latest = {line[: line.find(b",", 20)]: line for line in self._unread_positions}
        self._unread_positions.clear()
        for line in latest.values():
            position = model.position(json.loads(line))
            self._positions[position.symbol] = position

    @property
    def positions(self) -> Dict[str, Position]:
        """What is held, by symbol."""
        if self._unread_positions:
            self._read_positions()
        return self._positions

    # Candles in batches.

    def take_line(self, line: bytes) -> None:
        """Takes a candle's line in a backtest that gives one at a time."""
        current, unseen = self._current, self._unseen
        candle = line_candle(line, 0 if current is None else current.number + 1)
        unseen.append(candle)
        if len(unseen) > 4 * self._kept_candles:
            if len({(each.symbol, each.resolution) for each in unseen}) == 1:
                del unseen[: -self._kept_candles]
            else:
                self._sync()
        self._current = candle
        self._bound.on_candle(candle)
        if self._denied_here:
            self._report_denied_here()

    def _take_batch(self, message: Message) -> None:
        batch, before = Batch(message), self._batch
        if before is not None and before.is_single and batch.is_single:
            # Looked at when somebody asks, as far back as candles are kept.
            self._passed.append(before)
            while sum(len(each.candles) for each in self._passed[1:]) >= self._kept_candles:
                del self._passed[0]
        else:
            self._sync()
        self._batch = batch

    def _go(self, message: Message) -> None:
        self.go(message["until"])

    def go(self, until: int) -> None:
        """Calls the strategy with the candles of the batch, one by one, up to number `until` or until it acts."""
        batch = self._batch
        assert batch is not None
        lines, denied, on_candle = self.lines, self._denied_here, self._bound.on_candle
        number = until
        start = batch.first if self._current is None else max(batch.first, self._current.number + 1)
        for candle in islice(batch.rest, until + 1 - start):
            self._current = candle
            on_candle(candle)
            if lines or denied or self.acted:
                if denied:
                    self._report_denied_here()
                if self.acted:
                    number = candle.number
                    break
        self.acted = False
        self.say(f'{{"type":"done","id":{number}}}')

    def _kept(self, symbol: str, resolution: str) -> Deque[Candle]:
        key = (symbol, resolution)
        kept = self._candles.get(key)
        if kept is None:
            kept = self._candles[key] = deque(maxlen=self._kept_candles)
        return kept

    def _sync(self) -> None:
        """Brings what is known of the market up to the candle at hand. Nothing of it is done for those who never ask."""
        current, batch = self._current, self._batch
        if current is None or current.number == self._synced:
            return
        pending = self._unseen[:]
        self._unseen.clear()
        for each in self._passed if batch is None else (*self._passed, batch):
            begin = max(self._synced + 1 - each.first, 0)
            pending += each.candles[begin : max(current.number + 1 - each.first, 0)]
        self._passed.clear()
        self._synced = current.number
        if batch is not None and batch.is_single:
            kept = self._kept(current.symbol, current.resolution)
            kept.extend([candle.whole() for candle in pending[-self._kept_candles :]])
            self._prices[current.symbol] = current.close
        else:
            for candle in pending:
                self._kept(candle.symbol, candle.resolution).append(candle.whole())
                self._prices[candle.symbol] = candle.close

    @property
    def now(self) -> int:
        """The time of the event at hand."""
        current = self._current
        if current is not None and current.number != self._timed:
            self._timed = current.number
            self._now = current.close_time
        return self._now

    @now.setter
    def now(self, time: int) -> None:
        if self._current is not None:
            self._timed = self._current.number
        self._now = time

    @property
    def prices(self) -> Dict[str, Decimal]:
        """The last price of each instrument, from whichever event came last."""
        if self._current is not None:
            self._sync()
        return self._prices

    @property
    def candles(self) -> Dict[Tuple[str, str], Deque[Candle]]:
        """The newest candles of each series."""
        if self._current is not None:
            self._sync()
        return self._candles

    def _trade(self, message: Message) -> None:
        trade = model.trade(message)
        self.now = trade.time
        self.trades[trade.symbol] = trade
        self._prices[trade.symbol] = trade.price
        self._bound.on_trade(trade)

    def _quote(self, message: Message) -> None:
        quote = model.quote(message)
        self.now = quote.time
        self.quotes[quote.symbol] = quote
        self._bound.on_quote(quote)

    def _signal(self, message: Message) -> None:
        signal = model.signal(message)
        self.now = signal.time
        self._bound.on_signal(signal)

    def _order(self, message: Message) -> None:
        self.now = message["time"]
        request = message["request"]
        order = self.orders.get(request)
        if order is None and not message["order"] and request in self.brackets:
            self._bracket_denied(self.brackets[request], message)
            return
        if order is None:
            order = model.order(message)
            if order.is_open:
                self.orders[request] = order
        else:
            order.update(message)
        if order.is_final:
            self.orders.pop(request, None)
        self._bound.on_order(order)

    def _fill(self, message: Message) -> None:
        fill = model.fill(message)
        self.now = fill.time
        self._bound.on_fill(fill)

    def _position(self, message: Message) -> None:
        position = model.position(message)
        self.now = position.time
        self._positions[position.symbol] = position
        self._bound.on_position(position)

    def _bracket(self, message: Message) -> None:
        self.now = message["time"]
        request = message["request"]
        bracket = self.brackets.get(request)
        if bracket is None:
            bracket = model.bracket(message)
            if bracket.is_open:
                self.brackets[request] = bracket
        else:
            bracket.update(message)
        if bracket.is_final:
            self.brackets.pop(request, None)
        self._bound.on_bracket(bracket)

    def _bracket_denied(self, bracket: Bracket, message: Message) -> None:
        """The bracket itself was denied, or a change to it, after which it is as it was."""
        bracket.reason = message.get("reason")
        bracket.time = message["time"]
        if not bracket.id:
            bracket.status = "denied"
            del self.brackets[bracket.request]
        self._bound.on_bracket(bracket)

    def _trading(self, message: Message) -> None:
        trading = model.trading(message)
        self.now = trading.time
        self._bound.on_trading(trading)

    def _funding(self, message: Message) -> None:
        funding = model.funding(message)
        self.now = funding.time
        self._start_equity += funding.amount
        self._bound.on_funding(funding)

    def _timer(self, message: Message) -> None:
        self.now = message["time"]
        self._bound.on_timer(message["id"])

    def _ping(self, message: Message) -> None:
        self.say(f'{{"type":"pong","id":{message["id"]}}}')

    def _stop(self, message: Message) -> None:
        self.is_over = True
        self._bound.on_stop(message["reason"])
        self.say('{"type":"bye"}')

    def _report_denied_here(self) -> None:
        denied = list(self._denied_here)
        for order in denied:
            self._bound.on_order(order)
        self._denied_here.clear()  # What on_order asked for again and was denied gets no second round.

    # What the strategy says.

    def say(self, line: str) -> None:
        """Keeps a line to be written when the handler returns."""
        self.lines.append(line)
        self._buffered += len(line)
        if self._buffered > 1 << 18 and self.write_early is not None:
            self.write_early()

    def take_output(self) -> bytes:
        """All lines said so far, ready to be written."""
        self.lines.append("")
        data = "\n".join(self.lines).encode("utf-8", "replace")
        self.lines.clear()
        self._buffered = 0
        return data

    def order(
        self,
        side: str,
        quantity: Number,
        price: Optional[Number],
        symbol: Optional[str],
        order_type: Optional[str],
        stop_price: Optional[Number],
        time_in_force: str,
        post_only: bool,
        reduce_only: bool,
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
            f'{{"type":"order","request":"{request}","symbol":{_encode_text(symbol)},"side":"{word}",'
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
            None if stop_loss is None else model.to_decimal(stop_loss),
            None if take_profit is None else model.to_decimal(take_profit),
            self.now,
        )
        self.brackets[request] = bracket
        self.acted = True
        self.say(
            f'{{"type":"oco","request":"{request}","symbol":{_encode_text(held.symbol)},"side":"{side}",'
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

    def signal(self, action: str, symbol: Optional[str], data: Dict[str, Any]) -> None:
        """Says `signal`."""
        self.acted = True
        if not 1 <= len(action.encode("utf-8", "replace")) <= 64:
            raise BullpenError("a signal's action has 1 to 64 bytes")
        line = f'{{"type":"signal","action":{_encode_text(action)}'
        if symbol is not None:
            line += f',"symbol":{_encode_text(symbol)}'
        if data:
            text = to_json(data, "the signal's data")
            if len(text.encode("utf-8", "replace")) > SIGNAL_DATA_BYTES:
                raise BullpenError(f"a signal's data has at most {SIGNAL_DATA_BYTES} bytes of JSON")
            line += f',"data":{text}'
        self.say(line + "}")

    def log(self, message: str, level: str) -> None:
        """Says `log`; what is too long is cut."""
        if level not in _LEVELS:
            raise BullpenError(f"level {level!r} must be one of debug, info, warning, error")
        if len(message) * 4 > LOG_BYTES:
            encoded = message.encode("utf-8", "replace")
            if len(encoded) > LOG_BYTES:
                message = encoded[: LOG_BYTES - 3].decode("utf-8", "ignore") + "…"
        self.say(f'{{"type":"log","level":"{level}","message":{_encode_text(message)}}}')

    def metric(self, name: str, value: Number) -> None:
        """Says `metric`."""
        if not (1 <= len(name) <= 64 and _ID_CHARACTERS.issuperset(name)):
            raise BullpenError(f"metric name {name!r} must be 1 to 64 letters, digits, '.', '_' or '-'")
        self.say(f'{{"type":"metric","name":"{name}","value":"{decimal_text(value)}"}}')

    def save_state(self, state: Any) -> None:
        """Says `state`."""
        text = to_json(state, "the state")
        size = len(text.encode("utf-8", "replace"))
        if size > STATE_BYTES:
            raise BullpenError(f"the state has {size} bytes of JSON, at most {STATE_BYTES} are kept")
        self.state = json.loads(text)
        self.say(f'{{"type":"state","state":{text}}}')

    def subscribe(self, symbol: str, resolution: Optional[str], trades: bool, quotes: bool) -> None:
        """Says `subscribe`."""
        self.acted = True
        if resolution is None and not trades and not quotes:
            raise BullpenError("subscribe needs a resolution, trades=True or quotes=True")
        line = f'{{"type":"subscribe","symbol":{_encode_text(symbol)}'
        if resolution is not None:
            line += f',"resolution":{_encode_text(resolution)}'
        if trades:
            line += ',"trades":true'
        if quotes:
            line += ',"quotes":true'
        self.say(line + "}")

    def timer(self, timer_id: str, milliseconds: int, repeat: bool) -> None:
        """Says `timer`."""
        check_id(timer_id, "timer")
        self.acted = True
        if not 0 <= milliseconds <= 604_800_000:
            raise BullpenError("a timer waits at most a week")
        if repeat and 0 < milliseconds < 10:
            raise BullpenError("a repeating timer waits at least 10 ms")
        line = f'{{"type":"timer","id":"{timer_id}","after_ms":{milliseconds}'
        self.say(line + (',"repeat":true}' if repeat else "}"))

    def finish(self, reason: str) -> None:
        """Says `bye` and ends the run."""
        self.is_over = True
        text = reason.encode("utf-8", "replace")[:1024].decode("utf-8", "ignore")
        self.say(f'{{"type":"bye","reason":{_encode_text(text)}}}')
        raise Finished

    # What the strategy asks.

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

    def instrument(self, symbol: Optional[str]) -> model.Instrument:
        """The instrument, which the host must have named."""
        symbol = symbol or self.symbol
        known = self.instruments.get(symbol)
        if known is None:
            raise BullpenError(f"{symbol!r} is not one of the instruments: {', '.join(self.instruments)}")
        return known

    def find_symbol(self, pair: str) -> Optional[str]:
        """The instrument meant by `BTCUSDT`, `BTC/USDT`, `BTC_USDT` or `B-BTC_USDT`; None when there is none."""
        if pair in self.instruments:
            return pair
        wanted = _letters(pair[2:] if pair[1:2] == "-" else pair)
        return next((symbol for symbol in self.instruments if _letters(symbol) == wanted), None)

    def last_candles(self, count: Optional[int], symbol: Optional[str], resolution: Optional[str]) -> List[Candle]:
        """The newest `count` candles, oldest first."""
        kept = self.candles.get((symbol or self.symbol, resolution or self.resolution))
        if kept is None:
            return []
        everything = list(kept)
        return everything if count is None else everything[-count:] if count > 0 else []

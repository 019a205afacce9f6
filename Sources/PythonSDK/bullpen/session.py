"""One run of one strategy: what the host has said so far, and what is to be said to it.

A session neither reads nor writes descriptors, so the runtime and the test harness share it.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional

from . import reading
from .batches import line_candle
from .book import Book
from .model import BullpenError, Message

if TYPE_CHECKING:
    from .strategy import Strategy


class Session(Book):
    """Hands what the host says to the strategy, which finds here what it knows and says here what it wants."""

    def __init__(self, hello: Message) -> None:
        if hello.get("type") != "hello" or hello.get("protocol") != 1:
            raise BullpenError("the first line must be hello of protocol 1")
        super().__init__(hello)
        self.hello = hello
        self.strategy_id: str = hello["strategy"]
        self.run: str = hello["run"]
        self.mode: str = hello["mode"]
        self.parameters: Dict[str, Any] = hello["parameters"]
        self.state = hello["state"]
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
        candle = reading.candle(message)
        self.now = candle.close_time
        self._kept(candle.symbol, candle.resolution).append(candle)
        self._prices[candle.symbol] = candle.close
        self.in_history = candle.history
        self._bound.on_candle(candle)

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

    def _trade(self, message: Message) -> None:
        trade = reading.trade(message)
        self.now = trade.time
        self.trades[trade.symbol] = trade
        self._prices[trade.symbol] = trade.price
        self._bound.on_trade(trade)

    def _quote(self, message: Message) -> None:
        quote = reading.quote(message)
        self.now = quote.time
        self.quotes[quote.symbol] = quote
        self._bound.on_quote(quote)

    def _signal(self, message: Message) -> None:
        signal = reading.signal(message)
        self.now = signal.time
        self._bound.on_signal(signal)

    def _order(self, message: Message) -> None:
        self.now = message["time"]
        request = message["request"]
        if not message["order"] and request not in self.orders and request in self.brackets:
            bracket = self.brackets[request]
            self._bracket_denied(bracket, message)
            self._bound.on_bracket(bracket)
            return
        self._bound.on_order(self._told(self.orders, reading.order, message))

    def _fill(self, message: Message) -> None:
        fill = reading.fill(message)
        self.now = fill.time
        self._bound.on_fill(fill)

    def _position(self, message: Message) -> None:
        position = reading.position(message)
        self.now = position.time
        self._positions[position.symbol] = position
        self._bound.on_position(position)

    def _bracket(self, message: Message) -> None:
        self.now = message["time"]
        self._bound.on_bracket(self._told(self.brackets, reading.bracket, message))

    def _trading(self, message: Message) -> None:
        trading = reading.trading(message)
        self.now = trading.time
        self._bound.on_trading(trading)

    def _funding(self, message: Message) -> None:
        funding = reading.funding(message)
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

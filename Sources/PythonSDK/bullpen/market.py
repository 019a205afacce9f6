"""What a run knows of the market: instruments, the newest candles, prices, and what time it is there."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Any, Deque, Dict, List, Optional, Tuple

from . import reading
from .batches import Batch, BatchCandle
from .model import BullpenError, Candle, Instrument, Message, Quote, Trade

_MORE_CANDLES = 500


def _letters(symbol: str) -> str:
    return "".join(character for character in symbol.upper() if character.isalnum())


class Market:
    """The market as the host has told of it so far. What nobody asks for is not worked out."""

    def __init__(self, hello: Message) -> None:
        self._now: int = hello["time"]
        self.config: Dict[str, Any] = hello["config"]
        self.instruments = {entry["symbol"]: reading.instrument(entry) for entry in hello["instruments"]}
        self.pair: str = str(self.config.get("pair") or next(iter(self.instruments), ""))
        """The pair as strategy.json writes it; `symbol` is the host's name for it."""
        self.symbol: str = self.find_symbol(self.pair) or self.pair
        self.resolution: str = str(self.config.get("resolution") or "1m")
        self.quotes: Dict[str, Quote] = {}
        self.trades: Dict[str, Trade] = {}
        self.in_history = False
        """True while a candle from before the start is being handled."""
        self._prices: Dict[str, Decimal] = {}
        self._candles: Dict[Tuple[str, str], Deque[Candle]] = {}
        self._kept_candles = max(int(self.config.get("lookback_period") or 0), _MORE_CANDLES)
        self._batch: Optional[Batch] = None
        self._current: Optional[BatchCandle] = None
        self._passed: List[Batch] = []
        self._unseen: List[BatchCandle] = []
        self._synced = self._timed = -1

    # Candles in batches.

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

    # What the strategy asks.

    def instrument(self, symbol: Optional[str]) -> Instrument:
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

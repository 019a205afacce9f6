"""From candles to rows of numbers that a model can learn from. No row looks ahead.

    from bullpen.features import Features

    features = Features().returns(1).returns(5).distance(20).rsi(14)
    rows = features.table(candles)
"""

from __future__ import annotations

import math
from collections import deque
from typing import Callable, Deque, List, NamedTuple, Sequence, Tuple

from .model import BullpenError, Candle


class Window(NamedTuple):
    """The newest candles by column, as floats, oldest first."""

    open: List[float]
    high: List[float]
    low: List[float]
    close: List[float]
    volume: List[float]


class Feature(NamedTuple):
    """One number of a row."""

    name: str
    need: int
    """How many candles it looks at, the newest included."""
    compute: Callable[[Window], float]


class Features:
    """A pipeline from candles to rows of numbers. Each call adds a feature; the last value in a window is the newest."""

    def __init__(self, features: Sequence[Feature] = ()) -> None:
        self._features: Tuple[Feature, ...] = tuple(features)

    @property
    def names(self) -> List[str]:
        """The columns of X, in order."""
        return [feature.name for feature in self._features]

    @property
    def need(self) -> int:
        """How many candles a row looks at."""
        return max((feature.need for feature in self._features), default=1)

    def add(self, name: str, need: int, compute: Callable[[Window], float]) -> Features:
        """A number of your own, from the newest `need` candles."""
        if need < 1:
            raise BullpenError("a feature needs at least one candle")
        return Features((*self._features, Feature(name, need, compute)))

    def returns(self, candles: int = 1) -> Features:
        """The logarithm of the close over that of so many candles before."""
        return self.add(
            f"return_{candles}", candles + 1, lambda window: math.log(window.close[-1] / window.close[-1 - candles])
        )

    def distance(self, candles: int = 20) -> Features:
        """How far the close is from the mean of the last closes, as a part of it."""

        def compute(window: Window) -> float:
            last = window.close[-candles:]
            return window.close[-1] * candles / sum(last) - 1

        return self.add(f"distance_{candles}", candles, compute)

    def volatility(self, candles: int = 20) -> Features:
        """The standard deviation of the last logarithmic returns."""
        return self.add(f"volatility_{candles}", candles + 1, lambda window: _deviation(window.close, candles))

    def momentum(self, candles: int = 20) -> Features:
        """The return over the last candles, in standard deviations of one."""

        def compute(window: Window) -> float:
            spread = _deviation(window.close, candles)
            return math.log(window.close[-1] / window.close[-1 - candles]) / spread if spread else 0.0

        return self.add(f"momentum_{candles}", candles + 1, compute)

    def rsi(self, candles: int = 14) -> Features:
        """Cutler's relative strength index, from 0 to 1."""

        def compute(window: Window) -> float:
            closes = window.close[-1 - candles :]
            moves = [after - before for before, after in zip(closes, closes[1:])]
            up = sum(move for move in moves if move > 0)
            down = -sum(move for move in moves if move < 0)
            return up / (up + down) if up + down else 0.5

        return self.add(f"rsi_{candles}", candles + 1, compute)

    def span(self) -> Features:
        """From low to high of the candle, as a part of its close."""
        return self.add("span", 1, lambda window: (window.high[-1] - window.low[-1]) / window.close[-1])

    def volume(self, candles: int = 20) -> Features:
        """The volume over the mean of the last volumes."""

        def compute(window: Window) -> float:
            mean = sum(window.volume[-candles:]) / candles
            return window.volume[-1] / mean if mean else 1.0

        return self.add(f"volume_{candles}", candles, compute)

    def row(self, window: Window) -> List[float]:
        """The numbers of one window, which holds at least `need` candles."""
        return [feature.compute(window) for feature in self._features]

    def table(self, candles: Sequence[Candle]) -> List[List[float]]:
        """A row for each candle that has enough others before it."""
        history = History(self.need)
        rows = []
        for candle in candles:
            history.take(candle)
            if history.is_full:
                rows.append(self.row(history.window()))
        return rows


def _deviation(closes: Sequence[float], candles: int) -> float:
    last = closes[-1 - candles :]
    moves = [math.log(after / before) for before, after in zip(last, last[1:])]
    mean = sum(moves) / len(moves)
    return math.sqrt(sum((move - mean) ** 2 for move in moves) / len(moves))


class History:
    """The newest candles as floats."""

    def __init__(self, count: int) -> None:
        self._candles: Deque[Tuple[float, float, float, float, float]] = deque(maxlen=count)

    @property
    def is_full(self) -> bool:
        return len(self._candles) == self._candles.maxlen

    def take(self, candle: Candle) -> None:
        self._candles.append(
            (candle.open_float, candle.high_float, candle.low_float, candle.close_float, candle.volume_float)
        )

    def window(self) -> Window:
        return Window(*(list(column) for column in zip(*self._candles)))

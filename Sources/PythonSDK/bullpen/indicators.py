"""The usual formulas, on sequences with the oldest value first. They answer None while there is too little data.

They work on Decimals, as candles carry them, and on floats.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import NamedTuple, Optional, Sequence, TypeVar

from .model import Candle

_Real = TypeVar("_Real", Decimal, float)


def sma(values: Sequence[_Real], period: int) -> Optional[_Real]:
    """The mean of the last `period` values."""
    if period < 1 or len(values) < period:
        return None
    last = values[-period:]
    return sum(last[1:], last[0]) / period


def ema(values: Sequence[_Real], period: int) -> Optional[_Real]:
    """The exponential mean with weight 2/(period + 1), started with the mean of the first `period` values."""
    if period < 1 or len(values) < period:
        return None
    first = values[:period]
    mean = sum(first[1:], first[0]) / period
    for value in values[period:]:
        mean += (value - mean) * 2 / (period + 1)
    return mean


def rsi(values: Sequence[_Real], period: int = 14) -> Optional[_Real]:
    """Wilder's relative strength index from 0 to 100, over all the values given. Needs period + 1 of them."""
    if period < 1 or len(values) < period + 1:
        return None
    zero = values[0] - values[0]
    gain = loss = zero
    for index in range(1, len(values)):
        change = values[index] - values[index - 1]
        up, down = max(change, zero), max(-change, zero)
        if index <= period:
            gain += up / period
            loss += down / period
        else:
            gain += (up - gain) / period
            loss += (down - loss) / period
    if gain == loss:
        return zero + 50
    return 100 * gain / (gain + loss)


def stdev(values: Sequence[_Real], period: int) -> Optional[_Real]:
    """The population standard deviation of the last `period` values."""
    mean = sma(values, period)
    if mean is None:
        return None
    squares = [(value - mean) * (value - mean) for value in values[-period:]]
    variance = sum(squares[1:], squares[0]) / period
    return variance.sqrt() if isinstance(variance, Decimal) else math.sqrt(variance)


class Bands(NamedTuple):
    """Bollinger's three lines."""

    lower: Decimal
    middle: Decimal
    upper: Decimal


def bollinger(values: Sequence[Decimal], period: int = 20, deviations: float = 2.0) -> Optional[Bands]:
    """The mean of the last `period` values, and the lines so many standard deviations beside it."""
    middle, spread = sma(values, period), stdev(values, period)
    if middle is None or spread is None:
        return None
    width = spread * Decimal(str(deviations))
    return Bands(middle - width, middle, middle + width)


def atr(candles: Sequence[Candle], period: int = 14) -> Optional[Decimal]:
    """The mean true range of the last `period` candles. Needs period + 1 of them."""
    if period < 1 or len(candles) < period + 1:
        return None
    total = Decimal(0)
    before = candles[-period - 1]
    for candle in candles[-period:]:
        total += max(candle.high, before.close) - min(candle.low, before.close)
        before = candle
    return total / period

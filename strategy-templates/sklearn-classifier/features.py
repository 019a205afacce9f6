"""From candles to numbers that a model can learn from."""

from typing import List, Sequence, Tuple

import numpy as np

from bullpen import Candle

LOOKBACK = 20
"""Candles behind the one that is described."""


def describe(candles: Sequence[Candle]) -> np.ndarray:
    """One row for each candle that has `LOOKBACK` others before it. No row looks ahead."""
    closes = np.array([float(candle.close) for candle in candles])
    highs = np.array([float(candle.high) for candle in candles])
    lows = np.array([float(candle.low) for candle in candles])
    volumes = np.array([float(candle.volume) for candle in candles])
    rows: List[List[float]] = []
    for index in range(LOOKBACK, len(candles)):
        past = closes[index - LOOKBACK : index + 1]
        returns = np.diff(np.log(past))
        spread = returns.std() or 1.0
        rows.append(
            [
                returns[-1] / spread,
                returns[-5:].sum() / spread,
                returns.sum() / spread,
                closes[index] / past.mean() - 1,
                (highs[index] - lows[index]) / closes[index],
                volumes[index] / (volumes[index - LOOKBACK : index].mean() or 1.0),
            ]
        )
    return np.array(rows).reshape(len(rows), 6)


def examples(candles: Sequence[Candle], horizon: int) -> Tuple[np.ndarray, np.ndarray]:
    """Rows whose outcome is known by now, and whether the close was higher `horizon` candles later."""
    rows = describe(candles)[:-horizon]
    closes = np.array([float(candle.close) for candle in candles])
    rises = closes[LOOKBACK + horizon :] > closes[LOOKBACK:-horizon]
    return rows, rises.astype(int)

"""How much to trade: the usual rules, as formulas on Decimals.

They answer a raw quantity in base currency, or nought where the inputs make no sense. `Strategy.fit` brings it into what
the account can carry and the venue takes.

    quantity = self.fit(sizing.risk(self.equity, "0.01", stop_distance))
"""

from __future__ import annotations

from decimal import Decimal
from typing import Optional, Sequence

from . import indicators
from .model import ZERO, Candle, Number, to_decimal


def fixed(amount: Number, price: Number) -> Decimal:
    """As much as `amount` of quote currency buys."""
    return _quotient(to_decimal(amount), to_decimal(price))


def fraction(equity: Number, share: Number, price: Number) -> Decimal:
    """As much as a `share` of equity buys, such as 0.1 for a tenth."""
    return _quotient(to_decimal(equity) * to_decimal(share), to_decimal(price))


def risk(equity: Number, share: Number, stop_distance: Optional[Number]) -> Decimal:
    """As much as loses a `share` of equity when the price moves by `stop_distance` against it."""
    distance = ZERO if stop_distance is None else to_decimal(stop_distance)
    return _quotient(to_decimal(equity) * to_decimal(share), distance)


def by_atr(
    equity: Number, share: Number, candles: Sequence[Candle], period: int = 14, multiple: Number = 2
) -> Decimal:
    """As `risk`, with a stop `multiple` average true ranges away. Nought while there are too few candles."""
    spread = indicators.atr(candles, period)
    return ZERO if spread is None else risk(equity, share, spread * to_decimal(multiple))


def volatility_target(
    equity: Number, target: Number, closes: Sequence[Decimal], period: int, periods_per_year: Number
) -> Decimal:
    """As much as makes equity move by `target` a year, such as 0.2, judged by the last `period` returns.

    `periods_per_year` is how many candles a year has: 525,600 of one minute, 365 of a day. Nought while there are too
    few closes, and when the price did not move: then any amount would do.
    """
    if period < 2 or len(closes) < period + 1 or min(closes[-period - 1 :]) <= 0:
        return ZERO
    last = closes[-period - 1 :]
    returns = [now / before - 1 for before, now in zip(last, last[1:])]
    spread = indicators.stdev(returns, period)
    if not spread:
        return ZERO
    yearly = spread * to_decimal(periods_per_year).sqrt()
    return _quotient(to_decimal(equity) * to_decimal(target) / yearly, closes[-1])


def kelly(
    equity: Number,
    win_rate: Number,
    win_loss_ratio: Number,
    price: Number,
    *,
    share: Number = "0.5",
    cap: Number = "0.25",
) -> Decimal:
    """As much as Kelly's rule bets, made smaller: a `share` of it, and at most a `cap` of equity.

    `win_rate` is how often trades win, from 0 to 1, and `win_loss_ratio` the mean win over the mean loss. Nought when
    the odds are against it. The estimates are never as good as they look; that is what `share` and `cap` are for.
    """
    wins, ratio = to_decimal(win_rate), to_decimal(win_loss_ratio)
    if not 0 <= wins <= 1 or ratio <= 0:
        return ZERO
    bet = (wins - (1 - wins) / ratio) * to_decimal(share)
    return fraction(equity, min(bet, to_decimal(cap)), price)


def _quotient(value: Decimal, divisor: Decimal) -> Decimal:
    return value / divisor if value > 0 and divisor > 0 else ZERO

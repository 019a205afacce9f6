"""The Bullpen SDK: write a trading strategy as a class with handlers.

    from bullpen import Strategy

    class MyStrategy(Strategy):
        def on_candle(self, candle):
            if not candle.history and candle.close > candle.open:
                self.buy("0.001")

The host loads the file, finds the class, and calls its handlers. Prices and quantities are `decimal.Decimal`.
`bullpen.sizing` says how much to trade, `bullpen.testing` runs a strategy without a host; `bullpen.indicators` holds the usual formulas.
"""

from .model import (
    Account,
    Bracket,
    BullpenError,
    Candle,
    Fill,
    Funding,
    Instrument,
    Order,
    Position,
    Quote,
    Signal,
    Trade,
    Trading,
)
from .strategy import Strategy

__version__ = "1.0"

__all__ = [
    "Account",
    "Bracket",
    "BullpenError",
    "Candle",
    "Fill",
    "Funding",
    "Instrument",
    "Order",
    "Position",
    "Quote",
    "Signal",
    "Strategy",
    "Trade",
    "Trading",
]

"""For strategies written for the older platform: they run here unchanged.

    from base_strategy import BaseStrategy

    class MyStrategy(BaseStrategy):
        def on_market_data(self, market_data):
            if market_data['close'] > market_data['open']:
                self.place_order('BUY', 0.001)

        def on_signal(self, signal):
            if signal['action'] == 'BUY':
                self.place_order('BUY', signal['quantity'])

New strategies are better off with `bullpen.Strategy`, which has exact prices, fills, positions and timers.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from bullpen.model import BullpenError, Candle, Number, Order, Quote, Signal
from bullpen.strategy import Strategy

__all__ = ["BaseStrategy"]


class BaseStrategy:
    """Override `on_market_data` and `on_signal`; call `place_order`.

    Every name but these few is yours. `__init__` need not call `super().__init__()`.
    """

    receives_history = False
    """Set it to True to get the candles from before the start through `on_market_data` too. Orders are denied
    during those, which is why a strategy that knows nothing of them is spared them; `past_market_data()` has
    them."""

    def __new__(cls, *arguments: Any, **named: Any) -> BaseStrategy:
        """Ties the strategy to its run, whether or not its `__init__` calls this one's."""
        strategy = super().__new__(cls)
        strategy._bullpen_driver = _Driver(strategy)
        return strategy

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Takes whatever the older platform passed, and needs none of it."""

    _bullpen_driver: _Driver

    def on_market_data(self, market_data: Dict[str, Any]) -> None:
        """A candle closed.

        `market_data` has pair, resolution, timestamp (ms, when the candle opened), open, high, low, close, volume,
        price (the close), bid and ask (the close too, while no quote is known). Numbers are floats.
        """

    def on_signal(self, signal: Dict[str, Any]) -> None:
        """Somebody sent a signal: its sender's object with "action", and "id" and "timestamp" beside it."""

    def place_order(
        self, side: str, quantity: Number, price: Optional[Number] = None, pair: Optional[str] = None
    ) -> Order:
        """Asks to buy or sell: at the market, or at `price` or better."""
        driver = self._bullpen_driver
        if not isinstance(side, str) or side.lower() not in ("buy", "sell"):
            raise BullpenError(f"side {side!r} must be 'BUY' or 'SELL'")
        symbol = None if pair is None else driver._session.find_symbol(pair) or pair
        return driver.order(side.lower(), quantity, price, symbol=symbol)

    def past_market_data(self) -> List[Dict[str, Any]]:
        """The candles from before the start, as `on_market_data` would have got them, oldest first."""
        return list(self._bullpen_driver.past)

    def log(self, message: object, level: str = "info") -> None:
        """Writes to the strategy's log, as `print` does too."""
        self._bullpen_driver.log(message, level)

    def start(self) -> None:
        """Runs the strategy. The host does this by itself, so a file need not call it, but may."""
        self._bullpen_driver.start()

    def _bullpen_adapter(self) -> Strategy:
        return self._bullpen_driver


class _Driver(Strategy):
    """Turns what the host says into what the older platform said."""

    def __init__(self, author: BaseStrategy) -> None:
        self._author = author
        self.past: List[Dict[str, Any]] = []

    def on_start(self) -> None:
        # Only those who ask for quotes pay for them; bid and ask are part of every market_data.
        self.subscribe(quotes=True)

    def on_candle(self, candle: Candle) -> None:
        session = self._session
        pair = session.pair if candle.symbol == session.symbol else candle.symbol
        data = market_data(pair, candle, session.quotes.get(candle.symbol))
        if candle.history:
            self.past.append(data)
            if not self._author.receives_history:
                return
        self._author.on_market_data(data)

    def on_signal(self, signal: Signal) -> None:
        data = dict(signal.data)
        data.setdefault("id", signal.id)
        data.setdefault("timestamp", signal.time)
        data["action"] = signal.action
        self._author.on_signal(data)


def market_data(pair: str, candle: Candle, quote: Optional[Quote]) -> Dict[str, Any]:
    """A candle as the older platform gave it."""
    close = float(candle.close)
    return {
        "pair": pair,
        "resolution": candle.resolution,
        "timestamp": candle.time,
        "open": float(candle.open),
        "high": float(candle.high),
        "low": float(candle.low),
        "close": close,
        "volume": float(candle.volume),
        "price": close,
        "bid": close if quote is None else float(quote.bid),
        "ask": close if quote is None else float(quote.ask),
    }

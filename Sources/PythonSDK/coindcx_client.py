"""A reading stand-in for the CoinDCX client that strategies on the older platform import.

Answers come from the host's feed as this strategy has seen it so far; nothing goes over a network, and no key is
needed or used. Signed calls raise `SignedCallError`: keys live with the host, and `place_order` is the way.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, NoReturn, Optional

from bullpen.model import BullpenError
from bullpen.session import Session
from bullpen.strategy import current_session

__all__ = ["CoinDCXClient", "SignedCallError", "get_candles", "get_markets", "get_markets_details", "get_ticker"]


class SignedCallError(BullpenError):
    """A call that would need the exchange's keys."""


class CoinDCXClient:
    """Market data in CoinDCX's shapes. Keys given to it are ignored."""

    def __init__(self, api_key: Optional[str] = None, api_secret: Optional[str] = None, **others: Any) -> None:
        """Keeps none of its arguments."""

    def get_ticker(self, market: Optional[str] = None) -> Any:
        """All tickers as a list, or one market's as a dict. Prices are strings, as CoinDCX writes them."""
        return get_ticker(market)

    def get_markets(self) -> List[str]:
        """The markets' names."""
        return get_markets()

    def get_markets_details(self) -> List[Dict[str, Any]]:
        """The markets with their steps and least sizes."""
        return get_markets_details()

    def get_candles(self, pair: str, interval: str = "1m", limit: int = 500, **range_: int) -> List[Dict[str, Any]]:
        """Candles as CoinDCX gives them: newest first, numbers as floats."""
        return get_candles(pair, interval, limit, **range_)

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        """Every other call is one that would be signed."""
        return _refusal(name)


def get_ticker(market: Optional[str] = None) -> Any:
    """All tickers as a list, or one market's as a dict. Prices are strings, as CoinDCX writes them."""
    session = _session()
    if market is not None:
        return _ticker(session, _symbol(session, market))
    return [_ticker(session, symbol) for symbol in session.instruments if symbol in session.prices]


def get_markets() -> List[str]:
    """The markets' names."""
    return list(_session().instruments)


def get_markets_details() -> List[Dict[str, Any]]:
    """The markets with their steps and least sizes."""
    return [
        {
            "coindcx_name": instrument.symbol,
            "base_currency_short_name": instrument.quote,
            "target_currency_short_name": instrument.base,
            "min_notional": float(instrument.minimum_notional),
            "tick_size": float(instrument.tick_size),
            "step": float(instrument.step_size),
            "symbol": instrument.symbol,
            "pair": f"{instrument.base}_{instrument.quote}",
            "status": "active",
        }
        for instrument in _session().instruments.values()
    ]


def get_candles(
    pair: str, interval: str = "1m", limit: int = 500, startTime: int = 0, endTime: Optional[int] = None
) -> List[Dict[str, Any]]:
    """Candles as CoinDCX gives them: newest first, numbers as floats."""
    session = _session()
    kept = [
        {
            "open": float(candle.open),
            "high": float(candle.high),
            "low": float(candle.low),
            "close": float(candle.close),
            "volume": float(candle.volume),
            "time": candle.time,
        }
        for candle in session.last_candles(None, _symbol(session, pair), interval)
        if candle.time >= startTime and (endTime is None or candle.time <= endTime)
    ]
    kept.reverse()
    return kept[: max(limit, 0)]


def _session() -> Session:
    session = current_session()
    if session is None:
        raise BullpenError("coindcx_client reads the host's feed: it works in a running strategy, or in a test")
    return session


def _symbol(session: Session, market: str) -> str:
    symbol = session.find_symbol(market)
    if symbol is None:
        raise BullpenError(f"{market!r} is not one of the instruments: {', '.join(session.instruments)}")
    return symbol


def _ticker(session: Session, symbol: str) -> Dict[str, Any]:
    price = session.prices.get(symbol)
    if price is None:
        raise BullpenError(f"no price of {symbol} was heard yet")
    quote = session.quotes.get(symbol)
    candles = session.last_candles(None, symbol, session.resolution)
    day = [candle for candle in candles if candle.close_time > session.now - 86_400_000]
    change = (price / day[0].open - 1) * 100 if day else 0
    return {
        "market": symbol,
        "change_24_hour": f"{change:.3f}",
        "high": str(max((candle.high for candle in day), default=price)),
        "low": str(min((candle.low for candle in day), default=price)),
        "volume": str(sum(candle.volume for candle in day)),
        "last_price": str(price),
        "bid": str(price if quote is None else quote.bid),
        "ask": str(price if quote is None else quote.ask),
        "timestamp": session.now // 1000,  # in seconds, as CoinDCX gives it
    }


def _refusal(name: str) -> Callable[..., NoReturn]:
    if name.startswith("__"):
        raise AttributeError(name)

    def refuse(*arguments: Any, **named: Any) -> NoReturn:
        raise SignedCallError(
            f"{name} is not for a strategy to call: exchange keys live with the host. Use place_order(side, quantity) "
            "to trade, and get_ticker, get_candles, get_markets or get_markets_details to read"
        )

    return refuse


def __getattr__(name: str) -> Any:
    return _refusal(name)

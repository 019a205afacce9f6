"""The class that a strategy is made from."""

from __future__ import annotations

from decimal import Decimal
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Dict,
    Generic,
    List,
    NoReturn,
    Optional,
    Type,
    TypeVar,
    Union,
    overload,
)

from . import indicators, sizing
from .model import (
    ZERO,
    Account,
    Bracket,
    BullpenError,
    Candle,
    Fill,
    Funding,
    Instrument,
    Number,
    Order,
    Position,
    Quote,
    Signal,
    Trade,
    Trading,
    to_decimal,
)
from .session import Session

if TYPE_CHECKING:
    from typing import TypedDict, Unpack

    class Terms(TypedDict, total=False):
        """What `buy`, `sell` and `order` take by name; `Book.order` has what each is when it is left out."""

        symbol: Optional[str]
        order_type: Optional[str]
        stop_price: Optional[Number]
        time_in_force: str
        post_only: bool
        reduce_only: bool
        stop_loss: Optional[Number]
        take_profit: Optional[Number]

_Value = TypeVar("_Value")


class _View(Generic[_Value]):
    """A value of the session, read like an attribute. A strategy may use the same name for its own things."""

    def __init__(self, read: Callable[[Any], _Value]) -> None:
        self._read = read
        self.__doc__ = read.__doc__

    @overload
    def __get__(self, instance: None, owner: Type[Any]) -> _View[_Value]: ...

    @overload
    def __get__(self, instance: Strategy, owner: Type[Any]) -> _Value: ...

    def __get__(self, instance: Optional[Strategy], owner: Type[Any]) -> Union[_View[_Value], _Value]:
        return self if instance is None else self._read(instance)


_current: Optional[Session] = None


def set_current_session(session: Optional[Session]) -> None:
    """Names the session that strategies made from now on belong to."""
    global _current
    _current = session


def current_session() -> Optional[Session]:
    """The session that strategies made now belong to."""
    return _current


class Strategy:
    """Override the handlers that you need; call the rest from inside them.

    A handler that raises ends the run: the traceback goes to the log, the process exits with 1, and the restart
    policy decides what follows. Whatever was said before the exception still counts.
    """

    _bullpen_session: Optional[Session]

    def __new__(cls, *arguments: Any, **named: Any) -> Strategy:
        """Ties the strategy to its run, so that `__init__` can already read parameters."""
        strategy = super().__new__(cls)
        strategy._bullpen_session = _current
        return strategy

    # Handlers: override these.

    def on_start(self) -> None:
        """Once, before anything else. Subscribe, set timers, read `self.state`, train a model."""

    def on_candle(self, candle: Candle) -> None:
        """A candle closed. First come `lookback_period` candles with `candle.history` true."""

    def on_trade(self, trade: Trade) -> None:
        """A public trade, after `subscribe(…, trades=True)`."""

    def on_quote(self, quote: Quote) -> None:
        """A new best bid and ask, after `subscribe(…, quotes=True)`."""

    def on_signal(self, signal: Signal) -> None:
        """Somebody sent this strategy a signal."""

    def on_order(self, order: Order) -> None:
        """One of this strategy's orders changed: opened, filled, cancelled, denied, rejected…"""

    def on_fill(self, fill: Fill) -> None:
        """One of this strategy's orders traded."""

    def on_position(self, position: Position) -> None:
        """This strategy's position changed."""

    def on_bracket(self, bracket: Bracket) -> None:
        """A stop-loss and take-profit that the host holds changed: held, triggered, done, denied…"""

    def on_trading(self, trading: Trading) -> None:
        """What may be done changed: the venue is away, or what is known of the account is in doubt, or all is well."""

    def on_funding(self, funding: Funding) -> None:
        """Funding was paid on a position, or received; `equity` has it already. So far only in backtests."""

    def on_timer(self, timer_id: str) -> None:
        """A timer went off."""

    def on_stop(self, reason: str) -> None:
        """The host wants the strategy to end. There is little time: save state, say good-bye."""

    # Trading.

    def buy(self, quantity: Number, price: Optional[Number] = None, **terms: Unpack[Terms]) -> Order:
        """Asks to buy. Without a price it is a market order, with one a limit order; see `order` for all its terms."""
        return self._session.order("buy", quantity, price, **terms)

    def sell(self, quantity: Number, price: Optional[Number] = None, **terms: Unpack[Terms]) -> Order:
        """Asks to sell. Without a price it is a market order, with one a limit order; see `order` for all its terms."""
        return self._session.order("sell", quantity, price, **terms)

    def order(self, side: str, quantity: Number, price: Optional[Number] = None, **terms: Unpack[Terms]) -> Order:
        """Asks for an order and returns it; it changes as the host answers, and `on_order` tells when.

        Its terms, by name: `symbol`, the strategy's own unless another is named; `order_type`, `stop_price`,
        `time_in_force`, which is "gtc" unless it is "ioc" or "fok"; `post_only` and `reduce_only`, which are off;
        `stop_loss` and `take_profit`.

        `order_type` is "market", "limit", "stop", "stop_limit" or "take_profit". Left out, it follows from what
        is given: `stop_price` alone makes a stop, with `price` a stop-limit. A take-profit must be named.
        An order during a history candle, or of a quantity that is not above 0, comes back denied at once.

        `stop_loss` and `take_profit` are prices at which the host closes what this order opens: they are held from the
        first fill on, in the amount that filled, and outlive this process. `on_bracket` tells of them.
        """
        return self._session.order(side, quantity, price, **terms)

    def oco(
        self,
        *,
        stop_loss: Optional[Number] = None,
        take_profit: Optional[Number] = None,
        quantity: Optional[Number] = None,
        symbol: Optional[str] = None,
    ) -> Bracket:
        """Has the host close the position at one price or the other; whichever is reached first ends both.

        `quantity` is all of the position when left out. What another bracket protects already cannot be protected twice.
        """
        return self._session.oco(stop_loss, take_profit, quantity, symbol)

    def cancel(self, order: Union[Order, Bracket, str]) -> None:
        """Asks to cancel an order, given itself or its `request`, or to take a bracket away.

        Cancelling an order leaves its bracket in place for what has filled.
        """
        self._session.cancel(order)

    def amend(
        self,
        order: Union[Order, Bracket, str],
        *,
        quantity: Optional[Number] = None,
        price: Optional[Number] = None,
        stop_loss: Optional[Number] = None,
        take_profit: Optional[Number] = None,
    ) -> None:
        """Asks to change a standing order's quantity or price, or to move the prices of a bracket."""
        self._session.amend(order, quantity, price, stop_loss, take_profit)

    # Saying things.

    def signal(self, action: str, symbol: Optional[str] = None, **data: Any) -> None:
        """Publishes a signal, which people and programs can follow. It moves no money."""
        self._session.signal(action, symbol, data)

    def log(self, message: object, level: str = "info") -> None:
        """Writes to the strategy's log. `level` is "debug", "info", "warning" or "error"."""
        self._session.log(str(message), level)

    def metric(self, name: str, value: Number) -> None:
        """Publishes a number under a name of letters, digits, '.', '_' and '-'."""
        self._session.metric(name, value)

    def save_state(self, state: Any) -> None:
        """Keeps any JSON value of up to 48 KiB for the next run, where `self.state` gives it back."""
        self._session.save_state(state)

    # Asking for things.

    def subscribe(
        self,
        symbol: Optional[str] = None,
        resolution: Optional[str] = None,
        *,
        trades: bool = False,
        quotes: bool = False,
    ) -> None:
        """Asks for market data beyond the candles of the configured pair and resolution."""
        session = self._session
        session.subscribe(symbol or session.symbol, resolution, trades, quotes)

    def timer(self, timer_id: str, seconds: float, *, repeat: bool = False) -> None:
        """Sets a timer for `on_timer`, replacing one of the same id. At most a week."""
        milliseconds = max(int(seconds * 1000 + 0.5), 10 if repeat else 1)
        self._session.timer(timer_id, milliseconds, repeat)

    def cancel_timer(self, timer_id: str) -> None:
        """Takes a timer away."""
        self._session.timer(timer_id, 0, False)

    def finish(self, reason: str = "finished") -> NoReturn:
        """Ends the run by the strategy's own choice. Nothing after this call is executed."""
        self._session.finish(reason)
        raise AssertionError("unreachable")

    def parameter(self, name: str, default: Any = None) -> Any:
        """A parameter of this run: from the start request, else `custom_params` in strategy.json, else `default`.

        With a default the value must be of its kind; a whole number passes where a float or Decimal is wanted.
        """
        session = self._session
        value = session.parameters.get(name)
        if value is None:
            value = (session.config.get("custom_params") or {}).get(name)
        if value is None:
            return default
        return _of_kind(value, default, name)

    # Looking around.

    @property
    def _session(self) -> Session:
        session = self._bullpen_session
        if session is None:
            raise BullpenError(
                "this strategy is not running: upload it to a host, or use bullpen.testing.Harness"
            )
        return session

    @_View
    def symbol(self) -> str:
        """The pair from strategy.json; the default everywhere that a symbol may be given."""
        return self._session.symbol

    @_View
    def resolution(self) -> str:
        """The resolution from strategy.json, such as "1m"."""
        return self._session.resolution

    @_View
    def config(self) -> Dict[str, Any]:
        """The fields of strategy.json with their defaults filled in."""
        return self._session.config

    @_View
    def state(self) -> Any:
        """What an earlier run, or this one, saved last; None when nothing was."""
        return self._session.state

    @_View
    def now(self) -> int:
        """The time of the event at hand, in milliseconds since the epoch, UTC. Use it instead of a clock."""
        return self._session.now

    @_View
    def mode(self) -> str:
        """"paper", "live" or "lab"."""
        return self._session.mode

    @_View
    def account(self) -> Account:
        """The account as it stood at the start; `equity` moves on."""
        return self._session.account

    @_View
    def equity(self) -> Decimal:
        """What the strategy is worth: its start, moved by what its positions gained, lost and paid."""
        return self._session.equity()

    @_View
    def open_orders(self) -> List[Order]:
        """The orders that may still fill, oldest first."""
        return list(self._session.orders.values())

    @_View
    def open_brackets(self) -> List[Bracket]:
        """The stop-losses and take-profits that the host holds for this strategy, oldest first."""
        return list(self._session.brackets.values())

    @_View
    def instruments(self) -> Dict[str, Instrument]:
        """What can be traded, by symbol."""
        return self._session.instruments

    def instrument(self, symbol: Optional[str] = None) -> Instrument:
        """Tick size, step size and so on of an instrument."""
        return self._session.instrument(symbol)

    def position(self, symbol: Optional[str] = None) -> Position:
        """What the strategy holds; a flat position when it holds nothing."""
        return self._session.position(symbol)

    def price(self, symbol: Optional[str] = None) -> Optional[Decimal]:
        """The last price heard of, from a candle or a trade; None before the first."""
        session = self._session
        return session.prices.get(symbol or session.symbol)

    def quote(self, symbol: Optional[str] = None) -> Optional[Quote]:
        """The last quote heard of; None before the first."""
        session = self._session
        return session.quotes.get(symbol or session.symbol)

    def candles(
        self, count: Optional[int] = None, symbol: Optional[str] = None, resolution: Optional[str] = None
    ) -> List[Candle]:
        """The newest `count` candles, oldest first, history included. At least 500 are kept."""
        return self._session.last_candles(count, symbol, resolution)

    def closes(
        self, count: Optional[int] = None, symbol: Optional[str] = None, resolution: Optional[str] = None
    ) -> List[Decimal]:
        """The closing prices of `candles(count)`."""
        return [candle.close for candle in self._session.last_candles(count, symbol, resolution)]

    # Sizing by strategy.json.

    def atr(self, period: int = 14, symbol: Optional[str] = None) -> Optional[Decimal]:
        """The average true range of the last `period` candles; None while there are too few."""
        return indicators.atr(self._session.last_candles(period + 1, symbol, None), period)

    def stop_loss_price(
        self,
        side: str = "buy",
        entry: Optional[Number] = None,
        *,
        period: int = 14,
        symbol: Optional[str] = None,
    ) -> Optional[Decimal]:
        """Where a position opened by `side` at `entry` is given up: `sl_atr_multiplier` ATRs against it."""
        multiplier = to_decimal(self._session.config.get("sl_atr_multiplier", 2.0))
        return self._atr_away(side, entry, -multiplier, period, symbol)

    def take_profit_price(
        self,
        side: str = "buy",
        entry: Optional[Number] = None,
        *,
        period: int = 14,
        symbol: Optional[str] = None,
    ) -> Optional[Decimal]:
        """Where a position opened by `side` at `entry` takes its profit: `tp_atr_multiplier` ATRs in its favour."""
        multiplier = to_decimal(self._session.config.get("tp_atr_multiplier", 3.0))
        return self._atr_away(side, entry, multiplier, period, symbol)

    def _atr_away(
        self, side: str, entry: Optional[Number], atrs: Decimal, period: int, symbol: Optional[str]
    ) -> Optional[Decimal]:
        session = self._session
        symbol = symbol or session.symbol
        price = session.prices.get(symbol) if entry is None else to_decimal(entry)
        spread = indicators.atr(session.last_candles(period + 1, symbol, None), period)
        if price is None or spread is None:
            return None
        direction = 1 if side.lower() == "buy" else -1
        instrument = session.instrument(symbol)
        return max(instrument.round_price(price + direction * atrs * spread), instrument.tick_size)

    def position_size(
        self, stop_distance: Optional[Number], price: Optional[Number] = None, symbol: Optional[str] = None
    ) -> Decimal:
        """How much to trade so that a move of `stop_distance` against it loses `risk_per_trade` of equity.

        It is cut to what equity times leverage can carry and rounded down to the step. Nought when that is less
        than the venue's minimum, when there is no price yet, or when `stop_distance` is None or not above 0.
        """
        session = self._session
        symbol = symbol or session.symbol
        margin_currency = session.config.get("margin_currency")
        if margin_currency and margin_currency != session.account.currency:
            raise BullpenError(
                f"margin_currency in strategy.json is {margin_currency}, but this run's account is in "
                f"{session.account.currency}: start it on another account, or change strategy.json"
            )
        reference = session.prices.get(symbol) if price is None else to_decimal(price)
        distance = ZERO if stop_distance is None else to_decimal(stop_distance)
        if reference is None or reference <= 0 or distance <= 0:
            return ZERO
        share = to_decimal(session.config.get("risk_per_trade", 0.01))
        return self.fit(sizing.risk(max(session.equity(), ZERO), share, distance), reference, symbol)

    def fit(self, quantity: Number, price: Optional[Number] = None, symbol: Optional[str] = None) -> Decimal:
        """A quantity cut to what equity times leverage can carry, and rounded down to the step.

        Nought when that is less than the venue's minimum, or when there is no price yet. The rules of
        `bullpen.sizing` answer quantities for it.
        """
        session = self._session
        symbol = symbol or session.symbol
        instrument = session.instrument(symbol)
        reference = session.prices.get(symbol) if price is None else to_decimal(price)
        if reference is None or reference <= 0:
            return ZERO
        affordable = max(session.equity(), ZERO) * session.account.leverage * _USABLE / reference
        fitted = instrument.round_quantity(min(to_decimal(quantity), affordable))
        return fitted if fitted > 0 and fitted * reference >= instrument.minimum_notional else ZERO

    # For files that start themselves.

    def start(self) -> None:
        """Runs the strategy. The host does this by itself, so a file need not call it, but may."""
        from .runtime import start

        start(self)


_USABLE = Decimal("0.99")  # the rest is for fees


def _of_kind(value: Any, default: Any, name: str) -> Any:
    if default is None or isinstance(value, type(default)) and isinstance(value, bool) == isinstance(default, bool):
        return value
    if not isinstance(value, bool) and isinstance(value, (int, float, str)):
        if isinstance(default, Decimal):
            return to_decimal(value)
        if isinstance(default, float) and not isinstance(value, str):
            return float(value)
        if isinstance(default, int) and not isinstance(default, bool) and isinstance(value, float):
            if value.is_integer():
                return int(value)
    raise BullpenError(
        f"parameter {name!r} is {value!r}; a value like {default!r} of type {type(default).__name__} is expected"
    )

"""Runs a strategy without a host, for unit tests.

    from bullpen.testing import Harness
    from strategy import MyStrategy

    harness = Harness(MyStrategy, parameters={"fast": 3})
    harness.closes(100, 101, 102, history=True)
    harness.closes(103, 104)
    assert harness.orders[0].side == "buy"

Market orders fill at the last price, limit and stop orders when a later candle reaches them; there is no slippage,
no queue and no partial fill. A stop-loss or take-profit that the host holds closes at its price when a later candle
reaches it, the stop-loss first. The host's paper venue is stricter.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Dict, List, NamedTuple, Optional, Type, Union

from .model import ZERO, Bracket, BullpenError, Message, Number, Order, decimal_text, to_decimal
from .runtime import adapted
from .session import Session
from .speech import Finished
from .strategy import Strategy, set_current_session

DEFAULT_CONFIG: Dict[str, Any] = {
    "pair": "BTCUSDT",
    "resolution": "1m",
    "lookback_period": 100,
    "leverage": 10,
    "risk_per_trade": 0.01,
    "margin_currency": "USDT",
    "sl_atr_multiplier": 2.0,
    "tp_atr_multiplier": 3.0,
    "max_positions": 1,
    "max_daily_loss": 0.05,
    "custom_params": {},
}

_LENGTHS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


class LogLine(NamedTuple):
    """One line that the strategy logged."""

    level: str
    message: str


class SentSignal(NamedTuple):
    """One signal that the strategy published."""

    action: str
    symbol: Optional[str]
    data: Dict[str, Any]


class Harness:
    """A host in miniature: feed it candles, look at the orders."""

    def __init__(
        self,
        strategy: Union[Type[Any], Any],
        *,
        parameters: Optional[Dict[str, Any]] = None,
        config: Optional[Dict[str, Any]] = None,
        equity: Number = 10_000,
        kind: str = "margin",
        leverage: Number = 1,
        state: Any = None,
        fills: bool = True,
        fee_rate: Number = "0.001",
        tick_size: Number = "0.01",
        step_size: Number = "0.00001",
        minimum_notional: Number = 5,
        start: int = 1_735_689_600_000,
    ) -> None:
        """Takes the strategy's class, makes one and calls its `on_start`.

        `fills=False` leaves every order open for the test to answer by `fill`, `deny` or `cancel`.
        """
        merged = {**DEFAULT_CONFIG, **(config or {})}
        self.symbol: str = merged["pair"]
        self.resolution: str = merged["resolution"]
        self.time = start
        """When the next candle opens, in milliseconds."""
        self.length = int(self.resolution[:-1]) * _LENGTHS[self.resolution[-1]]
        self.sent: List[Message] = []
        """Every line that the strategy said, decoded."""
        self.orders: List[Order] = []
        """Every order that the strategy asked for, oldest first."""
        self.logs: List[LogLine] = []
        self.metrics: Dict[str, List[Decimal]] = {}
        self.signals: List[SentSignal] = []
        self.subscriptions: List[Message] = []
        self.timers: Dict[str, Message] = {}
        self._fills = fills
        self._fee_rate = to_decimal(fee_rate)
        self._trade_count = 0
        base = self.symbol[:3]
        quote = self.symbol[3:] or merged["margin_currency"]
        self.session = Session(
            {
                "type": "hello",
                "protocol": 1,
                "strategy": "test",
                "run": "test",
                "mode": "paper",
                "time": start,
                "entry": "strategy.py",
                "parameters": parameters or {},
                "config": merged,
                "instruments": [
                    {
                        "symbol": self.symbol,
                        "base": base,
                        "quote": quote,
                        "tick_size": decimal_text(tick_size),
                        "step_size": decimal_text(step_size),
                        "minimum_notional": decimal_text(minimum_notional),
                    }
                ],
                "account": {
                    "currency": merged["margin_currency"],
                    "equity": decimal_text(equity),
                    "available": decimal_text(equity),
                    "kind": kind,
                    "leverage": decimal_text(leverage),
                },
                "positions": [],
                "orders": [],
                "brackets": [],
                "state": state,
                "heartbeat_ms": 5000,
            }
        )
        set_current_session(self.session)
        self.author = strategy() if isinstance(strategy, type) else strategy
        self.strategy: Strategy = adapted(self.author)
        self.strategy._bullpen_session = self.session
        self._do(lambda: self.session.begin(self.strategy))

    @property
    def state(self) -> Any:
        """What the strategy saved last."""
        return self.session.state

    @property
    def is_over(self) -> bool:
        """Whether the run has ended."""
        return self.session.is_over

    # What happens on the market.

    def candle(
        self,
        close: Number,
        *,
        open: Optional[Number] = None,
        high: Optional[Number] = None,
        low: Optional[Number] = None,
        volume: Number = 1,
        history: bool = False,
        symbol: Optional[str] = None,
    ) -> None:
        """One candle; what is not given follows from the close. Orders that stood before it may fill in it first."""
        last = to_decimal(close)
        first = to_decimal(open) if open is not None else self.session.prices.get(self.symbol, last)
        top = max(to_decimal(high) if high is not None else last, first, last)
        bottom = min(to_decimal(low) if low is not None else last, first, last)
        if symbol is None or symbol == self.symbol:
            self._fill_reached(bottom, top)
        message: Message = {
            "type": "candle",
            "symbol": symbol or self.symbol,
            "resolution": self.resolution,
            "time": self.time,
            "close_time": self.time + self.length,
            "open": decimal_text(first),
            "high": decimal_text(top),
            "low": decimal_text(bottom),
            "close": decimal_text(last),
            "volume": decimal_text(volume),
        }
        if history:
            message["history"] = True
        self.time += self.length
        self.say(message)

    def closes(self, *closes: Number, history: bool = False) -> None:
        """Candles with these closing prices."""
        for close in closes:
            self.candle(close, history=history)

    def quote(self, bid: Number, ask: Number, quantity: Number = 1) -> None:
        """A new best bid and ask."""
        amount = decimal_text(quantity)
        self.say(
            {
                "type": "quote",
                "symbol": self.symbol,
                "time": self.session.now,
                "bid": decimal_text(bid),
                "bid_quantity": amount,
                "ask": decimal_text(ask),
                "ask_quantity": amount,
            }
        )

    def trade(self, price: Number, quantity: Number = 1) -> None:
        """A public trade."""
        self.say(
            {
                "type": "trade",
                "symbol": self.symbol,
                "time": self.session.now,
                "price": decimal_text(price),
                "quantity": decimal_text(quantity),
            }
        )

    # What the host does.

    def signal(self, action: str, **data: Any) -> None:
        """Somebody sends the strategy a signal."""
        self.say({"type": "signal", "id": "signal", "time": self.session.now, "action": action, "data": data})

    def timer(self, timer_id: str) -> None:
        """A timer that the strategy set goes off."""
        if timer_id not in self.timers:
            raise BullpenError(f"the strategy set no timer {timer_id!r}")
        if not self.timers[timer_id].get("repeat"):
            del self.timers[timer_id]
        self.say({"type": "timer", "id": timer_id, "time": self.session.now})

    def stop(self, reason: str = "asked to") -> None:
        """The host stops the strategy."""
        self.say({"type": "stop", "reason": reason, "deadline_ms": 2000})

    def fill(self, order: Order, price: Optional[Number] = None, quantity: Optional[Number] = None) -> None:
        """An order fills: the rest of it, at its own price or the last one, unless told otherwise."""
        at = to_decimal(price) if price is not None else order.price or self.session.prices[order.symbol]
        amount = to_decimal(quantity) if quantity is not None else order.remaining
        filled = order.filled_quantity + amount
        paid = (order.average_price or ZERO) * order.filled_quantity + at * amount
        fee = self._trade(order, at, amount)
        self._report(order, "filled" if filled >= order.quantity else "partially_filled", filled, paid / filled)
        self._move_position(order, at, amount, fee)
        self._fit_brackets(order, amount)

    def deny(self, order: Order, reason: str = "over a limit") -> None:
        """The host denies an order."""
        self._report(order, "denied", order.filled_quantity, order.average_price, reason)

    def cancel(self, order: Order) -> None:
        """An order is cancelled."""
        self._report(order, "cancelled", order.filled_quantity, order.average_price)

    def say(self, message: Message) -> None:
        """Any line of the protocol, as the host would say it."""
        if self.session.is_over:
            raise BullpenError("the run is over")
        self.flush()
        self._do(lambda: self.session.handle(json.loads(json.dumps(message))))

    def flush(self) -> None:
        """Takes over what the strategy said outside of a handler, as when a test calls `strategy.buy` itself."""
        for line in self.session.take_output().decode().split("\n"):
            if line:
                self._hear(json.loads(line))

    # Within.

    def _do(self, handler: Any) -> None:
        set_current_session(self.session)
        try:
            handler()
        except Finished:
            pass
        self.flush()

    def _hear(self, message: Message) -> None:
        self.sent.append(message)
        kind = message["type"]
        if kind == "order":
            order = self.session.orders[message["request"]]
            self.orders.append(order)
            if "stop_loss" in message or "take_profit" in message:
                exit_side = "sell" if order.side == "buy" else "buy"
                self._bracket(Bracket(order.request, order.symbol, exit_side), message, "waiting", ZERO)
            if self._fills:
                self._accept(order)
        elif kind == "oco":
            asked = self.session.brackets[message["request"]]
            self._bracket(asked, message, "held", to_decimal(message["quantity"]))
        elif kind == "cancel" and (message.get("bracket") or message["request"] not in self.session.orders):
            held = self.session.brackets.get(message["request"])
            if held is not None:
                self._bracket(held, {}, "cancelled", held.quantity)
        elif kind == "amend" and ("stop_loss" in message or "take_profit" in message):
            held = self.session.brackets.get(message["request"])
            if held is not None:
                self._bracket(held, message, held.status, held.quantity)
        elif kind == "cancel":
            found = self.session.orders.get(message["request"])
            if found is not None and self._fills:
                self.cancel(found)
        elif kind == "amend":
            found = self.session.orders.get(message["request"])
            if found is not None and self._fills:
                found.quantity = to_decimal(message.get("quantity", found.quantity))
                found.price = to_decimal(message["price"]) if "price" in message else found.price
                self._report(found, "open", found.filled_quantity, found.average_price)
        elif kind == "log":
            self.logs.append(LogLine(message["level"], message["message"]))
        elif kind == "metric":
            self.metrics.setdefault(message["name"], []).append(Decimal(message["value"]))
        elif kind == "signal":
            self.signals.append(SentSignal(message["action"], message.get("symbol"), message.get("data", {})))
        elif kind == "subscribe":
            self.subscriptions.append(message)
        elif kind == "timer":
            if message["after_ms"] == 0:
                self.timers.pop(message["id"], None)
            else:
                self.timers[message["id"]] = message

    def _accept(self, order: Order) -> None:
        if order.order_type == "market":
            if order.symbol in self.session.prices:
                self.fill(order)
            else:
                self.deny(order, "there is no price yet")
        else:
            self._report(order, "open", ZERO, None)

    def _fill_reached(self, low: Decimal, high: Decimal) -> None:
        if not self._fills:
            return
        for order in list(self.session.orders.values()):
            price = _reached(order, low, high)
            if price is not None and order.is_open and order.symbol == self.symbol:
                self.fill(order, price)

        for bracket in list(self.session.brackets.values()):
            if bracket.status != "held" or bracket.symbol != self.symbol:
                continue
            falls = bracket.side == "sell"
            stop, take = bracket.stop_loss, bracket.take_profit
            if stop is not None and (low <= stop if falls else high >= stop):
                self._exit(bracket, "stop_loss", stop)
            elif take is not None and (high >= take if falls else low <= take):
                self._exit(bracket, "take_profit", take)

    def _trade(self, order: Order, at: Decimal, amount: Decimal) -> Decimal:
        """Says `fill`, and answers its fee."""
        fee = at * amount * self._fee_rate
        self._trade_count += 1
        self.say(
            {
                "type": "fill",
                "order": order.id or f"h{order.request}",
                "request": order.request,
                "trade": str(self._trade_count),
                "symbol": order.symbol,
                "side": order.side,
                "price": decimal_text(at),
                "quantity": decimal_text(amount),
                "fee": decimal_text(fee),
                "fee_currency": self.session.account.currency,
                "liquidity": "taker" if order.price is None else "maker",
                "time": self.session.now,
            }
        )
        return fee

    def _exit(self, bracket: Bracket, leg: str, price: Decimal) -> None:
        quantity = bracket.quantity
        exit_order = Order("", bracket.symbol, bracket.side, "market", quantity)
        exit_order.id = f"x{bracket.request}"
        self._bracket(bracket, {}, "triggered", quantity, leg)
        self._move_position(exit_order, price, quantity, self._trade(exit_order, price, quantity))
        self._bracket(bracket, {}, "done", ZERO, leg)

    def _fit_brackets(self, order: Order, amount: Decimal) -> None:
        """What fills is protected, and what has left the position no longer is."""
        mine = self.session.brackets.get(order.request)
        if mine is not None:
            self._bracket(mine, {}, "held", mine.quantity + amount)
        held = self.session.position(order.symbol).quantity
        for bracket in list(self.session.brackets.values()):
            left = max(held if bracket.side == "sell" else -held, ZERO)
            if bracket.status == "held" and bracket.symbol == order.symbol and bracket.quantity > left:
                self._bracket(bracket, {}, "held" if left else "expired", left)

    def _bracket(
        self, bracket: Bracket, prices: Message, status: str, quantity: Decimal, leg: Optional[str] = None
    ) -> None:
        message: Message = {
            "type": "bracket",
            "request": bracket.request,
            "bracket": f"h{bracket.request}",
            "symbol": bracket.symbol,
            "side": bracket.side,
            "quantity": decimal_text(quantity),
            "status": status,
            "time": self.session.now,
        }
        for name, known in (("stop_loss", bracket.stop_loss), ("take_profit", bracket.take_profit)):
            price = prices.get(name, known)
            if price is not None:
                message[name] = decimal_text(price)
        if leg is not None:
            message["leg"] = leg
        self.say(message)

    def _report(
        self, order: Order, status: str, filled: Decimal, average: Optional[Decimal], reason: Optional[str] = None
    ) -> None:
        message: Message = {
            "type": "order",
            "request": order.request,
            "order": f"h{order.request}",
            "symbol": order.symbol,
            "side": order.side,
            "order_type": order.order_type,
            "quantity": decimal_text(order.quantity),
            "time_in_force": order.time_in_force,
            "status": status,
            "filled_quantity": decimal_text(filled),
            "time": self.session.now,
        }
        for name, value in (("price", order.price), ("stop_price", order.stop_price), ("average_price", average)):
            if value is not None:
                message[name] = decimal_text(value)
        if reason is not None:
            message["reason"] = reason
        self.say(message)
        waiting = self.session.brackets.get(order.request)
        if waiting is not None and waiting.status == "waiting" and order.is_final and not filled:
            self._bracket(waiting, {}, "expired", ZERO)

    def _move_position(self, order: Order, price: Decimal, quantity: Decimal, fee: Decimal) -> None:
        before = self.session.position(order.symbol)
        change = quantity if order.side == "buy" else -quantity
        after = before.quantity + change
        realised, average = before.realised_pnl, before.average_price
        if before.quantity == 0 or (before.quantity > 0) == (change > 0):
            average = (abs(before.quantity) * average + quantity * price) / abs(after)
        else:
            closed = min(quantity, abs(before.quantity))
            realised += closed * (price - average) * (1 if before.quantity > 0 else -1)
            if after == 0:
                average = ZERO
            elif (after > 0) != (before.quantity > 0):
                average = price
        self.say(
            {
                "type": "position",
                "symbol": order.symbol,
                "quantity": decimal_text(after),
                "average_price": decimal_text(average),
                "realised_pnl": decimal_text(realised),
                "unrealised_pnl": decimal_text(after * (price - average)),
                "fees": decimal_text(before.fees + fee),
                "time": self.session.now,
            }
        )


def _reached(order: Order, low: Decimal, high: Decimal) -> Optional[Decimal]:
    """The price at which a candle between `low` and `high` fills the order; None when it does not."""
    if order.order_type == "limit" and order.price is not None:
        reached = low <= order.price if order.side == "buy" else high >= order.price
        return order.price if reached else None
    if order.stop_price is None:
        return None
    upward = (order.side == "buy") == (order.order_type != "take_profit")
    reached = high >= order.stop_price if upward else low <= order.stop_price
    if not reached:
        return None
    return order.price if order.price is not None else order.stop_price

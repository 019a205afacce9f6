"""RSI mean reversion: buy weakness, sell when it has passed, give up at the stop."""

from decimal import Decimal
from typing import Optional

from bullpen import Candle, Order, Position, Strategy
from bullpen.indicators import rsi


class RSIMeanReversion(Strategy):
    def on_start(self) -> None:
        self.period = self.parameter("period", 14)
        self.oversold = self.parameter("oversold", Decimal(30))
        self.back = self.parameter("back", Decimal(52))
        self.most_of_equity = self.parameter("most_of_equity", Decimal("0.2"))
        if not 0 < self.oversold < self.back < 100:
            raise ValueError("oversold and back must lie between 0 and 100, oversold below back")
        # A restart in the middle of a trade goes on with the stop that was set for it.
        self.stop: Optional[Decimal] = Decimal(self.state["stop"]) if self.state else None

    def on_candle(self, candle: Candle) -> None:
        # Wilder's mean remembers; five periods of warm-up are enough for two digits.
        strength = rsi(self.closes(self.period * 5 + 1), self.period)
        if candle.history or strength is None:
            return
        self.metric("rsi", strength)
        held = self.position().quantity
        if self.open_orders:
            return  # wait for the answer to the last one
        if held > 0:
            if strength >= self.back:
                self.leave(held, f"RSI is back at {strength:.1f}")
            elif self.stop is not None and candle.close <= self.stop:
                self.leave(held, f"the close is below the stop at {self.stop}")
        elif strength <= self.oversold:
            self.enter(candle, strength)

    def enter(self, candle: Candle, strength: Decimal) -> None:
        stop = self.stop_loss_price("buy")
        if stop is None:
            return
        most = self.instrument().round_quantity(self.equity * self.most_of_equity / candle.close)
        quantity = min(self.position_size(candle.close - stop), most)
        if quantity * candle.close >= self.instrument().minimum_notional:
            self.stop = stop
            self.log(f"RSI is {strength:.1f}: buying {quantity}, stop at {stop}")
            self.buy(quantity)

    def leave(self, held: Decimal, why: str) -> None:
        self.log(f"{why}: selling {held}")
        self.sell(held, reduce_only=True)

    def on_order(self, order: Order) -> None:
        if order.status in ("denied", "rejected"):
            self.log(f"{order.side} {order.quantity} was {order.status}: {order.reason}", "warning")

    def on_position(self, position: Position) -> None:
        if position.is_flat:
            self.stop = None
        self.save_state(None if self.stop is None else {"stop": self.stop})

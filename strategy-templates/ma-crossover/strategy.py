"""Moving-average crossover: hold while the fast mean is above the slow one, with a stop and a target."""

from decimal import Decimal

from bullpen import Candle, Position, Strategy
from bullpen.indicators import sma


class MovingAverageCrossover(Strategy):
    def on_start(self) -> None:
        self.fast = self.parameter("fast", 9)
        self.slow = self.parameter("slow", 21)
        self.most_of_equity = self.parameter("most_of_equity", Decimal("0.2"))
        if not 1 <= self.fast < self.slow:
            raise ValueError("fast must be at least 1 and less than slow")

    def on_candle(self, candle: Candle) -> None:
        closes = self.closes(self.slow + 1)
        if candle.history or len(closes) <= self.slow:
            return
        fast, slow = sma(closes, self.fast), sma(closes, self.slow)
        was_fast, was_slow = sma(closes[:-1], self.fast), sma(closes[:-1], self.slow)
        self.metric("fast_minus_slow", fast - slow)

        if was_fast <= was_slow and fast > slow:
            self.enter(candle)
        elif was_fast >= was_slow and fast < slow:
            self.leave()

    def enter(self, candle: Candle) -> None:
        stop = self.stop_loss_price("buy")
        if stop is None or self.open_orders or not self.position().is_flat:
            return
        most = self.instrument().round_quantity(self.equity * self.most_of_equity / candle.close)
        quantity = min(self.position_size(candle.close - stop), most)
        if quantity * candle.close < self.instrument().minimum_notional:
            self.log("the crossover is worth less than the venue's minimum", "debug")
            return
        self.signal("ENTER", self.symbol, close=candle.close, quantity=quantity)
        self.buy(quantity)

    def leave(self) -> None:
        for order in self.open_orders:
            self.cancel(order)
        held = self.position().quantity
        if held > 0:
            self.signal("LEAVE", self.symbol, quantity=held)
            self.sell(held, reduce_only=True)

    def on_position(self, position: Position) -> None:
        """Once bought, the way out is put on the book; once sold, what is left of it is taken away."""
        exits = [order for order in self.open_orders if order.side == "sell"]
        if position.quantity > 0 and not exits:
            stop = self.stop_loss_price("buy", position.average_price)
            target = self.take_profit_price("buy", position.average_price)
            if stop is not None and target is not None:
                self.sell(position.quantity, stop_price=stop, reduce_only=True)
                self.sell(position.quantity, order_type="take_profit", stop_price=target, reduce_only=True)
        elif position.is_flat:
            for order in exits:
                self.cancel(order)

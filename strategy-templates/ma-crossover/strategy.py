"""Moving-average crossover: hold while the fast mean is above the slow one, with a stop and a target at the host."""

from decimal import Decimal

from bullpen import Bracket, Candle, Strategy
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
        stop, target = self.stop_loss_price("buy"), self.take_profit_price("buy")
        if stop is None or target is None or self.open_orders or not self.position().is_flat:
            return
        most = self.instrument().round_quantity(self.equity * self.most_of_equity / candle.close)
        quantity = min(self.position_size(candle.close - stop), most)
        if quantity * candle.close < self.instrument().minimum_notional:
            self.log("the crossover is worth less than the venue's minimum", "debug")
            return
        self.signal("ENTER", self.symbol, close=candle.close, quantity=quantity)
        # The host holds both: they protect the position also when this process is gone.
        self.buy(quantity, stop_loss=stop, take_profit=target)

    def leave(self) -> None:
        for order in self.open_orders:
            self.cancel(order)
        held = self.position().quantity
        if held > 0:
            self.signal("LEAVE", self.symbol, quantity=held)
            self.sell(held, reduce_only=True)

    def on_bracket(self, bracket: Bracket) -> None:
        """Says when the host closes the position, or could not take the stop."""
        if bracket.status in ("triggered", "denied", "failed"):
            self.log(f"{bracket.leg or 'bracket'} {bracket.status}: {bracket.reason}")

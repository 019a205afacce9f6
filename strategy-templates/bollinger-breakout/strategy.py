"""Bollinger breakout: go with a close beyond a band, in both directions where shorts exist."""

from decimal import Decimal

from bullpen import Candle, Position, Strategy
from bullpen.indicators import bollinger


class BollingerBreakout(Strategy):
    def on_start(self) -> None:
        self.period = self.parameter("period", 20)
        self.deviations = self.parameter("deviations", 2.0)
        self.most_of_equity = self.parameter("most_of_equity", Decimal("0.2"))
        # On a spot account there is nothing to sell that was not bought.
        self.shorts = self.parameter("shorts", True) and self.account.kind == "margin"

    def on_candle(self, candle: Candle) -> None:
        bands = bollinger(self.closes(self.period), self.period, self.deviations)
        if candle.history or bands is None:
            return
        self.metric("bandwidth", (bands.upper - bands.lower) / bands.middle)
        held = self.position().quantity
        if held > 0 and candle.close < bands.middle or held < 0 and candle.close > bands.middle:
            self.leave(held)
        elif not held and not self.open_orders:
            if candle.close > bands.upper:
                self.enter("buy", candle)
            elif candle.close < bands.lower and self.shorts:
                self.enter("sell", candle)

    def enter(self, side: str, candle: Candle) -> None:
        stop = self.stop_loss_price(side)
        if stop is None:
            return
        most = self.instrument().round_quantity(self.equity * self.most_of_equity / candle.close)
        quantity = min(self.position_size(abs(candle.close - stop)), most)
        if quantity * candle.close >= self.instrument().minimum_notional:
            self.signal("BREAKOUT", self.symbol, side=side, close=candle.close)
            self.order(side, quantity)

    def leave(self, held: Decimal) -> None:
        for order in self.open_orders:
            self.cancel(order)
        self.order("sell" if held > 0 else "buy", abs(held), reduce_only=True)

    def on_position(self, position: Position) -> None:
        """One protective stop per position; gone with it."""
        stops = [order for order in self.open_orders if order.order_type == "stop"]
        if position.is_flat:
            for order in stops:
                self.cancel(order)
        elif not stops:
            side = "buy" if position.quantity > 0 else "sell"
            stop = self.stop_loss_price(side, position.average_price)
            if stop is not None:
                way_out = "sell" if side == "buy" else "buy"
                self.order(way_out, abs(position.quantity), stop_price=stop, reduce_only=True)

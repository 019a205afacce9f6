"""Grid: buy each step down, sell each step up. It lives from prices that go nowhere."""

from decimal import Decimal
from typing import Dict

from bullpen import Candle, Fill, Order, Strategy


class Grid(Strategy):
    def on_start(self) -> None:
        self.levels = self.parameter("levels", 5)
        self.step_fraction = self.parameter("step_fraction", Decimal("0.0005"))
        self.part_of_equity = self.parameter("part_of_equity", Decimal("0.02"))
        if self.levels < 1 or not 0 < self.step_fraction < Decimal("0.1"):
            raise ValueError("levels must be at least 1, step_fraction between 0 and 0.1")
        self.step = Decimal(0)  # known with the first candle
        self.buys: Dict[str, Decimal] = {}  # request → price
        # The orders of an earlier run were cancelled with it, and what it held is sold off first.
        for order in self.open_orders:
            self.cancel(order)

    def on_candle(self, candle: Candle) -> None:
        if candle.history:
            return
        self.step = max(
            self.instrument().round_price(candle.close * self.step_fraction), self.instrument().tick_size
        )
        self.sell_what_has_no_order(candle)
        lowest_wanted = candle.close - (self.levels + 2) * self.step
        for order in self.open_orders:
            # The price has run away upwards: orders far below it are of no use.
            if order.request in self.buys and self.buys[order.request] < lowest_wanted:
                self.cancel(order)
        self.place_buys(candle.close)
        self.metric("buys", len(self.buys))

    def place_buys(self, price: Decimal) -> None:
        instrument = self.instrument()
        quantity = instrument.round_quantity(self.equity * self.part_of_equity / price)
        if quantity * (price - self.levels * self.step) < instrument.minimum_notional:
            self.log("a level is worth less than the venue's minimum: use fewer levels or more equity", "warning")
            return
        taken = list(self.buys.values())
        for level in range(1, self.levels + 1):
            at = instrument.round_price(price - level * self.step)
            is_near_another = any(abs(at - other) < self.step * Decimal("0.75") for other in taken)
            if at > 0 and not is_near_another and len(self.buys) < self.levels:
                order = self.buy(quantity, at)
                self.buys[order.request] = at
                taken.append(at)

    def sell_what_has_no_order(self, candle: Candle) -> None:
        """After a restart, or after a sale was denied, coins may lie about without an order to sell them."""
        offered = sum((order.remaining for order in self.open_orders if order.side == "sell"), Decimal(0))
        loose = self.instrument().round_quantity(self.position().quantity - offered)
        if loose * candle.close >= self.instrument().minimum_notional:
            self.sell(loose, self.instrument().round_price(candle.close + self.step), reduce_only=True)

    def on_fill(self, fill: Fill) -> None:
        if fill.side == "buy" and self.step:
            target = self.instrument().round_price(fill.price + self.step)
            if fill.quantity * target >= self.instrument().minimum_notional:
                self.sell(fill.quantity, target, reduce_only=True)

    def on_order(self, order: Order) -> None:
        if order.is_final:
            self.buys.pop(order.request, None)
        if order.status in ("denied", "rejected"):
            self.log(f"{order.side} {order.quantity} at {order.price} was {order.status}: {order.reason}", "warning")

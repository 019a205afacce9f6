"""A strategy that behaves well and never rests: market and limit orders, amends, cancels, at every candle.

Its request ids are fixed, and a new run begins a little before the place that it had saved, so that every restart sends
requests again that the host has seen.
"""

import json
import random

from bullpen import Strategy

class Busy(Strategy):
    def on_start(self):
        state = self.state or {"tick": 0, "count": 0}
        self.tick = state["tick"]
        self.saved_count = state["count"]
        # The requests' names go on where the saved state stood, and not under a prefix of this run.
        session = self._session
        session._request_prefix = "q"
        session._request_count = max(0, self.saved_count - self.parameter("repeated", 0))
        self.dice = random.Random(self.tick)
        self.heard = 0
        self.log("began with tick=%d" % self.tick)
        self.log("began with parameters=%s" % json.dumps(session.parameters, sort_keys=True))

    def on_signal(self, signal):
        if signal.action == "FINISH":
            self.finish("as it was told")

    def on_candle(self, candle):
        if candle.history:
            return
        self.heard += 1
        if self.heard % 3 == 0:
            self.keep()
        for _ in range(self.dice.choice((1, 2, 3))):
            self.dice.choice((self.market, self.market, self.rest, self.rest, self.odd))(candle.close)
        for order in self.dice.sample(self.open_orders, min(2, len(self.open_orders))):
            if order.order_type != "limit":
                continue
            if self.dice.random() < 0.5:
                self.amend(order, price=self.near(candle.close, order.side))
            elif self.dice.random() < 0.5:
                self.amend(order, quantity=self.size(candle.close))
        while len(self.open_orders) > 12:
            self.cancel(self.open_orders[0])
            del self._session.orders[self.open_orders[0].request]
        if self.heard % 3 == 1:
            self.keep()

    def keep(self):
        self.tick += 1
        self.saved_count = max(self.saved_count, self._session._request_count)
        self.save_state({"tick": self.tick, "count": self.saved_count})

    def size(self, price):
        """Worth up to 400."""
        instrument = self.instrument()
        return instrument.round_quantity(self.dice.randint(self.parameter("least", 1), 400) / price) or instrument.step_size

    def near(self, price, side):
        """Up to 0.3 per cent on the side where an order rests."""
        away = price * self.dice.randint(1, 30) / 10_000
        return self.instrument().round_price(price - away if side == "buy" else price + away)

    def side(self, price):
        """Either, but held within a few thousand; a spot account sells only what it has."""
        worth = self.position().quantity * price
        if worth < 500:
            return "buy"
        return "sell" if worth > 5_000 else self.dice.choice(("buy", "sell"))

    def market(self, price):
        self.order(self.side(price), self.size(price))

    def rest(self, price):
        side = self.side(price)
        self.order(side, self.size(price), self.near(price, side))

    def odd(self, price):
        """What is asked for less often."""
        side = self.side(price)
        kind = self.dice.randrange(5)
        if kind == 0:
            self.order(side, self.size(price), price, time_in_force="ioc")
        elif kind == 1:
            self.order(side, self.size(price), price, time_in_force="fok")
        elif kind == 2:
            self.order(side, self.size(price), self.near(price, side), post_only=True)
        elif kind == 3:
            stop = self.near(price, "sell" if side == "buy" else "buy")
            self.order(side, self.size(price), order_type="stop", stop_price=stop)
        else:
            self.order("sell", self.size(price), reduce_only=True)

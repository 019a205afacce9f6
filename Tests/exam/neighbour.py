"""Measures how long prices take to reach it. Each trade's price is the moment at which it was sent."""

import time

from bullpen import Strategy


class Neighbour(Strategy):
    def on_start(self):
        self.taken = []
        self.subscribe(trades=True)

    def on_trade(self, trade):
        now = time.monotonic_ns() // 1000 % 1_000_000_000
        self.taken.append((now - int(trade.price)) % 1_000_000_000)

    def on_signal(self, signal):
        taken, self.taken = sorted(self.taken), []
        if signal.action == "REPORT" and taken:
            self.log("DELIVERY %d %d %d %d" % (
                len(taken), taken[len(taken) // 2], taken[len(taken) * 99 // 100], taken[-1]))

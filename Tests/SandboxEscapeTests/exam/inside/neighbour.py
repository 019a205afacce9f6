"""A strategy that behaves well beside the others. It says how late its timers come, and keeps an order open."""

import json
import os
import time

from bullpen import Strategy

EVERY = 0.02


class Neighbour(Strategy):
    def on_start(self):
        self.late = []
        self.last = None
        self.has_order = False
        self.timer("beat", EVERY, repeat=True)

    def on_candle(self, candle):
        if not candle.history and not self.has_order:
            self.has_order = True
            self.buy("0.01", round(candle.close / 2))

    def on_timer(self, timer_id):
        now = time.monotonic()
        if self.last is not None:
            self.late.append(max(0.0, now - self.last - EVERY))
        self.last = now

    def on_order(self, order):
        os.write(2, b"RESULT " + json.dumps({"request": order.request, "order": order.id, "status": order.status}).encode() + b"\n")

    def on_signal(self, signal):
        late = sorted(self.late) or [0.0]
        self.late, self.last = [], None
        figures = {"beats": len(late), "p50": late[len(late) // 2], "p99": late[len(late) * 99 // 100], "most": late[-1]}
        os.write(2, b"LATE %s %s\n" % (signal.action.encode(), json.dumps(figures).encode()))

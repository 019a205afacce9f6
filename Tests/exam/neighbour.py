"""Measures how long it waits for what the host owes it: it asks for a timer again and again, and says how late each came.

A strategy's words to the host and the host's to it are both in that time; nobody else has a part in it.
"""

import time

from bullpen import Strategy

WAIT = 0.008


class Neighbour(Strategy):
    def on_start(self):
        self.taken = []
        self.beat()

    def beat(self):
        self.asked = time.monotonic()
        self.timer("beat", WAIT)

    def on_timer(self, timer_id):
        self.taken.append(int((time.monotonic() - self.asked - WAIT) * 1e6))
        self.beat()

    def on_signal(self, signal):
        taken, self.taken = sorted(self.taken) or [0], []
        if signal.action == "REPORT":
            self.log("DELIVERY %d %d %d %d" % (
                len(taken), taken[len(taken) // 2], taken[len(taken) * 99 // 100], taken[-1]))

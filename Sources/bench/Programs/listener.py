"""Notes how long each candle took from the host's hands to ours, and says so when it is asked."""

import time

from bullpen import Strategy


class Listener(Strategy):
    def on_start(self):
        self.waits = []

    def on_candle(self, candle):
        # The volume is the time of sending, in microseconds of the clock that all processes of a machine share.
        if not candle.history:
            self.waits.append(time.monotonic_ns() // 1000 - int(candle.volume))

    def on_signal(self, signal):
        for start in range(0, len(self.waits), 100):
            self.log("waits " + " ".join(map(str, self.waits[start : start + 100])))
        self.log("waits end")

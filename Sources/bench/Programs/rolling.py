"""Keeps a rolling mean with pandas, and counts how long each candle took from the host's hands to ours."""

import math
import time

import pandas
from bullpen import Strategy


class Rolling(Strategy):
    def on_start(self):
        self.closes = []
        self.counts = {}

    def on_candle(self, candle):
        if candle.history:
            return
        # The volume is the time of sending, in microseconds of the clock that all processes of a machine share.
        wait = time.monotonic_ns() // 1000 - int(candle.volume)
        step = int(math.log(max(wait, 1)) / math.log(1.02))
        self.counts[step] = self.counts.get(step, 0) + 1
        self.closes.append(float(candle.close))
        del self.closes[:-50]
        self.mean = pandas.Series(self.closes).rolling(20).mean().iloc[-1]

    def on_signal(self, signal):
        self.log("waits " + " ".join(f"{step}:{count}" for step, count in sorted(self.counts.items())))
        self.counts = {}

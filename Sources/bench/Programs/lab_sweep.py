"""The lab job with parameters: one unit while the mean of `fast` closes is above that of `slow`."""

from collections import deque

from bullpen import Strategy


class Crossover(Strategy):
    def on_start(self):
        self.near = self.parameter("fast", 10)
        self.far = self.parameter("slow", 50)
        self.window = deque(maxlen=self.far)
        self.fast = self.slow = 0.0
        self.held = False

    def on_candle(self, candle):
        window, near, far = self.window, self.near, self.far
        close = candle.close_float
        if len(window) < far:
            if len(window) >= near:
                self.fast -= window[-near]
            self.fast += close
            self.slow += close
            window.append(close)
            if len(window) < far:
                return
        else:
            self.fast += close - window[-near]
            self.slow += close - window[0]
            window.append(close)
        if (far * self.fast > near * self.slow) is not self.held:
            self.held = not self.held
            if self.held:
                self.buy(1)
            else:
                self.sell(1)

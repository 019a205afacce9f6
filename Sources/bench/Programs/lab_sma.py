"""The lab job as a strategy of the SDK: one unit while the mean of 10 closes is above that of 50."""

from collections import deque

from bullpen import Strategy


class Crossover(Strategy):
    def on_start(self):
        self.window = deque(maxlen=50)
        self.fast = self.slow = 0.0
        self.held = False

    def on_candle(self, candle):
        window = self.window
        close = candle.close_float
        if len(window) < 50:
            if len(window) >= 10:
                self.fast -= window[-10]
            self.fast += close
            self.slow += close
            window.append(close)
            if len(window) < 50:
                return
        else:
            self.fast += close - window[-10]
            self.slow += close - window[0]
            window.append(close)
        if (5 * self.fast > self.slow) is not self.held:
            self.held = not self.held
            if self.held:
                self.buy(1)
            else:
                self.sell(1)

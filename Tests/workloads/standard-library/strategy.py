"""What authors do with Python's standard library, as broadly as it goes. Refusals are caught: they are recorded."""

import workload

from bullpen import Candle, Signal, Strategy


class Workload(Strategy):
    def on_start(self) -> None:
        workload.everything()

    def on_candle(self, candle: Candle) -> None:
        if not candle.history:
            workload.each_candle(float(candle.close))
            held = self.position().quantity
            if held:
                self.sell(held, reduce_only=True)
            else:
                self.buy("0.001")

    def on_signal(self, signal: Signal) -> None:
        self.log(f"heard {signal.action}")

"""A strategy that tries to do what it must not. Which attack it is stands in its parameters."""

from attempts import attempt

from bullpen import Strategy


class Attacker(Strategy):
    def on_start(self):
        known = dict(self._session.parameters)
        known["strategy"] = self
        if known.get("when") != "later":
            attempt(known, False)

    def on_candle(self, candle):
        if self.parameter("when", "") == "later" and not candle.history and not getattr(self, "is_done", False):
            self.is_done = True
            attempt({**self._session.parameters, "strategy": self}, False)

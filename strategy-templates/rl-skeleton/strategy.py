"""The agent at work: practise on history, then act on each candle and learn from what came of it."""

from decimal import Decimal
from typing import Optional

from agent import QLearner
from bullpen import Candle, Strategy
from environment import FLAT, LONG, Observation, Practice, observe


class ReinforcementLearner(Strategy):
    def on_start(self) -> None:
        self.cost = self.parameter("cost", 0.0002)
        self.part_of_equity = self.parameter("part_of_equity", Decimal("0.1"))
        self.agent = QLearner(self.parameter("exploration", 0.05), self.parameter("seed", 7))
        self.practised = False
        self.last: Optional[Observation] = None
        self.last_action = FLAT
        if self.state:
            self.agent.restore(self.state)
            self.log(f"remembering {len(self.agent.table)} observations")

    def on_candle(self, candle: Candle) -> None:
        if candle.history:
            return
        closes = [float(close) for close in self.closes()]
        if len(closes) <= Practice.WARM_UP + 1:
            return
        if not self.practised:
            self.practise()

        held = LONG if self.position().quantity > 0 else FLAT
        seen = observe(closes, held)
        if self.last is not None:
            changed = self.last_action != self.last[2]
            gained = closes[-1] / closes[-2] - 1 if self.last_action == LONG else 0.0
            self.agent.learn(self.last, self.last_action, gained - (self.cost if changed else 0.0), seen)
        self.last, self.last_action = seen, self.agent.act(seen)
        if not self.open_orders:
            self.follow(self.last_action, candle)

    def practise(self) -> None:
        candles = self.candles()
        reward = self.agent.practise(Practice(candles, self.cost), self.parameter("episodes", 20))
        self.practised = True
        self.log(f"practised on {len(candles)} candles, the last episode brought {reward:+.3%}")
        self.save_state(self.agent.saved())

    def follow(self, action: int, candle: Candle) -> None:
        held = self.position().quantity
        if action == LONG and held <= 0:
            quantity = self.instrument().round_quantity(self.equity * self.part_of_equity / candle.close)
            if quantity * candle.close >= self.instrument().minimum_notional:
                self.buy(quantity)
        elif action == FLAT and held > 0:
            self.sell(held, reduce_only=True)

    def on_stop(self, reason: str) -> None:
        self.save_state(self.agent.saved())

"""A trading environment in the shape that gym made usual: spaces, reset, step, reward."""

from typing import List, Sequence, Tuple

from bullpen import Candle
from bullpen.features import Features
from bullpen.gym import MultiDiscrete, TradingEnvironment

Observation = Tuple[int, int, int]
FLAT, LONG = 0, 1
ACTIONS = (FLAT, LONG)


def bucket(value: float, edges: Sequence[float]) -> int:
    """Which of the intervals between `edges` the value lies in."""
    return sum(value > edge for edge in edges)


def observe(closes: Sequence[float], held: int) -> Observation:
    """What the agent sees: where the last close stands in the last ten, how the last move was, what it holds."""
    recent = closes[-10:]
    low, high = min(recent), max(recent)
    place = 0.5 if high == low else (closes[-1] - low) / (high - low)
    move = closes[-1] / closes[-2] - 1
    usual = sum(abs(b / a - 1) for a, b in zip(recent, recent[1:])) / (len(recent) - 1) or 1.0
    return bucket(place, (0.1, 0.3, 0.7, 0.9)), bucket(move / usual, (-1.0, -0.2, 0.2, 1.0)), held


class Practice(TradingEnvironment):
    """Walks over candles; the reward is the return while long, less the cost of changing.

    The base has `reset`, `step`, `action_space` and `reward`; here is what this agent sees instead of numbers: buckets,
    few enough for a table.
    """

    WARM_UP = 10

    def __init__(self, candles: Sequence[Candle], cost: float) -> None:
        # The one feature is there for what it needs: ten candles before each that is walked over.
        super().__init__(candles, Features().returns(self.WARM_UP), positions=ACTIONS, cost=cost)
        self.observation_space = MultiDiscrete((5, 5, len(ACTIONS)))
        self.every_close: List[float] = [float(candle.close) for candle in candles]

    def observe(self) -> Observation:
        place = self.index + self.WARM_UP
        return observe(self.every_close[place - self.WARM_UP : place + 1], int(self.position))

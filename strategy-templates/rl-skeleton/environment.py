"""A trading environment in the shape that gym made usual: reset, step, observation, reward."""

from typing import Dict, List, Sequence, Tuple

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


class TradingEnvironment:
    """Walks over closing prices; the reward is the return while long, less the cost of changing."""

    WARM_UP = 10

    def __init__(self, closes: Sequence[float], cost: float) -> None:
        if len(closes) <= self.WARM_UP + 1:
            raise ValueError(f"at least {self.WARM_UP + 2} closes are needed")
        self.closes: List[float] = list(closes)
        self.cost = cost
        self.index = self.WARM_UP
        self.held = FLAT

    def reset(self) -> Tuple[Observation, Dict[str, float]]:
        """Back to the first close that has enough others before it."""
        self.index = self.WARM_UP
        self.held = FLAT
        return self._observation(), {}

    def step(self, action: int) -> Tuple[Observation, float, bool, bool, Dict[str, float]]:
        """Observation, reward, terminated, truncated, info, as gymnasium has it."""
        reward = -self.cost if action != self.held else 0.0
        self.held = action
        before = self.closes[self.index]
        self.index += 1
        if self.held == LONG:
            reward += self.closes[self.index] / before - 1
        is_last = self.index == len(self.closes) - 1
        return self._observation(), reward, False, is_last, {"close": self.closes[self.index]}

    def _observation(self) -> Observation:
        return observe(self.closes[max(0, self.index - 10) : self.index + 1], self.held)

"""Environments for reinforcement learning, in the shape that gymnasium made usual: spaces, `reset`, `step`, reward.

    from bullpen.gym import TradingEnvironment

    environment = TradingEnvironment(self.candles(), features=Features().returns(1).rsi(14), positions=(0, 1))
    observation, info = environment.reset(seed=1)
    observation, reward, terminated, truncated, info = environment.step(environment.action_space.sample())

It walks over stored candles and trades nothing, so an agent can practise on it inside a strategy, behind the walls. There
is no gymnasium here; what is written for its interface works with this one.
"""

from __future__ import annotations

import random
from typing import Any, Dict, List, Optional, Sequence, Tuple

from .features import Features, History
from .model import BullpenError, Candle


class Discrete:
    """The whole numbers from 0 up to and without `n`."""

    def __init__(self, n: int, seed: Optional[int] = None) -> None:
        if n < 1:
            raise BullpenError("a discrete space has at least one element")
        self.n = n
        self.shape: Tuple[int, ...] = ()
        self._random = random.Random(seed)

    def seed(self, seed: Optional[int] = None) -> None:
        """Begins the samples anew."""
        self._random.seed(seed)

    def sample(self) -> int:
        """Any element."""
        return self._random.randrange(self.n)

    def contains(self, x: Any) -> bool:
        """Whether `x` is an element."""
        return isinstance(x, int) and not isinstance(x, bool) and 0 <= x < self.n

    __contains__ = contains

    def __repr__(self) -> str:
        return f"Discrete({self.n})"


class MultiDiscrete:
    """Tuples of whole numbers, each from 0 up to and without its own count."""

    def __init__(self, counts: Sequence[int], seed: Optional[int] = None) -> None:
        self.spaces = [Discrete(count) for count in counts]
        self.shape = (len(self.spaces),)
        self.seed(seed)

    def seed(self, seed: Optional[int] = None) -> None:
        """Begins the samples anew."""
        generator = random.Random(seed)
        for space in self.spaces:
            space.seed(generator.getrandbits(32))

    def sample(self) -> Tuple[int, ...]:
        """Any element."""
        return tuple(space.sample() for space in self.spaces)

    def contains(self, x: Any) -> bool:
        """Whether `x` is an element."""
        return len(x) == len(self.spaces) and all(space.contains(value) for space, value in zip(self.spaces, x))

    __contains__ = contains

    def __repr__(self) -> str:
        return f"MultiDiscrete({[space.n for space in self.spaces]})"


class Box:
    """Lists of numbers between two bounds."""

    def __init__(self, low: float, high: float, size: int, seed: Optional[int] = None) -> None:
        if not low < high or size < 1:
            raise BullpenError("a box has low below high, and at least one number")
        self.low = low
        self.high = high
        self.shape = (size,)
        self._random = random.Random(seed)

    def seed(self, seed: Optional[int] = None) -> None:
        """Begins the samples anew."""
        self._random.seed(seed)

    def sample(self) -> List[float]:
        """Any element; of a box without bounds numbers around nought."""
        if self.high - self.low == float("inf"):
            return [min(max(self._random.gauss(0, 1), self.low), self.high) for _ in range(self.shape[0])]
        return [self._random.uniform(self.low, self.high) for _ in range(self.shape[0])]

    def contains(self, x: Any) -> bool:
        """Whether `x` is an element."""
        return len(x) == self.shape[0] and all(self.low <= value <= self.high for value in x)

    __contains__ = contains

    def __repr__(self) -> str:
        return f"Box({self.low}, {self.high}, {self.shape})"


class TradingEnvironment:
    """Walks over candles. An action chooses a position; the reward is what it earned by the next close, less costs.

    `positions` are what actions stand for: action i holds `positions[i]` parts of the money, below nought for short. An
    observation is the features of the newest candle and the position held. Override `observe` and `reward` for your own.
    """

    def __init__(
        self,
        candles: Sequence[Candle],
        features: Optional[Features] = None,
        *,
        positions: Sequence[float] = (0, 1),
        cost: float = 0.0005,
        length: Optional[int] = None,
    ) -> None:
        """`cost` is paid per part that changes; `length` is the steps of an episode, all of the candles unless given."""
        self.features = features or Features().returns(1).momentum(10).distance(20)
        self.positions = tuple(positions)
        self.cost = cost
        self.closes: List[float] = []
        """The closes that an episode may walk over, each with enough candles before it for a row."""
        self.rows: List[List[float]] = []
        history = History(self.features.need)
        for candle in candles:
            history.take(candle)
            if history.is_full:
                window = history.window()
                self.closes.append(window.close[-1])
                self.rows.append(self.features.row(window))
        if len(self.closes) < 2:
            raise BullpenError(f"at least {self.features.need + 1} candles are needed")
        self.length = min(length or len(self.closes) - 1, len(self.closes) - 1)
        self.action_space = Discrete(len(self.positions))
        self.observation_space = Box(float("-inf"), float("inf"), len(self.features.names) + 1)
        self.index = 0
        self.position = 0.0
        self._end = self.length
        self._random = random.Random(0)

    def reset(
        self, *, seed: Optional[int] = None, options: Optional[Dict[str, Any]] = None
    ) -> Tuple[Any, Dict[str, Any]]:
        """Begins an episode: at the first candle, or at a drawn one when an episode is shorter than the candles."""
        if seed is not None:
            self._random.seed(seed)
        self.index = self._random.randint(0, len(self.closes) - 1 - self.length)
        self._end = self.index + self.length
        self.position = 0.0
        return self.observe(), {"close": self.closes[self.index]}

    def step(self, action: int) -> Tuple[Any, float, bool, bool, Dict[str, Any]]:
        """Observation, reward, terminated, truncated, info. An episode ends truncated, when its candles do."""
        if not self.action_space.contains(action):
            raise BullpenError(f"action {action!r} is not in {self.action_space!r}")
        if self.index >= self._end:
            raise BullpenError("the episode is over: call reset()")
        before, wanted = self.position, float(self.positions[action])
        self.position = wanted
        self.index += 1
        reward = self.reward(self.closes[self.index - 1], self.closes[self.index], before, wanted)
        info = {"close": self.closes[self.index], "position": wanted}
        return self.observe(), reward, False, self.index >= self._end, info

    def observe(self) -> Any:
        """What the agent sees."""
        return [*self.rows[self.index], self.position]

    def reward(self, before: float, after: float, was: float, held: float) -> float:
        """What a step earned: `held` over the move from one close to the next, less the cost of changing from `was`."""
        return held * (after / before - 1) - self.cost * abs(held - was)

    def close(self) -> None:
        """There is nothing to close; agents call it."""

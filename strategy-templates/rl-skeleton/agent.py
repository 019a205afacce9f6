"""A Q-table: for each observation, what each action is thought to be worth."""

import random
from typing import Any, Dict, List

from environment import ACTIONS, Observation, Practice


class QLearner:
    def __init__(self, exploration: float, seed: int, rate: float = 0.1, discount: float = 0.9) -> None:
        self.table: Dict[Observation, List[float]] = {}
        self.exploration = exploration
        self.rate = rate
        self.discount = discount
        self.random = random.Random(seed)

    def values(self, observation: Observation) -> List[float]:
        return self.table.setdefault(observation, [0.0] * len(ACTIONS))

    def act(self, observation: Observation, explore: bool = True) -> int:
        """The best action known, or now and then any action."""
        if explore and self.random.random() < self.exploration:
            return self.random.choice(ACTIONS)
        values = self.values(observation)
        best = max(values)
        return next(action for action in ACTIONS if values[action] == best)

    def learn(self, before: Observation, action: int, reward: float, after: Observation) -> None:
        """One step of Q-learning."""
        target = reward + self.discount * max(self.values(after))
        values = self.values(before)
        values[action] += self.rate * (target - values[action])

    def practise(self, environment: Practice, episodes: int) -> float:
        """Plays the environment through `episodes` times; the reward of the last one."""
        total = 0.0
        for _ in range(episodes):
            observation, _info = environment.reset()
            is_over = False
            total = 0.0
            while not is_over:
                action = self.act(observation)
                after, reward, terminated, truncated, _info = environment.step(action)
                self.learn(observation, action, reward, after)
                observation = after
                total += reward
                is_over = terminated or truncated
        return total

    def saved(self) -> Any:
        """The table as JSON: some hundred short rows."""
        return [[*key, *(round(value, 9) for value in row)] for key, row in self.table.items()]

    def restore(self, saved: Any) -> None:
        """Takes back what `saved` gave."""
        for row in saved:
            self.table[(row[0], row[1], row[2])] = [float(value) for value in row[3:]]

"""Strategies that learn, their features, and environments for reinforcement learning."""

import math
import os
import random
import sys
import unittest
from decimal import Decimal

from support import SDK, TEMPLATES

sys.path.insert(0, SDK)

from bullpen import BullpenError, Candle  # noqa: E402
from bullpen.features import Features  # noqa: E402
from bullpen.gym import Box, Discrete, MultiDiscrete, TradingEnvironment  # noqa: E402
from bullpen.learning import Model, Ridge, change  # noqa: E402
from bullpen.testing import Harness  # noqa: E402


def candles(closes):
    """Candles of these closes, each with a little room above and below."""
    made = []
    for index, close in enumerate(closes):
        time = index * 60_000
        price = Decimal(str(close))
        made.append(
            Candle("BTCUSDT", "1m", time, time + 60_000, price, price + 1, price - 1, price, Decimal(1 + index % 3), False)
        )
    return made


class Recorder(Model):
    """Predicts nothing; writes down what it was given."""

    features = Features().returns(1)
    minimum = 5

    def on_start(self):
        self.fits = []
        self.scored = []

    def target(self, before, after):
        return after - before

    def fit(self, X, y):
        self.fits.append(([list(row) for row in X], [float(value) for value in y]))

    def predict(self, X):
        return [0.0 for _ in X]

    def score(self, X, y):
        self.scored.append([float(value) for value in y])
        return 0.5

    def wanted(self, prediction):
        return None


class FeatureTests(unittest.TestCase):
    def test_a_row_looks_at_the_newest_candle_and_those_before(self):
        features = Features().returns(1).distance(3).rsi(2).span().volume(2)
        self.assertEqual(features.names, ["return_1", "distance_3", "rsi_2", "span", "volume_2"])
        rows = features.table(candles([100, 110, 99, 120]))
        self.assertEqual(len(rows), 2)
        self.assertAlmostEqual(rows[0][0], math.log(99 / 110))
        self.assertAlmostEqual(rows[0][1], 99 / 103 - 1)
        self.assertAlmostEqual(rows[0][2], 10 / 21)
        self.assertAlmostEqual(rows[1][3], 2 / 120)
        self.assertAlmostEqual(rows[1][4], 1 / 2)

    def test_no_row_changes_when_later_candles_come(self):
        generator = random.Random(1)
        closes = [100 + generator.random() for _ in range(60)]
        features = Features().momentum(10).volatility(20).add("own", 5, lambda window: max(window.close[-5:]))
        whole = features.table(candles(closes))
        for end in (25, 40, 59):
            part = features.table(candles(closes[:end]))
            self.assertEqual(part, whole[: len(part)])


class ModelTests(unittest.TestCase):
    def test_it_learns_only_from_rows_whose_outcome_is_known(self):
        harness = Harness(Recorder, parameters={"horizon": 3, "refit_every": 10})
        model = harness.author
        closes = [100 + index * index for index in range(30)]
        harness.closes(*closes)
        # The first fit needs 5 rows; a row needs 2 candles, and its target 3 more.
        rows, targets = model.fits[0]
        self.assertEqual(len(rows), 5)
        self.assertEqual(targets, [float(closes[i + 3] - closes[i]) for i in range(1, 6)])
        self.assertAlmostEqual(rows[0][0], math.log(closes[1] / closes[0]))
        self.assertEqual([len(y) for _, y in model.fits], [5, 15, 25])

    def test_it_is_scored_on_what_it_has_not_seen(self):
        harness = Harness(Recorder, parameters={"refit_every": 10})
        closes = [100 + index * index for index in range(30)]
        harness.closes(*closes)
        model = harness.author
        self.assertEqual(model.scored[0], [float(closes[i + 1] - closes[i]) for i in range(6, 16)])
        self.assertEqual(harness.metrics["out_of_sample_score"], [Decimal("0.5")] * len(model.scored))

    def test_it_keeps_the_newest_rows_alone(self):
        harness = Harness(Recorder, parameters={"train": 8, "refit_every": 5})
        harness.closes(*[100 + index * index for index in range(40)])
        self.assertEqual(max(len(y) for _, y in harness.author.fits), 8)

    def test_history_is_learned_from_and_neither_learned_at_nor_acted_on(self):
        class Eager(Recorder):
            def on_prediction(self, prediction, candle):
                self.seen = [*getattr(self, "seen", []), candle.close]

        harness = Harness(Eager, parameters={"refit_every": 100})
        closes = [100 + index * index for index in range(20)]
        harness.closes(*closes, history=True)
        self.assertEqual(harness.author.fits, [])
        self.assertFalse(hasattr(harness.author, "seen"))
        harness.closes(1000)
        self.assertEqual([len(y) for _, y in harness.author.fits], [19])
        self.assertEqual(harness.author.seen, [Decimal(1000)])

    def test_it_holds_what_is_wanted(self):
        class Swing(Recorder):
            def wanted(self, prediction):
                return 1 if int(self.strategy.price()) % 2 else -1 if self.parameter("shorts", False) else 0

        for shorts, sides in ((False, ["buy", "sell", "buy"]), (True, ["sell", "buy", "buy", "sell", "sell", "buy", "buy"])):
            harness = Harness(Swing, parameters={"refit_every": 100, "shorts": shorts, "most_of_equity": 0.5})
            harness.closes(*[1000 + index * index * 2 for index in range(10)])
            harness.closes(1171, 1172, 1173)
            self.assertEqual([order.side for order in harness.orders], sides)
            money = harness.orders[0].quantity * Decimal(1072 if shorts else 1171)
            self.assertTrue(4_999 < money <= 5_000, money)

    def test_a_model_without_fit_says_what_is_missing(self):
        class Empty(Model):
            minimum = 2

        with self.assertRaisesRegex(BullpenError, "needs a method fit"):
            Harness(Empty).closes(*[100 + index * index % 7 for index in range(60)])

    def test_ridge_finds_the_weights_of_a_line(self):
        generator = random.Random(2)
        rows = [[generator.gauss(3, 2), generator.gauss(-1, 0.1)] for _ in range(200)]
        model = Ridge(1e-9).fit(rows, [2 * a - 30 * b + 5 for a, b in rows])
        self.assertAlmostEqual(model.predict([[1, 1]])[0], 2 - 30 + 5, places=4)
        self.assertEqual(Ridge().fit([[1, 5], [2, 5], [3, 5]], [1, 2, 3]).weights[1], 0.0)

    def test_the_score_is_that_of_right_answers_or_of_what_is_explained(self):
        class Known(Recorder):
            score = Model.score

            def predict(self, X):
                return [row[0] for row in X]

        Harness(Known)
        model = Known()
        self.assertEqual(model.score([[0.9], [0.2], [0.6]], [1, 0, 0]), 2 / 3)
        self.assertAlmostEqual(model.score([[1.0], [2.0], [3.0]], [1, 2, 3]), 1.0)
        self.assertLess(model.score([[3.0], [2.0], [1.0]], [1, 2, 3]), 0)
        self.assertEqual(change(100, 110), 110 / 100 - 1)


class GymTests(unittest.TestCase):
    def environment(self, **options):
        return TradingEnvironment(candles([100, 110, 99, 99, 198]), Features().returns(1), **options)

    def test_an_episode_walks_over_the_candles_and_pays_for_changes(self):
        environment = self.environment(cost=0.01)
        observation, info = environment.reset()
        self.assertEqual((len(observation), info["close"]), (2, 110.0))
        self.assertTrue(environment.observation_space.contains(observation))
        observation, reward, terminated, truncated, info = environment.step(1)
        self.assertAlmostEqual(reward, -0.1 - 0.01)
        self.assertEqual((observation[-1], terminated, truncated), (1.0, False, False))
        self.assertAlmostEqual(environment.step(1)[1], 0.0)
        observation, reward, terminated, truncated, info = environment.step(0)
        self.assertAlmostEqual(reward, -0.01)
        self.assertTrue(truncated)
        with self.assertRaisesRegex(BullpenError, "episode is over"):
            environment.step(0)

    def test_short_positions_earn_when_the_price_falls(self):
        environment = self.environment(positions=(-1, 0, 1), cost=0)
        environment.reset()
        self.assertAlmostEqual(environment.step(0)[1], 0.1)

    def test_short_episodes_begin_where_the_seed_says(self):
        starts = []
        for _ in range(2):
            environment = self.environment(length=1)
            starts.append([environment.reset(seed=3 if index == 0 else None)[1]["close"] for index in range(20)])
        self.assertEqual(starts[0], starts[1])
        self.assertEqual(set(starts[0]), {110.0, 99.0})

    def test_refuses_what_is_not_an_action_and_too_few_candles(self):
        environment = self.environment()
        environment.reset()
        for action in (2, -1, 0.5, True, None):
            with self.assertRaisesRegex(BullpenError, "is not in Discrete"):
                environment.step(action)
        with self.assertRaisesRegex(BullpenError, "at least 2 candles"):
            TradingEnvironment(candles([100]), Features().span())

    def test_spaces_sample_what_they_contain(self):
        for space in (Discrete(3, seed=1), MultiDiscrete((2, 5), seed=1), Box(-1, 1, 4, seed=1), Box(-math.inf, math.inf, 2)):
            for _ in range(20):
                self.assertIn(space.sample(), space)
        first, second = Discrete(100, seed=7), Discrete(100, seed=7)
        self.assertEqual([first.sample() for _ in range(5)], [second.sample() for _ in range(5)])

    def test_the_template_practises_in_it(self):
        sys.path.insert(0, os.path.join(TEMPLATES, "rl-skeleton"))
        try:
            from agent import QLearner
            from environment import Practice
        finally:
            sys.path.pop(0)
        # Up ten, down ten: what pays can be learned from the place in the last ten candles.
        closes = [100 + (index % 20 if index % 20 < 10 else 20 - index % 20) for index in range(400)]
        agent = QLearner(exploration=0.2, seed=1)
        environment = Practice(candles(closes), cost=0.0002)
        observation, _ = environment.reset()
        self.assertIn(observation, environment.observation_space)
        first = agent.practise(environment, 1)
        self.assertGreater(agent.practise(environment, 30), max(first, 0.5))


if __name__ == "__main__":
    unittest.main()

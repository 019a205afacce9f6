import unittest
from decimal import Decimal

import support  # noqa: F401  puts the SDK on the path

from bullpen import Strategy, sizing
from bullpen.testing import Harness


class Formulas(unittest.TestCase):
    def test_a_fixed_amount_buys_what_it_pays_for(self):
        self.assertEqual(sizing.fixed(1000, "50"), 20)

    def test_a_fraction_of_equity_buys_that_much(self):
        self.assertEqual(sizing.fraction(10_000, "0.1", 50), 20)

    def test_a_stop_that_is_hit_loses_the_share_that_was_risked(self):
        quantity = sizing.risk(10_000, "0.01", "2.5")
        self.assertEqual(quantity * Decimal("2.5"), 100)

    def test_without_a_distance_nothing_is_traded(self):
        self.assertEqual([sizing.risk(10_000, "0.01", distance) for distance in (None, 0, -1)], [0, 0, 0])

    def test_a_stop_of_two_average_ranges_is_risked_by_atr(self):
        harness = Harness(Strategy)
        for close in (100, 101, 102, 103):
            harness.candle(close, open=close, high=close + 1, low=close - 1)
        candles = harness.strategy.candles()
        # Each range is 2: the quantity loses 1 % of equity over 4.
        self.assertEqual(sizing.by_atr(10_000, "0.01", candles, period=3), 25)
        self.assertEqual(sizing.by_atr(10_000, "0.01", candles, period=14), 0)

    def test_twice_the_volatility_halves_the_position(self):
        calm = [Decimal(100) * (1 + Decimal(index % 2) / 100) for index in range(21)]
        wild = [Decimal(100) * (1 + Decimal(index % 2) / 50) for index in range(21)]
        small, large = (
            sizing.volatility_target(10_000, "0.2", closes, 20, 365) * closes[-1] for closes in (wild, calm)
        )
        self.assertAlmostEqual(float(large / small), 2, places=1)

    def test_a_price_that_did_not_move_gives_no_size(self):
        self.assertEqual(sizing.volatility_target(10_000, "0.2", [Decimal(100)] * 30, 20, 365), 0)

    def test_kelly_bets_its_half_and_never_beyond_the_cap(self):
        # 60 % wins of the size of the losses: Kelly is 0.2, half of it 0.1 of equity.
        self.assertEqual(sizing.kelly(10_000, "0.6", 1, 100), 10)
        self.assertEqual(sizing.kelly(10_000, "0.99", 5, 100), 25)

    def test_kelly_does_not_bet_against_the_odds(self):
        self.assertEqual(sizing.kelly(10_000, "0.4", 1, 100), 0)
        self.assertEqual(sizing.kelly(10_000, "1.5", 1, 100), 0)


class Fitting(unittest.TestCase):
    def setUp(self):
        self.harness = Harness(Strategy, equity=1_000)
        self.harness.candle(100)

    def test_a_quantity_is_cut_to_what_equity_carries_and_to_the_step(self):
        strategy = self.harness.strategy
        step = strategy.instrument().step_size
        fitted = strategy.fit(10 ** 6)
        self.assertLessEqual(fitted * 100, 1_000 * strategy.account.leverage)
        self.assertEqual(fitted % step, 0)
        self.assertGreater(fitted, 0)

    def test_less_than_the_venue_takes_is_nought(self):
        self.assertEqual(self.harness.strategy.fit("0.0000001"), 0)

    def test_without_a_price_it_is_nought(self):
        self.assertEqual(Harness(Strategy).strategy.fit(1), 0)


if __name__ == "__main__":
    unittest.main()

import unittest
from decimal import Decimal

import support  # noqa: F401  puts the SDK on the path

from bullpen import BullpenError, Strategy, sizing
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


class Settings(unittest.TestCase):
    """The fields of strategy.json whose effect lives in the SDK."""

    def strategy(self, **config):
        harness = Harness(Strategy, config=config, equity=10_000, leverage=2, step_size="0.001", tick_size="0.5")
        for _ in range(20):
            harness.candle(1000, open=1000, high=1005, low=995)
        return harness.strategy

    def test_risk_per_trade_sets_the_size(self):
        self.assertEqual(self.strategy(risk_per_trade=0.01).position_size(100), Decimal("1"))
        self.assertEqual(self.strategy(risk_per_trade=0.02).position_size(100), Decimal("2"))
        self.assertEqual(self.strategy(risk_per_trade="0.015").position_size(70), Decimal("2.142"))

    def test_leverage_caps_the_size(self):
        self.assertEqual(self.strategy(risk_per_trade=1).position_size(1), Decimal("19.8"))

    def test_there_is_no_size_without_a_distance_a_price_or_enough_money(self):
        strategy = self.strategy()
        self.assertEqual(strategy.position_size(0), 0)
        self.assertEqual(strategy.position_size(None), 0)
        self.assertEqual(strategy.position_size(-5), 0)
        self.assertEqual(strategy.position_size(1_000_000), 0)
        self.assertEqual(Harness(Strategy).strategy.position_size(5), 0)

    def test_the_multipliers_set_stop_and_target(self):
        strategy = self.strategy(sl_atr_multiplier=2.0, tp_atr_multiplier=3.0)
        self.assertEqual(strategy.atr(), 10)
        self.assertEqual(strategy.stop_loss_price(), 980)
        self.assertEqual(strategy.take_profit_price(), 1030)
        self.assertEqual(strategy.stop_loss_price("sell"), 1020)
        self.assertEqual(strategy.take_profit_price("sell", 900), 870)
        wider = self.strategy(sl_atr_multiplier="2.53", tp_atr_multiplier=100)
        self.assertEqual(wider.stop_loss_price(), Decimal("974.5"))
        self.assertEqual(wider.take_profit_price("sell", 900), Decimal("0.5"))

    def test_margin_currency_must_be_the_accounts(self):
        strategy = self.strategy(margin_currency="USDT")
        strategy._bullpen_session.config = {**strategy.config, "margin_currency": "INR"}
        with self.assertRaisesRegex(BullpenError, "margin_currency in strategy.json is INR.*USDT"):
            strategy.position_size(100)

    def test_too_few_candles_give_no_stop(self):
        harness = Harness(Strategy)
        harness.closes(*[100] * 14)
        self.assertIsNone(harness.strategy.atr())
        self.assertIsNone(harness.strategy.stop_loss_price())
        harness.closes(100)
        self.assertEqual(harness.strategy.atr(), 0)


if __name__ == "__main__":
    unittest.main()

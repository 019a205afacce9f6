"""Stop-losses and take-profits, as the SDK says and hears of them."""

import unittest
from decimal import Decimal

from support import check, hello, refusal, schema

from bullpen import BullpenError, Strategy
from bullpen.session import Session
from bullpen.testing import Harness


class Watcher(Strategy):
    def on_start(self):
        self.heard = []

    def on_bracket(self, bracket):
        self.heard.append((bracket.status, bracket.quantity, bracket.leg))


class Brackets(unittest.TestCase):
    def setUp(self):
        self.harness = Harness(Watcher)
        self.harness.candle(100)
        self.strategy = self.harness.strategy

    def buy(self, quantity=2, **prices):
        self.strategy.buy(quantity, **prices)
        self.harness.flush()

    def test_a_stop_is_held_from_the_fill_on_and_closes_the_position(self):
        self.buy(stop_loss=90, take_profit="120.5")
        (bracket,) = self.strategy.open_brackets
        self.assertEqual((bracket.status, bracket.side, bracket.stop_loss), ("held", "sell", Decimal(90)))
        self.harness.closes(91, 89)
        self.assertTrue(self.strategy.position().is_flat)
        self.assertEqual(self.strategy.open_brackets, [])
        self.assertEqual(
            self.strategy.heard,
            [
                ("waiting", 0, None),
                ("held", 2, None),
                ("triggered", 2, "stop_loss"),
                ("done", 0, "stop_loss"),
            ],
        )
        self.assertEqual(self.strategy.position().realised_pnl, Decimal(-20))

    def test_a_position_that_is_there_is_protected_by_one_call(self):
        self.buy()
        bracket = self.strategy.oco(stop_loss=95, take_profit=110)
        self.assertEqual((bracket.status, bracket.quantity), ("sent", 2))
        self.harness.flush()
        self.assertEqual(bracket.status, "held")
        self.strategy.amend(bracket, stop_loss=98)
        self.harness.flush()
        self.assertEqual(bracket.stop_loss, 98)
        self.harness.closes(111)
        self.assertEqual((bracket.status, bracket.leg), ("done", "take_profit"))
        self.assertTrue(self.strategy.position().is_flat)

    def test_what_is_sold_is_protected_no_longer(self):
        self.buy(stop_loss=90)
        self.strategy.sell("0.5", reduce_only=True)
        self.harness.flush()
        self.assertEqual(self.strategy.open_brackets[0].quantity, Decimal("1.5"))
        self.strategy.sell("1.5", reduce_only=True)
        self.harness.flush()
        self.assertEqual(self.strategy.heard[-1], ("expired", 0, None))

    def test_a_bracket_is_taken_away_by_itself(self):
        self.buy(stop_loss=90)
        self.strategy.cancel(self.strategy.open_brackets[0])
        self.harness.flush()
        self.assertEqual(self.harness.sent[-1]["bracket"], True)
        self.harness.closes(80)
        self.assertEqual(self.strategy.position().quantity, 2)

    def test_all_of_it_fits_the_schema_and_words_say_what_is_wrong(self):
        self.buy(stop_loss=90, take_profit=110)
        bracket = self.strategy.open_brackets[0]
        self.strategy.amend(bracket, take_profit=111)
        self.strategy.cancel(bracket)
        self.harness.flush()
        self.strategy.oco(take_profit=120, quantity="0.5")
        self.harness.flush()
        for line in self.harness.sent:
            check(line, schema("protocol-strategy"))
        for call, words in [
            (lambda: self.strategy.oco(), "needs a stop_loss"),
            (lambda: self.strategy.oco(stop_loss=1, symbol="ETHUSDT"), "no position in ETHUSDT"),
            (lambda: self.strategy.amend(bracket, price=1, stop_loss=1), "in two calls"),
        ]:
            with self.subTest(words), self.assertRaisesRegex(BullpenError, words):
                call()

    def test_a_pair_that_the_host_denies_says_so(self):
        self.harness = Harness(Watcher, fills=False)
        self.strategy = self.harness.strategy
        self.harness.candle(100)
        self.harness.fill(self.strategy.buy(1))
        bracket = self.strategy.oco(stop_loss=120)
        self.strategy._session.lines.clear()
        self.harness.say(refusal(bracket.request, "stop_loss 120 must be below 100"))
        self.assertEqual((bracket.status, bracket.is_final), ("denied", True))
        self.assertIn("below 100", bracket.reason)
        self.assertEqual(self.strategy.open_brackets, [])

    def test_a_new_run_finds_what_is_held(self):
        first = hello()
        first["brackets"] = [
            {
                "request": "old",
                "bracket": "7",
                "symbol": "BTCUSDT",
                "side": "sell",
                "quantity": "1",
                "stop_loss": "90",
                "status": "held",
                "time": 1,
            }
        ]
        check(first, schema("protocol-host"))
        session = Session(first)
        self.assertEqual(session.brackets["old"].stop_loss, 90)


if __name__ == "__main__":
    unittest.main()

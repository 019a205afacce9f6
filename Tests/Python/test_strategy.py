"""The SDK's own surface, by its test harness."""

import unittest
from decimal import Decimal

from support import check, hello, refusal, schema

from bullpen import BullpenError, Strategy
from bullpen.model import decimal_text
from bullpen.session import Session
from bullpen.testing import Harness


class Recorder(Strategy):
    def on_start(self):
        self.heard = []

    def __getattribute__(self, name):
        if name.startswith("on_") and name not in ("on_start",):
            return lambda *arguments: self.heard.append((name, *arguments))
        return super().__getattribute__(name)


class Plain(Strategy):
    pass


class Handlers(unittest.TestCase):
    def test_each_event_reaches_its_handler(self):
        harness = Harness(Recorder, fills=False)
        harness.candle(100, open=99, high=101, low=98, volume="2.5")
        harness.quote(99, 101)
        harness.trade(100)
        harness.signal("BUY", quantity=2)
        strategy = harness.strategy
        order = strategy.buy(1, 99)
        harness.flush()
        harness.fill(order)
        strategy.timer("t", 1.5)
        harness.flush()
        harness.timer("t")
        harness.stop("enough")
        names = [entry[0] for entry in strategy.heard]
        self.assertEqual(
            names,
            "on_candle on_quote on_trade on_signal on_fill on_order on_position on_timer on_stop".split(),
        )
        seen = {entry[0]: entry[1] for entry in strategy.heard}
        self.assertEqual((seen["on_candle"].open, seen["on_candle"].volume), (Decimal(99), Decimal("2.5")))
        self.assertEqual(seen["on_signal"].data, {"quantity": 2})
        self.assertIs(seen["on_order"], order)
        self.assertEqual((order.status, order.average_price), ("filled", Decimal(99)))
        self.assertEqual(seen["on_position"].quantity, 1)
        self.assertEqual((seen["on_timer"], seen["on_stop"]), ("t", "enough"))
        self.assertTrue(harness.is_over)

    def test_what_a_strategy_calls_its_own_things_does_not_matter(self):
        class Mine(Strategy):
            def __init__(self):
                self.symbol, self.position, self.state, self.now, self.candles = "x", None, [], 0, []

            def on_candle(self, candle):
                self.candles.append(candle)
                self.position = self.buy(1)

        harness = Harness(Mine)
        harness.closes(1, 2)
        self.assertEqual([order.symbol for order in harness.orders], ["BTCUSDT", "BTCUSDT"])

    def test_outside_a_run_a_call_says_what_to_do(self):
        from bullpen.strategy import set_current_session

        set_current_session(None)
        with self.assertRaisesRegex(BullpenError, "bullpen.testing.Harness"):
            Plain().buy(1)


class Saying(unittest.TestCase):
    def setUp(self):
        self.harness = Harness(Plain, fills=False)
        self.strategy = self.harness.strategy
        self.harness.candle(100)

    def said(self):
        before = len(self.harness.sent)
        self.harness.flush()
        lines = self.harness.sent[before:]
        rule = schema("protocol-strategy")
        for line in lines:
            check(line, rule)
        return lines

    def test_everything_it_can_say_fits_the_schema(self):
        say = self.strategy
        order = say.buy(1)
        say.sell("0.1", 99.5, time_in_force="ioc", post_only=True, reduce_only=True)
        say.order("BUY", 0.1, stop_price=Decimal("105.25"))
        say.order("Sell", 1, 90, stop_price=91)
        say.order("sell", 1, order_type="take_profit", stop_price=120, symbol="ETH/USDT")
        say.cancel(order)
        say.cancel(order.request)
        say.amend(order, quantity=2, price="98")
        say.signal("ENTER", "BTCUSDT", price=Decimal("1.10"), tags={"a"}, text='quo"te\n')
        say.signal("LEAVE")
        say.log("é \u2028 \ud800 \x00 \"quoted\"\nnext", "warning")
        say.metric("a.b-c_1", 0.1)
        say.save_state({"list": [1, 2.5, None, True], "money": Decimal("1E+2")})
        say.subscribe("ETHUSDT", "5m", trades=True, quotes=True)
        say.subscribe(quotes=True)
        say.timer("once", 0.25)
        say.timer("often", 60, repeat=True)
        say.cancel_timer("often")
        lines = self.said()
        self.assertEqual(len(lines), 18)
        self.assertEqual(
            [line["order_type"] for line in lines[:5]], ["market", "limit", "stop", "stop_limit", "take_profit"]
        )
        self.assertEqual(lines[1]["price"], "99.5")
        self.assertEqual(lines[8]["data"], {"price": "1.10", "tags": ["a"], "text": 'quo"te\n'})
        self.assertEqual(lines[10]["message"], "é \u2028 ? \x00 \"quoted\"\nnext")
        self.assertEqual(lines[12]["state"]["money"], "100")
        self.assertEqual([line["after_ms"] for line in lines[-3:]], [250, 60_000, 0])

    def test_what_the_host_would_refuse_is_refused_here_with_words(self):
        say = self.strategy
        for call, words in [
            (lambda: say.order("long", 1), "side 'long' must be 'buy' or 'sell'"),
            (lambda: say.buy(float("nan")), "not a finite number"),
            (lambda: say.buy("one"), "is not a number"),
            (lambda: say.buy(None), "is not a number"),
            (lambda: say.buy(True), "True or False"),
            (lambda: say.buy(1, order_type="magic"), "order_type 'magic'"),
            (lambda: say.buy(1, 1, time_in_force="day"), "time_in_force 'day'"),
            (lambda: say.buy(10**30), "out of range"),
            (lambda: say.metric("a b", 1), "metric name"),
            (lambda: say.log("x", "fatal"), "level 'fatal'"),
            (lambda: say.timer("a b", 1), "timer 'a b'"),
            (lambda: say.timer("t", 700_000), "at most a week"),
            (lambda: say.save_state({"x": float("inf")}), "cannot be written as JSON"),
            (lambda: say.save_state({"x": object()}), "a object cannot be written"),
            (lambda: say.save_state("x" * 50_000), "at most 49152"),
            (lambda: say.signal("X", data="y" * 17_000), "at most 16384"),
            (lambda: say.signal(""), "1 to 64 bytes"),
            (lambda: say.amend("r"), "needs a quantity"),
            (lambda: say.cancel("a b"), "request 'a b'"),
            (lambda: say.subscribe("BTCUSDT"), "needs a resolution"),
        ]:
            with self.subTest(words), self.assertRaisesRegex(BullpenError, words):
                call()
        self.assertEqual(self.said(), [])

    def test_an_order_of_nothing_is_denied_at_once_and_not_sent(self):
        for quantity in (0, -1, "0.00", 1e-19):
            order = self.strategy.buy(quantity)
            self.assertEqual(order.status, "denied")
            self.assertIn("above 0", order.reason)
        self.assertEqual(self.said(), [])

    def test_a_long_log_line_is_cut_to_what_the_host_takes(self):
        self.strategy.log("é" * 10_000)
        message = self.said()[0]["message"]
        self.assertLessEqual(len(message.encode()), 8192)
        self.assertGreater(len(message.encode()), 8180)

    def test_numbers_are_written_plainly_and_exactly(self):
        for value, text in [
            (0.1, "0.1"),
            (1e-7, "0.0000001"),
            (Decimal("1E+3"), "1000"),
            (Decimal("0.1234567890123456789"), "0.123456789012345678"),
            (3, "3"),
            ("-2.50", "-2.50"),
            (Decimal("1E-30"), "0"),
        ]:
            self.assertEqual(decimal_text(value), text)


class Knowing(unittest.TestCase):
    def test_parameters_come_from_the_start_then_strategy_json_then_the_default(self):
        harness = Harness(Plain, parameters={"a": 1}, config={"custom_params": {"a": 2, "b": 3}})
        strategy = harness.strategy
        self.assertEqual([strategy.parameter(name, 9) for name in "abc"], [1, 3, 9])
        self.assertIsNone(strategy.parameter("c"))

    def test_a_parameter_has_the_kind_of_its_default(self):
        values = {"int": 2, "float": 2.5, "whole": 3.0, "text": "x", "decimal": "0.1", "flag": True}
        strategy = Harness(Plain, parameters=values).strategy
        self.assertEqual(repr(strategy.parameter("int", 1.0)), "2.0")
        self.assertEqual(repr(strategy.parameter("int", Decimal(1))), "Decimal('2')")
        self.assertEqual(repr(strategy.parameter("decimal", Decimal(1))), "Decimal('0.1')")
        self.assertEqual(repr(strategy.parameter("float", Decimal(1))), "Decimal('2.5')")
        self.assertEqual(repr(strategy.parameter("whole", 1)), "3")
        for name, default in [("float", 1), ("text", 1), ("text", 1.0), ("flag", 1), ("int", True), ("int", "x")]:
            with self.subTest(name=name, default=default), self.assertRaisesRegex(BullpenError, name):
                strategy.parameter(name, default)

    def test_the_pair_is_found_however_it_is_written(self):
        for pair in ("BTCUSDT", "BTC/USDT", "B-BTC_USDT", "btc_usdt"):
            harness = Harness(Plain)
            self.assertEqual(harness.session.find_symbol(pair), "BTCUSDT", pair)
        self.assertIsNone(harness.session.find_symbol("ETHUSDT"))

    def test_equity_moves_with_positions_and_fees(self):
        harness = Harness(Plain, fee_rate="0.001", equity=1000)
        harness.candle(100)
        harness.strategy.buy(1)
        harness.candle(110)
        self.assertEqual(harness.strategy.equity, Decimal("999.9"))
        harness.strategy.sell(1)
        harness.candle(110)
        self.assertEqual(harness.strategy.equity, Decimal("1009.79"))
        self.assertTrue(harness.strategy.position().is_flat)

    def test_candles_are_kept_oldest_first(self):
        harness = Harness(Plain)
        harness.closes(*range(1, 700))
        self.assertEqual(harness.strategy.closes(3), [697, 698, 699])
        self.assertEqual(len(harness.strategy.candles()), 500)
        self.assertEqual(harness.strategy.candles(0), [])
        self.assertEqual(harness.strategy.price(), 699)
        larger = Harness(Plain, config={"lookback_period": 600})
        larger.closes(*range(1, 700))
        self.assertEqual(len(larger.strategy.candles()), 600)

    def test_open_orders_are_those_that_may_still_fill(self):
        harness = Harness(Plain)
        harness.candle(100)
        first, second = harness.strategy.buy(1, 90), harness.strategy.buy(1, 80)
        harness.flush()
        self.assertEqual(harness.strategy.open_orders, [first, second])
        harness.candle(95, low=89)
        self.assertEqual(harness.strategy.open_orders, [second])
        self.assertEqual((first.status, first.is_final, first.remaining), ("filled", True, 0))
        harness.strategy.cancel(second)
        harness.flush()
        self.assertEqual((harness.strategy.open_orders, second.status), ([], "cancelled"))

    def test_a_denial_without_an_id_leaves_a_standing_order_as_it_was(self):
        harness = Harness(Plain)
        harness.candle(100)
        order = harness.strategy.buy(1, 90)
        harness.flush()
        self.assertEqual(order.status, "open")
        denial = refusal(order.request, "the price is too far away")
        check(denial, schema("protocol-host"))
        harness.say(denial)
        self.assertEqual((order.status, order.quantity, order.price), ("open", 1, 90))
        self.assertEqual(order.reason, "the price is too far away")
        self.assertEqual(harness.strategy.open_orders, [order])

    def test_a_line_that_was_refused_denies_its_order(self):
        harness = Harness(Plain, fills=False)
        harness.candle(100)
        order = harness.strategy.buy(1, 90)
        harness.flush()
        harness.say(refusal(order.request))
        self.assertEqual((order.status, order.symbol, order.quantity), ("denied", "BTCUSDT", 1))
        self.assertEqual(harness.strategy.open_orders, [])

    def test_orders_and_positions_of_an_earlier_run_are_there_from_the_start(self):
        from bullpen.session import Session
        from support import hello

        session = Session(
            hello(
                orders=[
                    {
                        "request": "old-1",
                        "order": "h1",
                        "symbol": "BTCUSDT",
                        "side": "sell",
                        "order_type": "limit",
                        "quantity": "2",
                        "price": "70000",
                        "time_in_force": "gtc",
                        "status": "partially_filled",
                        "filled_quantity": "0.5",
                        "average_price": "70000",
                        "time": 5,
                    }
                ],
                positions=[
                    {
                        "symbol": "BTCUSDT",
                        "quantity": "-1.5",
                        "average_price": "70000",
                        "realised_pnl": "5",
                        "unrealised_pnl": "-3",
                        "fees": "1",
                        "time": 5,
                    }
                ],
            )
        )
        self.assertEqual(session.orders["old-1"].remaining, Decimal("1.5"))
        self.assertEqual(session.position(None).quantity, Decimal("-1.5"))
        self.assertEqual(session.equity(), 10_000)


if __name__ == "__main__":
    unittest.main()

"""The runtime over real pipes: loading, the loop, and every way to end."""

import json
import os
import unittest

from support import Bundle, Child, candle, hello


class Loop(unittest.TestCase):
    def test_history_is_heard_but_orders_during_it_are_denied(self):
        with Bundle(
            """
            from bullpen import Strategy
            class S(Strategy):
                def on_start(self):
                    self.log("start")
                def on_candle(self, candle):
                    order = self.buy("0.1")
                    self.log(f"{candle.close} {order.status}")
                def on_order(self, order):
                    self.log(f"on_order {order.status}: {order.reason}")
            """
        ) as bundle:
            child = Child.python(bundle)
            self.assertEqual(child.hear(), {"type": "ready", "sdk": "python/1.0"})
            self.assertEqual(child.hear()["message"], "start")
            child.say(candle(0, 100, history=True))
            said = child.answers()
            self.assertEqual([line["type"] for line in said], ["log", "log"])
            self.assertEqual(said[0]["message"], "100 denied")
            self.assertIn("history", said[1]["message"])
            child.say(candle(1, 101))
            said = child.answers()
            self.assertEqual(
                {key: said[0][key] for key in ("type", "symbol", "side", "order_type", "quantity")},
                {"type": "order", "symbol": "BTCUSDT", "side": "buy", "order_type": "market", "quantity": "0.1"},
            )
            self.assertEqual(said[1]["message"], "101 sent")
            lines, code, errors = child.stop()
            self.assertEqual(lines, [{"type": "bye"}])
            self.assertEqual((code, errors), (0, ""))

    def test_printing_goes_to_the_log_however_it_is_done(self):
        with Bundle(
            """
            import ctypes, os, sys
            from bullpen import Strategy
            print("while loading")
            class S(Strategy):
                def on_start(self):
                    print("é printed", flush=False)
                    sys.stdout.write("written\\n")
                    os.write(1, b"by descriptor\\n")
                    try:
                        libc = ctypes.CDLL(None)
                        libc.puts(b"by C"); libc.fflush(None)
                    except OSError:
                        print("by C")
                    try:
                        input()
                    except EOFError:
                        print("no input")
            """
        ) as bundle:
            child = Child.python(bundle)
            lines, code, errors = child.stop()
            self.assertEqual([line["type"] for line in lines], ["ready", "bye"])
            for text in ("while loading", "é printed", "written", "by descriptor", "by C", "no input"):
                self.assertIn(text, errors)
            self.assertEqual(code, 0)

    def test_an_exception_ends_the_run_with_its_traceback_and_what_was_said_stands(self):
        with Bundle(
            """
            from bullpen import Strategy
            class S(Strategy):
                def on_candle(self, candle):
                    self.buy(1)
                    nothing = {}
                    nothing["missing"]
            """
        ) as bundle:
            child = Child.python(bundle)
            child.say(candle(0, 1))
            self.assertEqual(child.hear()["type"], "ready")
            self.assertEqual(child.hear()["type"], "order")
            self.assertIsNone(child.hear())
            code, errors = child.end()
            self.assertEqual(code, 1)
            self.assertIn("KeyError: 'missing'", errors)
            self.assertIn('nothing["missing"]', errors)
            self.assertNotIn("session.py", errors)

    def test_the_host_going_away_ends_it_quietly(self):
        with Bundle("from bullpen import Strategy\nclass S(Strategy): pass\n") as bundle:
            child = Child.python(bundle)
            child.hear()
            self.assertEqual(child.end(), (0, ""))

    def test_finish_says_bye_and_runs_nothing_after(self):
        with Bundle(
            """
            from bullpen import Strategy
            class S(Strategy):
                def on_candle(self, candle):
                    self.finish("had enough")
                    self.buy(1)
            """
        ) as bundle:
            child = Child.python(bundle)
            child.say(candle(0, 1))
            lines = list(iter(child.hear, None))
            self.assertEqual(lines[1:], [{"type": "bye", "reason": "had enough"}])
            self.assertEqual(child.end(), (0, ""))

    def test_state_is_saved_at_stop_and_found_again(self):
        with Bundle(
            """
            from bullpen import Strategy
            class S(Strategy):
                def on_start(self):
                    self.runs = (self.state or {"runs": 0})["runs"] + 1
                def on_stop(self, reason):
                    self.save_state({"runs": self.runs, "why": reason})
            """
        ) as bundle:
            child = Child.python(bundle, hello(state={"runs": 4}))
            lines, code, _ = child.stop()
            self.assertEqual(lines[1], {"type": "state", "state": {"runs": 5, "why": "test"}})
            self.assertEqual(code, 0)

    def test_a_line_of_a_kind_it_does_not_know_is_passed_over(self):
        with Bundle("from bullpen import Strategy\nclass S(Strategy): pass\n") as bundle:
            child = Child.python(bundle)
            child.process.stdin.write(b'{"type":"weather","sun":true}\n')
            self.assertEqual(child.answers(), [{"type": "ready", "sdk": "python/1.0"}])
            self.assertEqual(child.stop()[1:], (0, ""))

    def test_requests_differ_between_runs(self):
        requests = set()
        with Bundle(
            "from bullpen import Strategy\nclass S(Strategy):\n    def on_candle(self, c):\n        self.buy(1)\n"
        ) as bundle:
            for first in (hello(), hello(run="r-2"), hello(time=hello()["time"] + 1)):
                child = Child.python(bundle, first)
                child.say(candle(0, 1), candle(1, 1))
                requests.update(line["request"] for line in child.answers() if line["type"] == "order")
                child.stop()
        self.assertEqual(len(requests), 6)
        self.assertTrue(all(len(request) <= 36 for request in requests))


class Loading(unittest.TestCase):
    def fails(self, source, *words, entry="strategy.py", code=2, **files):
        with Bundle(source, **files) as bundle:
            child = Child.python(bundle, hello(entry=entry))
            self.assertIsNone(child.hear())
            ended, errors = child.end()
            self.assertEqual(ended, code, errors)
            for word in words:
                self.assertIn(word, errors)

    def test_a_missing_module_is_named(self):
        self.fails("import torch\n", "no module 'torch'", "requirements.txt")

    def test_broken_syntax_is_shown_with_its_line(self):
        self.fails("x = 1\ndef f(:\n", "SyntaxError", "line 2", "def f(:")

    def test_a_file_without_a_strategy_is_refused(self):
        self.fails("from bullpen import Strategy\n", "holds no strategy")

    def test_two_strategies_are_refused_unless_one_is_named(self):
        two = "from bullpen import Strategy\nclass A(Strategy): pass\nclass B(Strategy): pass\n"
        self.fails(two, "several strategies (A, B)", "STRATEGY = A")
        with Bundle(two + "STRATEGY = B\n") as bundle:
            self.assertEqual(Child.python(bundle).stop()[1:], (0, ""))

    def test_a_missing_entry_is_named(self):
        self.fails("", "no Python file 'other.py'", entry="other.py")

    def test_a_strategy_that_needs_arguments_is_refused(self):
        self.fails(
            "from bullpen import Strategy\nclass A(Strategy):\n    def __init__(self, size): pass\n",
            "could not be made without arguments",
            "size",
        )

    def test_exit_while_loading_is_named(self):
        self.fails("import sys\nsys.exit(3)\n", "called exit(3)")

    def test_an_exception_in_on_start_is_a_crash(self):
        with Bundle(
            "from bullpen import Strategy\nclass A(Strategy):\n    def on_start(self):\n        1 / 0\n"
        ) as bundle:
            child = Child.python(bundle)
            list(iter(child.hear, None))
            code, errors = child.end()
            self.assertEqual(code, 1)
            self.assertIn("ZeroDivisionError", errors)

    def test_own_modules_are_found_and_the_base_class_is_not_taken_for_the_strategy(self):
        with Bundle(
            "from shared import Base\nfrom bullpen import Strategy\nclass Mine(Base):\n    name = 'mine'\n",
            shared__py="""
                from bullpen import Strategy
                class Base(Strategy):
                    name = 'base'
                    def on_start(self):
                        self.log(self.name)
            """,
        ) as bundle:
            child = Child.python(bundle)
            child.hear()
            self.assertEqual(child.hear()["message"], "mine")
            child.stop()

    def test_the_main_guard_is_not_for_the_host(self):
        with Bundle(
            """
            from bullpen import Strategy
            class S(Strategy):
                pass
            if __name__ == "__main__":
                raise SystemExit("a local experiment")
            """
        ) as bundle:
            self.assertEqual(Child.python(bundle).stop()[1:], (0, ""))

    def test_a_first_line_that_is_not_hello_is_refused(self):
        with Bundle("") as bundle:
            child = Child.python(bundle, {"type": "ping", "id": 1})
            self.assertIsNone(child.hear())
            code, errors = child.end()
            self.assertEqual(code, 2)
            self.assertIn("hello", errors)


class Older(unittest.TestCase):
    FILE = """
        from base_strategy import BaseStrategy

        class MyStrategy(BaseStrategy):
            def __init__(self):
                self.position = None
                self.symbol = "mine"
                self.orders = []
            def on_market_data(self, market_data):
                print(sorted(market_data))
                assert all(isinstance(market_data[k], float) for k in ("open", "close", "price", "bid", "ask"))
                if market_data['close'] > market_data['open'] and self.position is None:
                    self.orders.append(self.place_order('BUY', 0.25))
                    self.position = 'LONG'
            def on_signal(self, signal):
                if signal['action'] == 'BUY': self.place_order('BUY', signal['quantity'])
    """

    def runs(self, ending):
        with Bundle(self.FILE + ending) as bundle:
            child = Child.python(bundle)
            child.say(candle(0, 102, 101, history=True), candle(1, 102, 101))
            said = child.answers()
            self.assertEqual([line["type"] for line in said], ["ready", "subscribe", "order"])
            self.assertEqual((said[2]["side"], said[2]["quantity"]), ("buy", "0.25"))
            child.say({"type": "signal", "id": "1", "time": 5, "action": "BUY", "data": {"quantity": 2}})
            child.say({"type": "signal", "id": "2", "time": 6, "action": "SELL", "data": {"quantity": 2}})
            said = child.answers()
            self.assertEqual([(line["side"], line["quantity"]) for line in said], [("buy", "2")])
            lines, code, errors = child.stop()
            self.assertEqual((lines, code), ([{"type": "bye"}], 0))
            names = "ask bid close high low open pair price resolution timestamp volume".split()
            self.assertEqual(errors, f"{names}\n")

    def test_a_plain_file_runs(self):
        self.runs("")

    def test_a_file_that_starts_itself_under_the_guard_runs(self):
        self.runs("""
        if __name__ == "__main__":
            MyStrategy().start()
        """)

    def test_a_file_that_starts_itself_at_module_level_runs(self):
        self.runs("""
        MyStrategy().start()
        """)

    def test_a_file_that_starts_itself_and_then_exits_runs(self):
        self.runs("""
        import sys
        sys.exit(MyStrategy().start())
        """)

    def test_started_by_hand_on_a_pipe_it_speaks_the_protocol(self):
        import sys
        from support import SDK

        with Bundle(self.FILE + "\n        MyStrategy().start()\n") as bundle:
            path = os.path.join(bundle, "strategy.py")
            run = f"import sys, runpy; sys.path.insert(0, {SDK!r}); runpy.run_path({path!r}, run_name='__main__')"
            child = Child([sys.executable, "-I", "-B", "-c", run], hello())
            child.say(candle(0, 102, 101))
            self.assertEqual([line["type"] for line in child.answers()], ["ready", "subscribe", "order"])
            self.assertEqual(child.stop()[1], 0)


class Reading(unittest.TestCase):
    def test_the_coindcx_client_reads_the_feed_and_signs_nothing(self):
        with Bundle(
            """
            import coindcx_client
            from coindcx_client import CoinDCXClient
            from base_strategy import BaseStrategy
            class S(BaseStrategy):
                def __init__(self):
                    self.client = CoinDCXClient("key", "secret")
                def on_market_data(self, data):
                    client = self.client
                    assert client.get_markets() == ["BTCUSDT"]
                    assert client.get_ticker("B-BTC_USDT")["last_price"] == "103"
                    assert [c["close"] for c in client.get_candles("BTC_USDT", "1m", limit=2)] == [103.0, 102.0]
                    assert client.get_markets_details()[0]["step"] == 0.00001
                    for call in (lambda: client.create_order(side="buy"), client.get_balances,
                                 lambda: coindcx_client.place_order("buy", 1)):
                        try:
                            call()
                        except coindcx_client.SignedCallError as error:
                            print(error)
            """
        ) as bundle:
            child = Child.python(bundle)
            child.say(*(candle(index, 100 + index, history=index < 3) for index in range(4)))
            child.answers()
            _, code, errors = child.stop()
            self.assertEqual(code, 0, errors)
            for name in ("create_order", "get_balances", "place_order"):
                self.assertIn(f"{name} is not for a strategy to call: exchange keys live with the host", errors)


class Speed(unittest.TestCase):
    def test_a_thousand_candles_are_answered_one_write_each(self):
        with Bundle(
            "from bullpen import Strategy\nclass S(Strategy):\n"
            "    def on_candle(self, c):\n        self.log('a'); self.log('b'); self.buy(1, c.close)\n"
        ) as bundle:
            child = Child.python(bundle)
            said = []
            for start in range(0, 1000, 100):  # what fits the pipes, as this host does not read while it writes
                child.say(*(candle(index, 100) for index in range(start, start + 100)))
                said += child.answers()
            self.assertEqual(len(said), 3001)
            orders = [json.dumps(line) for line in said if line["type"] == "order"]
            self.assertEqual(len(set(orders)), 1000)
            child.stop()


if __name__ == "__main__":
    unittest.main()

"""Each template, as a user gets it, over the pipe protocol against a small venue, on a made-up 1m market."""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import unittest
from decimal import Decimal

from support import PACKAGE, SDK, TEMPLATES, Child, candle, check, hello, schema

NAMES = sorted(name for name in os.listdir(TEMPLATES) if os.path.isdir(os.path.join(TEMPLATES, name)))


def market(count, seed=11):
    """Closing prices that wander, swing and now and then jump, as minutes of BTCUSDT do."""
    generator = random.Random(seed)
    price, drift, closes = 64_000.0, 0.0, []
    for _ in range(count):
        drift = 0.9 * drift + generator.gauss(0, 0.0002)
        shock = generator.gauss(0, 0.0006) * (4 if generator.random() < 0.03 else 1)
        price *= 1 + drift + shock + (64_000 - price) / 64_000 * 0.01
        closes.append(Decimal(f"{price:.2f}"))
    return closes


class Venue:
    """Fills market orders at the last close, and the others when a candle reaches them."""

    def __init__(self, child, leverage=1):
        self.child = child
        self.orders = {}
        self.brackets = {}
        self.asked = []
        self.fills = 0
        self.closed = 0
        self.lines = []
        self.quantity = Decimal(0)
        self.average = Decimal(0)
        self.realised = Decimal(0)
        self.fees = Decimal(0)
        self.price = Decimal(0)
        self.time = 0

    def candle(self, message):
        self.time = message["close_time"]
        low, high = Decimal(message["low"]), Decimal(message["high"])
        for order in list(self.orders.values()):
            price = self.reached(order, low, high)
            if price is not None and order["request"] in self.orders:
                self.fill(order, price)
        for held in list(self.brackets.values()):
            price = next((one for one in (held["stop_loss"], held["take_profit"]) if low <= Decimal(one) <= high), None)
            if price is not None and self.quantity > 0:
                self.close(held, Decimal(price))
        self.price = Decimal(message["close"])
        self.child.say(message)
        self.settle()

    def settle(self):
        """Answers until the strategy has nothing more to say."""
        while True:
            lines = self.child.answers()
            if not lines:
                return
            for line in lines:
                self.lines.append(line)
                if line["type"] == "order":
                    assert line["request"] not in {order["request"] for order in self.asked}, "a request was repeated"
                    self.asked.append(line)
                    self.orders[line["request"]] = line
                    self.report(line, "open")
                    if line["order_type"] == "market":
                        self.fill(line, self.price)
                elif line["type"] == "cancel" and line["request"] in self.orders:
                    self.report(self.orders.pop(line["request"]), "cancelled")

    def close(self, held, price):
        """The host closes a long position under a bracket."""
        self.tell(held, "triggered")
        closing = {**held, "request": "", "side": "sell", "quantity": f"{self.quantity:f}", "reduce_only": True}
        self.orders[""] = closing
        self.closed += 1
        self.fill(closing, price)
        self.tell(held, "done")
        del self.brackets[held["request"]]

    def tell(self, held, status):
        message = {
            "type": "bracket",
            "request": held["request"],
            "bracket": "h" + held["request"],
            "symbol": held["symbol"],
            "side": "sell",
            "quantity": f"{self.quantity:f}",
            "stop_loss": held["stop_loss"],
            "take_profit": held["take_profit"],
            "status": status,
            "time": self.time,
        }
        check(message, schema("protocol-host"))
        self.child.say(message)

    @staticmethod
    def reached(order, low, high):
        kind, is_buy = order["order_type"], order["side"] == "buy"
        if kind == "limit":
            price = Decimal(order["price"])
            return price if (low <= price if is_buy else high >= price) else None
        trigger = Decimal(order["stop_price"])
        upward = is_buy == (kind != "take_profit")
        return trigger if (high >= trigger if upward else low <= trigger) else None

    def report(self, order, status, filled="0", **more):
        message = {
            "type": "order",
            "request": order["request"],
            "order": "h" + order["request"],
            "symbol": order["symbol"],
            "side": order["side"],
            "order_type": order["order_type"],
            "quantity": order["quantity"],
            "time_in_force": "gtc",
            "status": status,
            "filled_quantity": filled,
            "time": self.time,
            **more,
        }
        for name in ("price", "stop_price"):
            if name in order:
                message[name] = order[name]
        self.child.say(message)

    def fill(self, order, price):
        del self.orders[order["request"]]
        quantity = Decimal(order["quantity"])
        sign = 1 if order["side"] == "buy" else -1
        if order.get("reduce_only"):
            quantity = min(quantity, max(-sign * self.quantity, Decimal(0)))
            if not quantity:
                return self.report(order, "cancelled", reason="nothing to reduce")
        self.fills += 1
        after = self.quantity + sign * quantity
        if self.quantity * sign >= 0:
            self.average = (abs(self.quantity) * self.average + quantity * price) / abs(after)
        else:
            self.realised += min(quantity, abs(self.quantity)) * (price - self.average) * -sign
            self.average = price if after * self.quantity < 0 else self.average if after else Decimal(0)
        self.quantity = after
        fee = quantity * price * Decimal("0.0005")
        self.fees += fee
        self.child.say(
            {
                "type": "fill",
                "order": "h" + order["request"],
                "request": order["request"],
                "trade": str(self.fills),
                "symbol": order["symbol"],
                "side": order["side"],
                "price": str(price),
                "quantity": str(quantity),
                "fee": f"{fee:.8f}",
                "fee_currency": "USDT",
                "liquidity": "taker",
                "time": self.time,
            }
        )
        self.report(order, "filled", str(quantity), average_price=str(price))
        if "stop_loss" in order and order["request"]:
            self.brackets[order["request"]] = order
            self.tell(order, "held")
        elif not self.quantity:
            for held in self.brackets.values() if order["request"] else ():
                self.tell(held, "expired")
            if order["request"]:
                self.brackets.clear()
        self.child.say(
            {
                "type": "position",
                "symbol": order["symbol"],
                "quantity": f"{self.quantity:f}",
                "average_price": f"{self.average:.8f}",
                "realised_pnl": f"{self.realised:.8f}",
                "unrealised_pnl": f"{self.quantity * (price - self.average):.8f}",
                "fees": f"{self.fees:.8f}",
                "time": self.time,
            }
        )


RUNTIME_PACKAGES = os.path.join(
    PACKAGE, ".build", "test-runtimes", "scientific", "root", "usr", "lib", "python3", "dist-packages"
)


def start_command(profile):
    """How the SDK is started with what the profile promises; None when this machine has no scikit-learn."""
    start = os.path.join(SDK, "start.py")
    if profile != "python-scientific":
        return [sys.executable, "-I", "-B", start]
    named = os.environ.get("BULLPEN_SCIENTIFIC_PYTHON")
    if named:
        return [named, "-I", "-B", start]
    if not os.path.isdir(os.path.join(RUNTIME_PACKAGES, "sklearn")):
        return None
    script = f"import sys, runpy; sys.path.append({RUNTIME_PACKAGES!r}); runpy.run_path({start!r}, run_name='__main__')"
    return [sys.executable, "-I", "-B", "-c", script]


class Templates(unittest.TestCase):
    def config(self, name):
        with open(os.path.join(TEMPLATES, name, "strategy.json"), encoding="utf-8") as file:
            return json.load(file)

    def trades(self, name, kind="margin", live=400, parameters=None):
        """Runs a template over history and live candles; the venue afterwards."""
        config = self.config(name)
        first = hello(config["entry"], parameters, config)
        first["account"]["kind"] = kind
        first["account"]["leverage"] = str(config["leverage"]) if kind == "margin" else "1"
        folder = os.path.join(TEMPLATES, name)
        if config.get("kind") == "native":
            target = tempfile.mkdtemp()
            self.addCleanup(shutil.rmtree, target)
            build = ["cc", "-O2", "-std=c11", "-Wall", "-Wextra", "-Werror", "-static", "-o", f"{target}/main"]
            subprocess.run([*build, os.path.join(folder, "main.c")], check=True)
            command = [f"{target}/main"]
        else:
            start = start_command(config["profile"])
            if start is None:
                self.skipTest(
                    "no scikit-learn here: `bullpen runtime install scientific --to .build/test-runtimes`, or name a "
                    "Python that has it in BULLPEN_SCIENTIFIC_PYTHON"
                )
            command = [*start, folder]
        child = Child(command, first)
        venue = Venue(child)
        lookback = config["lookback_period"]
        closes = market(lookback + live)
        for index, close in enumerate(closes):
            opened = closes[index - 1] if index else close
            spread = close * Decimal("0.0002")
            message = candle(
                index,
                close,
                opened,
                high=(max(close, opened) + spread).quantize(Decimal("0.01")),
                low=(min(close, opened) - spread).quantize(Decimal("0.01")),
                history=index < lookback,
            )
            venue.candle(message)
            if index < lookback:
                self.assertEqual(venue.asked, [], "no order during history")
        lines, code, errors = child.stop()
        self.assertEqual(code, 0, errors)
        self.assertEqual(lines[-1], {"type": "bye"})
        venue.lines += lines
        venue.errors = errors
        return venue

    def check_trades(self, name, **options):
        venue = self.trades(name, **options)
        self.assertEqual(venue.errors, "")
        self.assertGreaterEqual(venue.fills, 4, "it should trade on a market like this")
        sides = {order["side"] for order in venue.asked} | ({"sell"} if venue.closed else set())
        self.assertTrue({"buy", "sell"} <= sides)
        for order in venue.asked:
            steps = Decimal(order["quantity"]) / Decimal("0.00001")
            self.assertEqual(steps, steps.to_integral_value(), "quantities are whole steps")
            notional = Decimal(order["quantity"]) * 64_000
            self.assertLess(notional, 5_000, "it risks no more than it says")
        return venue

    def test_every_folder_is_complete_and_its_strategy_json_valid(self):
        self.assertGreaterEqual(len(NAMES), 7)
        rule = schema("strategy")
        for name in NAMES:
            with self.subTest(name):
                config = self.config(name)
                check(config, rule)
                folder = os.path.join(TEMPLATES, name)
                self.assertTrue(os.path.isfile(os.path.join(folder, "README.md")))
                for parameter in config["custom_params"]:
                    with open(os.path.join(folder, "README.md"), encoding="utf-8") as file:
                        self.assertIn(f"| `{parameter}` |", file.read())
                if config.get("kind") != "native":
                    self.assertTrue(os.path.isfile(os.path.join(folder, config["entry"])))

    def test_every_template_has_a_test(self):
        for name in NAMES:
            self.assertTrue(hasattr(self, "test_" + name.replace("-", "_")), name)

    def test_ma_crossover(self):
        venue = self.check_trades("ma-crossover")
        kinds = {order["order_type"] for order in venue.asked}
        self.assertEqual(kinds, {"market"})
        bought = [order for order in venue.asked if order["side"] == "buy"]
        self.assertTrue(all(Decimal(order["stop_loss"]) < Decimal(order["take_profit"]) for order in bought))
        self.assertGreater(venue.closed, 0)
        self.assertGreaterEqual(venue.quantity, 0)

    def test_rsi_mean_reversion(self):
        venue = self.check_trades("rsi-mean-reversion")
        self.assertIn("state", {line["type"] for line in venue.lines})

    def test_bollinger_breakout(self):
        venue = self.check_trades("bollinger-breakout")
        self.assertIn("stop", {order["order_type"] for order in venue.asked})

    def test_bollinger_breakout_on_a_spot_account_sells_only_what_it_has(self):
        venue = self.trades("bollinger-breakout", kind="spot")
        self.assertTrue(venue.asked)
        self.assertTrue(all(order.get("reduce_only") for order in venue.asked if order["side"] == "sell"))

    def test_grid(self):
        venue = self.check_trades("grid")
        self.assertEqual({order["order_type"] for order in venue.asked}, {"limit"})
        self.assertGreaterEqual(venue.quantity, 0)

    def test_sklearn_classifier(self):
        venue = self.check_trades("sklearn-classifier", live=250)
        self.assertTrue(any("learned from 350 rows of 7 features" in line.get("message", "") for line in venue.lines))
        scores = [line["value"] for line in venue.lines if line.get("name") == "out_of_sample_score"]
        self.assertGreaterEqual(len(scores), 3)
        self.assertTrue(all(0 <= float(score) <= 1 for score in scores))

    def test_ridge_regression(self):
        venue = self.check_trades("ridge-regression", live=250, parameters={"edge": 0.00005})
        self.assertTrue(any("learned from 300 rows" in line.get("message", "") for line in venue.lines))
        scores = [line for line in venue.lines if line.get("name") == "out_of_sample_score"]
        self.assertGreaterEqual(len(scores), 3)

    def test_rl_skeleton(self):
        venue = self.check_trades("rl-skeleton", live=250)
        self.assertIn("state", {line["type"] for line in venue.lines})

    def test_native_c(self):
        self.check_trades("native-c")

    def test_parameters_of_the_start_win_over_strategy_json(self):
        venue = self.trades("native-c", parameters={"quantity": "0.02"}, live=200)
        self.assertEqual({order["quantity"] for order in venue.asked}, {"0.02"})

    def test_a_wrong_parameter_is_refused_at_the_start(self):
        config = self.config("ma-crossover")
        child = Child.python(
            os.path.join(TEMPLATES, "ma-crossover"), hello(parameters={"fast": 30}, config=config)
        )
        list(iter(child.hear, None))
        code, errors = child.end()
        self.assertEqual(code, 1)
        self.assertIn("fast must be at least 1 and less than slow", errors)


if __name__ == "__main__":
    unittest.main()

"""A strategy of the pretended host: invented, with a market of its own, and kept in memory."""

import json
import math
import random
import re
import time
from decimal import Decimal

SOURCE = '''from bullpen import Strategy


class Crossover(Strategy):
    """Buys when the fast average crosses above the slow one, sells when it crosses back."""

    def on_start(self):
        self.fast = Average(self.parameter("fast"))
        self.slow = Average(self.parameter("slow"))
        self.above = None
        self.log(f"fast {self.fast.length}, slow {self.slow.length}")

    def on_candle(self, candle):
        fast, slow = self.fast.add(candle.close), self.slow.add(candle.close)
        if fast is None or slow is None:
            return
        above = fast > slow
        if self.above is not None and above != self.above:
            if above:
                self.buy(self.parameter("quantity"))
            else:
                self.sell(self.parameter("quantity"))
        self.above = above


class Average:
    def __init__(self, length):
        self.length = length
        self.values = []

    def add(self, value):
        self.values = (self.values + [value])[-self.length:]
        if len(self.values) < self.length:
            return None
        return sum(self.values) / self.length
'''
TRACEBACK = '''Traceback (most recent call last):
  File "strategy.py", line 31, in on_candle
    size = self.risk / candle.range
           ~~~~~~~~~~^~~~~~~~~~~~~~
ZeroDivisionError: division by zero'''


def now():
    return int(time.time() * 1000)


def text(value, places=2):
    return f"{Decimal(value):.{places}f}"


class Strategy:
    """One invented strategy with a market of its own."""

    count = 0

    def __init__(self, world, name, owner="admin", pair="BTCUSDT", state="stopped", profile="python", parameters=None,
                 reason=None, price=64210.5, warnings=()):
        Strategy.count += 1
        self.world = world
        self.id = f"{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}-{Strategy.count}"
        self.random = random.Random(self.id)
        self.name, self.owner, self.pair, self.profile = name, owner, pair, profile
        self.config = {
            "name": name, "description": f"{name} on {pair}", "author": owner, "pair": pair, "resolution": "1m",
            "lookback_period": 100, "leverage": 10, "risk_per_trade": "0.01", "margin_currency": "USDT",
            "sl_atr_multiplier": "2.0", "tp_atr_multiplier": "3.0", "max_positions": 1, "max_daily_loss": "0.05",
            "custom_params": {"fast": 12, "slow": 26, "quantity": "0.05"} if parameters is None else parameters,
            "entry": "strategy.py", "kind": "python", "profile": profile,
            "restart": {"policy": "transient", "intensity": 5, "period_seconds": 600},
            "orders_at_death": "cancel", "memory_mb": 512, "cpu_share": "0.5",
        }
        self.versions = [{"version": f"{self.random.getrandbits(256):064x}", "uploaded_at": now() - 86400000 * index - 5400000}
                         for index in range(2)]
        self.files = {"strategy.py": SOURCE, "strategy.json": json.dumps(self.config, indent=2) + "\n"}
        self.warnings = list(warnings)
        self.created = now() - 3 * 86400000
        self.price = Decimal(str(price))
        self.quantity, self.average = Decimal(0), Decimal(0)
        self.realised, self.fees = Decimal(0), Decimal(0)
        self.capital = Decimal(10000)
        self.candles, self.fills, self.orders, self.signals, self.log, self.equity = [], [], [], [], [], []
        self.brackets = []
        self.watchers = set()
        self.state, self.since, self.reason, self.restarts, self.next_start = state, now() - 5025000, reason, 0, None
        self.run = f"run-{self.random.getrandbits(32):08x}"
        self.account, self.feed = None, None
        self.cpu, self.memory, self.lines = 3.2, 38 * 2**20, [5210, 402, 0]
        self.violations, self.throttled = [], 0
        self.seq = 0
        if state != "stopped" or reason:
            self.account, self.feed = ("india", "replay-btc") if pair.endswith("INR") else ("paper", "simulated")
            self.history()

    @property
    def alive(self):
        return self.state not in ("stopped", "quarantined")

    @property
    def unrealised(self):
        return (self.price - self.average) * self.quantity

    def history(self):
        start = (now() // 60000 - 320) * 60000
        for index in range(320):
            self.candle(start + index * 60000)
            if index > 90 and index % 23 == 0:
                self.trade(start + index * 60000 + 20000)
            self.equity.append({"time": start + index * 60000, "equity": text(self.capital + self.realised + self.unrealised)})
        lines = [("info", "host", f"run {self.run} starts with Python 3.11, 512 MiB, half a core"),
                 ("info", "strategy", "fast 12, slow 26"), ("debug", "strategy", "100 candles of history taken"),
                 ("info", "strategy", "averages are warm: fast 64102.4, slow 64080.9")]
        for index in range(60):
            lines.append(self.random.choice([
                ("info", "strategy", f"crossed up at {text(self.price)}: buying 0.05"),
                ("debug", "strategy", f"fast {text(self.price)}, slow {text(self.price - 12)}"),
                ("info", "strategy", f"crossed down at {text(self.price)}: selling 0.05"),
                ("debug", "strategy", "nothing to do"),
                ("warning", "stderr", "RuntimeWarning: invalid value encountered in divide"),
            ]))
        if self.reason:
            lines += [("error", "stderr", line) for line in TRACEBACK.split("\n")]
            lines.append(("error", "host", self.reason.split("\n")[0]))
        for index, (level, source, message) in enumerate(lines):
            self.say(level, source, message, now() - (len(lines) - index) * 41000)
        self.signals = [{"id": f"sig-{self.id}-{index}", "strategy": self.id, "run": self.run, "direction": "in" if index % 3 == 0 else "out",
                         "action": self.random.choice(["BUY", "SELL", "CLOSE"]), "symbol": self.pair, "data": {"quantity": "0.05", "source": "desk"} if index % 3 == 0 else {},
                         "time": now() - index * 340000} for index in range(9)]

    def candle(self, opened):
        scale = float(self.price) / 800
        values = [float(self.price)]
        for _ in range(6):
            values.append(values[-1] + self.random.gauss(0, 0.4) * scale + math.sin(opened / 3.1e6) * scale * 0.08)
        self.price = Decimal(text(values[-1]))
        self.candles.append({
            "symbol": self.pair, "resolution": "1m", "time": opened, "close_time": opened + 60000, "open": text(values[0]),
            "high": text(max(values)), "low": text(min(values)), "close": text(values[-1]), "volume": text(abs(self.random.gauss(14, 6)), 4)})
        self.candles = self.candles[-600:]

    def trade(self, at, events=False):
        side = "buy" if self.quantity <= 0 else "sell"
        quantity = Decimal("0.05")
        self.seq += 1
        order = {
            "id": f"o-{self.id}-{self.seq}", "strategy": self.id, "run": self.run, "request": str(self.seq), "symbol": self.pair, "side": side,
            "order_type": "market", "quantity": "0.05", "price": None, "stop_price": None, "time_in_force": "gtc", "post_only": False,
            "reduce_only": side == "sell", "status": "filled", "filled_quantity": "0.05", "average_price": text(self.price), "fee": text(self.price * quantity / 1000, 4),
            "reason": None, "created_at": at, "updated_at": at + 4}
        fee = self.price * quantity / 1000
        if side == "sell":
            self.realised += (self.price - self.average) * quantity
        self.realised -= fee
        self.fees += fee
        self.quantity, self.average = (quantity, self.price) if side == "buy" else (Decimal(0), Decimal(0))
        fill = {"id": f"t-{self.id}-{self.seq}", "order": order["id"], "strategy": self.id, "symbol": self.pair, "side": side, "price": text(self.price),
                "quantity": "0.05", "fee": text(fee, 4), "fee_currency": "USDT", "liquidity": "taker", "time": at + 4}
        self.orders.append(order)
        self.fills.append(fill)
        if events:
            self.tell("order", order)
            self.tell("fill", fill)
            self.tell("position", self.position())

    def position(self):
        return {"strategy": self.id, "account": self.account, "symbol": self.pair, "quantity": str(self.quantity), "average_price": text(self.average),
                "last_price": text(self.price), "realised_pnl": text(self.realised), "unrealised_pnl": text(self.unrealised), "fees": text(self.fees, 4)}

    def status(self):
        return {
            "strategy": self.id, "state": self.state, "run": self.run if self.alive else None, "since": self.since, "reason": self.reason,
            "restarts": self.restarts, "next_start": self.next_start, "pid": 4711 + len(self.id) if self.alive and self.state != "backing_off" else None,
            "feed": self.feed, "account": self.account, "venue": "paper" if self.account else None, "capital": text(self.capital) if self.account else None, "version": self.versions[0]["version"],
            "usage": {"cpu_seconds": round(self.cpu, 3), "memory_bytes": self.memory, "memory_peak_bytes": self.memory + 2**20, "memory_limit_bytes": 512 * 2**20,
                      "cpu_throttled_seconds": 0.4, "cpu_throttled_share": self.throttled,
                      "lines_in": self.lines[0], "lines_out": self.lines[1], "lines_dropped": self.lines[2]},
            "equity": text(self.capital + self.realised + self.unrealised) if self.account else None, "realised_pnl": text(self.realised),
            "unrealised_pnl": text(self.unrealised), "position": [self.position()] if self.account else [], "metrics": {"distance": "12.5"},
            "start": {"door": "warm", "milliseconds": 3.1} if self.alive and self.state != "backing_off" else None,
            "violations": sum(one["in_run"] for one in self.violations)}

    def refuse(self, rule, words, advice, call, arguments, count=1, fatal=False):
        self.violations.insert(0, {
            "rule": rule, "words": words, "advice": advice, "system_call": call, "arguments": arguments, "fatal": fatal, "count": count,
            "in_run": count if self.alive else 0, "first": now() - 400000, "last": now() - 60000, "run": self.run})

    def view(self):
        return {"id": self.id, "name": self.name, "owner": self.owner, "version": self.versions[0]["version"], "versions": self.versions,
                "profile": self.profile, "kind": "python", "config": self.config, "warnings": self.warnings, "created_at": self.created,
                "status": self.status()}

    def say(self, level, source, message, at=None):
        self.log.append({"seq": len(self.log) + 1, "time": at or now(), "level": level, "source": source, "message": message})
        self.tell("log", self.log[-1], self.log[-1]["seq"])

    def tell(self, kind, data, sequence=None):
        for watcher in list(self.watchers):
            watcher.put((kind, data, sequence))
        if kind in ("status", "pnl"):
            self.world.tell(kind, data)

    def change(self, state, reason=None):
        self.state, self.reason, self.since = state, reason, now()
        self.tell("status", self.status())

    def tick(self):
        if self.state != "running":
            if self.state == "backing_off" and self.next_start and now() > self.next_start:
                self.restarts += 1
                self.next_start = None
                self.change("starting")
            elif self.state == "starting":
                self.say("info", "host", "ready after 84 ms")
                self.change("running")
            elif self.state == "stopping":
                self.say("info", "host", "stopped, exit code 0")
                self.change("stopped")
            return
        self.price += Decimal(text(self.random.gauss(0, float(self.price) / 9000)))
        minute = now() // 60000 * 60000
        if not self.candles or self.candles[-1]["time"] != minute:
            self.candle(minute)
        last = self.candles[-1]
        last["close"] = text(self.price)
        last["high"] = text(max(Decimal(last["high"]), self.price))
        last["low"] = text(min(Decimal(last["low"]), self.price))
        self.cpu += self.random.uniform(0.02, 0.2)
        self.memory = int(self.memory * self.random.uniform(0.995, 1.006))
        self.lines[0] += 3
        if self.random.random() < 0.25:
            self.say(*self.random.choice([("debug", "strategy", f"fast {text(self.price)}"), ("info", "strategy", f"price {text(self.price)}"), ("info", "strategy", "waiting for a cross")]))
        if self.random.random() < 0.06 and not self.world.halts:
            self.trade(now(), events=True)
            self.lines[1] += 1
        equity = text(self.capital + self.realised + self.unrealised)
        self.equity.append({"time": now(), "equity": equity})
        self.tell("pnl", self.status())


def answer(handler, parts, method):
    """Status and body of what is asked of one strategy, or done to it; None for everything else."""
    if parts[0] != "strategies":
        return None
    strategy = handler.find(parts[1])
    verb = parts[2] if len(parts) > 2 else ""
    if method == "GET":
        if verb == "":
            return 200, strategy.view()
        if verb == "status":
            return 200, strategy.status()
        if verb == "logs":
            after = int(handler.query.get("after") or 0)
            lines = [line for line in strategy.log if line["seq"] > after]
            return 200, {"items": lines[-int(handler.query.get("limit", 100)):], "next": None}
        if verb in ("signals", "orders", "fills", "brackets"):
            return 200, handler.page(sorted(getattr(strategy, verb), key=lambda one: -(one.get("time") or one.get("updated_at"))))
        if verb == "candles":
            return 200, {"items": strategy.candles[-int(handler.query.get("limit", 500)):], "next": None}
        if verb == "violations":
            return 200, {"items": strategy.violations, "next": None}
        if verb == "equity":
            return 200, {"items": strategy.equity, "next": None}
        if verb == "source":
            return 200, {"files": [{"path": path, "size": len(content), "text": content} for path, content in strategy.files.items()]}
    given = handler.given()
    if method == "DELETE":
        if strategy.alive:
            raise handler.refusal(409, "conflict", "It is running. Stop it first.")
        if strategy.quantity:
            raise handler.refusal(409, "conflict", f"It still holds {strategy.quantity} {strategy.pair}. Start it and stop it with flatten.")
        del handler.world.strategies[strategy.id]
        return 200, {}
    if verb == "start":
        if given.get("capital") and Decimal(given["capital"]) > 100000:
            raise handler.refusal(400, "invalid_value", "the account has 93580.10 USDT free", "capital")
        if (given.get("parameters") or {}).get("fast", 1) == 0:
            raise handler.refusal(400, "invalid_value", "fast is at least 1", "parameters.fast")
        strategy.account, strategy.feed = given.get("account", "paper"), given.get("feed", "simulated")
        strategy.capital = Decimal(given.get("capital", "10000"))
        if not strategy.candles:
            strategy.history()
        strategy.say("info", "host", "starting")
        strategy.change("starting")
    elif verb == "stop":
        if given.get("orders") == "flatten" and strategy.quantity:
            strategy.trade(now(), events=True)
        strategy.change("stopping")
    elif verb == "restart":
        strategy.restarts += 1
        strategy.change("starting")
    elif verb == "pause":
        strategy.change("paused")
    elif verb == "resume":
        strategy.change("stopped" if strategy.state == "quarantined" else "running")
    elif verb == "signals":
        signal = {"id": f"sig-{random.getrandbits(32):08x}", "strategy": strategy.id, "run": strategy.run, "direction": "in", "action": given.pop("action"), "symbol": given.pop("symbol", None), "data": given, "time": now()}
        strategy.signals.append(signal)
        strategy.tell("signal", signal)
        if signal["action"] == "CRASH":
            strategy.say("error", "stderr", TRACEBACK)
            strategy.next_start = now() + 4000
            strategy.change("backing_off", "It ended with exit code 1: ZeroDivisionError: division by zero\n" + TRACEBACK)
        return 202, signal
    else:
        raise handler.refusal(404, "not_found", "There is no such address.")
    handler.world.note(handler.me["name"], "strategy." + verb, strategy.id, given)
    return 200, strategy.status()

#!/usr/bin/env python3
"""A stand-in for the host's HTTP API, for looking at the pages without a host.

It serves the pages, the answers of the API in their true shapes, and event streams that move. Everything is invented
and kept in memory. Standard library only.

    fake_api.py --port 8099 [--assets Sources/Web/Assets] [--vendor .build/vendor/web] [--empty] [--fast]

Log in as admin / bullpen (operator) or ada / bullpen (author).
"""

import argparse
import json
import math
import pathlib
import queue
import random
import re
import threading
import time
import traceback
import types
import urllib.parse
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import fake_lab
import fake_studies

ROOT = pathlib.Path(__file__).resolve().parents[2]
CSP = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:"
TYPES = {
    ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml", ".json": "application/json",
}
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


class Refusal(Exception):
    def __init__(self, status, code, message, field=None, problems=None):
        super().__init__(message)
        self.status, self.code, self.message, self.field, self.problems = status, code, message, field, problems


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
            "feed": self.feed, "account": self.account, "capital": text(self.capital) if self.account else None, "version": self.versions[0]["version"],
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


class World:
    """Everything that the pretended host knows."""

    def __init__(self, empty):
        self.lock = threading.RLock()
        self.data = fake_studies.MarketData(empty)
        self.watchers = set()
        self.quiet = types.SimpleNamespace(watchers=set())
        self.started = time.time()
        self.halts = []
        self.closings = []
        self.users = [
            {"name": "admin", "role": "operator", "disabled": False, "created_at": now() - 9 * 86400000},
            {"name": "ada", "role": "author", "disabled": False, "created_at": now() - 2 * 86400000},
            {"name": "grace", "role": "author", "disabled": True, "created_at": now() - 5 * 86400000}]
        self.credentials = [] if empty else [
            self.credential(1, "admin", "binance", "live", "live", key="vmPU…Eh8A", warnings=["this key runs out within 14 days: rotate it"]),
            self.credential(2, "ada", "coinspot", "live", None, key="ck-7…20aa", outcome="unreachable", warnings=["it could not be tested: no route to host"])]
        self.tokens = [] if empty else [{"id": "tok-1", "name": "laptop", "created_at": now() - 86400000, "last_used_at": now() - 61000, "expires_at": now() + 89 * 86400000}]
        self.sessions = {}
        self.audit = []
        self.limits = {
            "venues": {"binance-testnet": {"orders_per_minute": 300, "exposure": "40000"}},
            "drawdowns": [{"scope": "account:paper", "peak": "104000", "equity": "99100", "fallen": "4900", "fraction": "0.0471", "limit": "0.2", "since": now() - 86400000, "passed": False}],
            "global": {"order_notional": "50000", "open_orders": 200, "orders_per_minute": 600, "price_distance": "0.1", "daily_loss": "5000", "instruments": None},
            "accounts": {"paper": {"order_notional": "20000", "leverage": "3", "drawdown": "0.2"}},
            "strategies": {}}
        self.feeds = [
            {"id": "simulated", "kind": "simulated", "symbols": ["BTCUSDT", "ETHUSDT", "BTCINR", "ETHINR", "BTCAUD"], "running": True, "last_event": now(), "fault": None, "settings": {"id": "simulated", "kind": "simulated", "seed": 1, "symbols": ["BTCUSDT", "ETHUSDT", "BTCINR", "ETHINR", "BTCAUD"], "resolutions": ["1m", "5m"], "trades_per_minute": 30, "quotes_per_minute": 60, "speed": "1", "instruments": []}},
            {"id": "replay-btc", "kind": "replay", "symbols": ["BTCUSDT"], "running": False, "last_event": now() - 7200000, "fault": None, "settings": {"id": "replay-btc", "kind": "replay", "files": [{"path": "BTCUSDT-1m.csv.gz", "symbol": "BTCUSDT", "resolution": "1m"}], "derived": ["1h"], "lookback": 100, "flaws": "stop", "speed": "60", "instruments": []}}]
        self.accounts = [
            {"id": "paper", "venue": "paper", "kind": "spot", "currency": "USDT", "balances": [{"currency": "USDT", "total": "96791.22", "available": "93580.1"}, {"currency": "BTC", "total": "0.05", "available": "0.05"}], "equity": "100014.83", "available": "93580.1", "leverage": "1", "settings": {"id": "paper", "kind": "spot", "currency": "USDT", "balance": "100000", "leverage": "1", "maker_fee": "0.0008", "taker_fee": "0.001"}},
            {"id": "india", "venue": "paper", "kind": "margin", "currency": "INR", "balances": [{"currency": "INR", "total": "2500000", "available": "2500000"}], "equity": "2500000", "available": "2500000", "leverage": "5", "settings": {"id": "india", "kind": "margin", "currency": "INR", "balance": "2500000", "leverage": "5", "maker_fee": "0.0005", "taker_fee": "0.0007"}}]
        self.strategies = {}
        if not empty:
            crash = "Quarantined: 5 crashes within 10 minutes; the last one ended with exit code 1\n" + TRACEBACK
            for one in (
                Strategy(self, "Moving average crossover", state="running", warnings=["leverage 10 acts as 1: the account is spot"]),
                Strategy(self, "RSI mean reversion", owner="ada", pair="ETHUSDT", state="running", price=3420.8, parameters={"period": 14, "oversold": 30.5, "overbought": 70, "use_trend": True, "note": "", "windows": [5, 20]}),
                Strategy(self, "Bollinger breakout", pair="ETHUSDT", state="paused", price=3420.8),
                Strategy(self, "Grid", owner="ada", state="backing_off", reason="Killed for memory: it used 512 MiB, its limit is 512 MiB\nPeak 512.0 MiB at 11:02:14; ask the operator for memory_mb or keep fewer candles."),
                Strategy(self, "Random forest classifier", pair="BTCINR", state="quarantined", reason=crash, profile="python-scientific", price=5380112.0),
                Strategy(self, "First try", owner="ada", state="stopped", parameters={})):
                self.strategies[one.id] = one
                self.note(one.owner, "strategy.upload", one.id, {"version": one.versions[0]["version"][:12]})
            grid = [one for one in self.strategies.values() if one.name == "Grid"][0]
            grid.restarts, grid.next_start = 2, now() + 600000
            mine = next(iter(self.strategies.values()))
            network = ("network", "network is not available to strategies", "use `subscribe`, or ask the operator for a feed", "socket", "AF_INET, SOCK_STREAM")
            mine.refuse("writing", "only /work and /tmp can be written", "write there, and keep with `save_state` what the next run needs", "openat", '"/bundle/model.json", O_WRONLY|O_CREAT|O_TRUNC')
            mine.refuse(*network, count=1234)
            mine.throttled = 0.31
            forest = [one for one in self.strategies.values() if one.name == "Random forest classifier"][0]
            forest.refuse(*network)
            forest.refuse("machine", "only an attacker changes the machine", "tell the operator if it was a mistake", "mount", '"none", "/work", type "tmpfs"', fatal=True)
            mine.orders += [
                {**mine.orders[-1], "id": "o-open-1", "status": "open", "order_type": "limit", "side": "buy", "price": "63800.5", "filled_quantity": "0", "average_price": None, "reduce_only": False, "created_at": now() - 60000, "updated_at": now() - 60000},
                {**mine.orders[-1], "id": "o-open-2", "status": "partially_filled", "order_type": "limit", "side": "sell", "quantity": "0.4", "price": "64900", "filled_quantity": "0.15", "average_price": "64900", "created_at": now() - 90000, "updated_at": now() - 30000},
                {**mine.orders[-1], "id": "o-denied", "status": "denied", "order_type": "limit", "quantity": "4", "price": "64000", "filled_quantity": "0", "average_price": None, "reason": "256000 USDT is above the largest order of account paper, 20000", "created_at": now() - 20000, "updated_at": now() - 20000},
                {**mine.orders[-1], "id": "o-unknown", "status": "unknown", "order_type": "stop_limit", "price": "62000", "stop_price": "62100", "filled_quantity": "0", "average_price": None, "reason": "the venue has not answered; asking again", "created_at": now() - 15000, "updated_at": now() - 15000}]
            mine.brackets = [
                {"id": "41", "strategy": mine.id, "run": "r1", "request": "r1-3", "account": "paper", "symbol": mine.pair, "side": "sell", "quantity": "0.01", "stop_loss": "61900", "take_profit": "66250.5", "status": "held", "leg": None, "entry": "41", "exit": None, "armed_quantity": "0.01", "closed_quantity": "0", "reason": None, "created_at": now() - 60000, "updated_at": now() - 60000},
                {"id": "37", "strategy": mine.id, "run": "r1", "request": "r1-2", "account": "paper", "symbol": mine.pair, "side": "sell", "quantity": "0.02", "stop_loss": "63100", "take_profit": None, "status": "triggered", "leg": "stop_loss", "entry": None, "exit": "44", "armed_quantity": "0.02", "closed_quantity": "0", "reason": "stop_loss reached at 63095.5", "created_at": now() - 90000, "updated_at": now() - 2000}]
            self.limits["strategies"][mine.id] = {"order_notional": "5000", "open_orders": 4, "daily_loss": "250"}
            self.note("admin", "limits.change", "account:paper", {"order_notional": "20000"})
            self.note("admin", "strategy.start", mine.id, {"account": "paper", "feed": "simulated", "capital": "10000"})

    def note(self, user, action, subject, detail=None):
        self.audit.insert(0, {"id": str(len(self.audit) + 1), "time": now(), "user": user, "action": action, "subject": subject, "detail": detail})

    def tell(self, kind, data):
        for watcher in list(self.watchers):
            watcher.put((kind, data, None))

    @staticmethod
    def credential(number, owner, venue, environment, account, key, outcome="works", warnings=()):
        return {
            "id": f"key-{number:016x}", "owner": owner, "name": venue, "venue": venue, "environment": environment,
            "account": account, "key": key, "active": account is not None, "usable": True, "traders": [],
            "created_at": now() - 86400000, "rotated_at": now() - 86400000, "expires_at": None, "rotate_after_days": None,
            "last_used_at": now() - 5000 if account else None, "warnings": list(warnings),
            "test": {"outcome": outcome, "time": now() - 3600000, "reason": None, "can_withdraw": False, "clock_offset_ms": 12, "currencies": 3}}

    def halt_view(self):
        items = [dict(one, **self.closing_step(one)) for one in self.closings]
        left = sum(one["state"] in ("cancelling", "closing", "waiting") for one in items)
        flatten = {"done": left == 0, "left": left, "stuck": sum(one["state"] == "stuck" for one in items), "items": items}
        return {"halted": any(one["scope"] == "all" for one in self.halts), "halts": self.halts, "flatten": flatten}

    @staticmethod
    def closing_step(one):
        """What a pretended closing looks like by now: cancelled after one second, closed after three."""
        age = now() - one["began"]
        order = {"id": "71", "side": "sell", "remaining": "0.5", "status": "pending_cancel" if age < 1000 else "open", "closes": age >= 1000}
        if age < 3000:
            return {"state": "closing" if age >= 1000 else "cancelling", "quantity": "0.5", "orders": [order], "attempts": 1, "reason": None}
        return {"state": "closed", "quantity": "0", "orders": [], "attempts": 0, "reason": "closed"}

    def run(self, pause):
        while True:
            time.sleep(pause)
            with self.lock:
                for one in self.strategies.values():
                    one.tick()


def parse_multipart(kind, body):
    boundary = re.search('boundary="?([^";]+)', kind).group(1).encode()
    parts = {}
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, content = part.strip(b"\r\n").partition(b"\r\n\r\n")
        if part.startswith(b"\r\n") and content == b"" and b"\r\n\r\n" not in part:
            content = b""
        name = re.search(rb'name="([^"]*)"', head).group(1).decode()
        filename = re.search(rb'filename="([^"]*)"', head)
        parts[name] = (filename.group(1).decode() if filename else None, content)
    return parts


def report(parts):
    filename, content = parts.get("file", (None, b""))
    problems = []
    config = {"name": parts.get("name", (None, b""))[1].decode() or (filename or "strategy").rsplit(".", 1)[0], "pair": "BTCUSDT", "resolution": "1m",
              "lookback_period": 100, "leverage": 10, "profile": "python", "kind": "python", "entry": "strategy.py", "custom_params": {"quantity": "0.01"}}
    if (filename or "").endswith(".py"):
        try:
            compile(content.decode(), filename, "exec")
        except SyntaxError as error:
            problems.append({"code": "python_syntax", "message": f"SyntaxError: {error.msg}", "field": filename, "line": error.lineno, "source": (error.text or "").rstrip("\n")})
    given = parts.get("config", (None, b""))[1].decode().strip()
    if given:
        try:
            extra = json.loads(given)
            for name in extra:
                if name not in config and name not in ("description", "author", "risk_per_trade"):
                    problems.append({"code": "unknown_field", "message": f"strategy.json has no field \"{name}\"", "field": name, "line": None, "source": None})
            config.update(extra)
        except json.JSONDecodeError as error:
            problems.append({"code": "json_syntax", "message": f"strategy.json is not JSON: {error.msg}", "field": "config", "line": error.lineno, "source": given.split("\n")[error.lineno - 1]})
    if "import requests" in content.decode(errors="replace"):
        problems.append({"code": "package_missing", "message": "requests is not in the profile python, which has only the standard library; a strategy has no network", "field": "requirements.txt", "line": None, "source": None})
    return {"valid": not problems, "problems": problems, "warnings": ["leverage 10 acts as 1 on a spot account"] if not problems else [], "config": config}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    refusal = Refusal
    world = None
    assets = None
    vendor = None

    def log_message(self, *_):
        pass

    def send(self, status, body, kind="application/json", more=()):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in [("Content-Type", kind), ("Content-Length", len(data)), ("Content-Security-Policy", CSP), ("Cache-Control", "no-store"), *more]:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def do_GET(self):
        self.answer()

    do_POST = do_PATCH = do_DELETE = do_GET

    def answer(self):
        url = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(url.query))
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = [urllib.parse.unquote(part) for part in url.path.split("/") if part]
        try:
            if self.command == "GET" and self.static(url.path):
                return
            if self.headers.get("Accept") == "text/event-stream":
                self.stream(parts)
                return
            with self.world.lock:
                status, body, more = self.route(parts)
            self.send(status, body, more=more)
        except Refusal as refusal:
            error = {"code": refusal.code, "message": refusal.message, "field": refusal.field}
            if refusal.problems:
                error["problems"] = refusal.problems
            self.send(refusal.status, {"error": error})
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        except Exception:
            traceback.print_exc()
            self.send(500, {"error": {"code": "internal", "message": "The pretended host stumbled.", "field": None}})

    def static(self, path):
        base, name = (self.vendor, path[len("/vendor/"):]) if path.startswith("/vendor/") else (self.assets, path.lstrip("/") or "index.html")
        file = (base / name).resolve() if base else None
        if not file or not file.is_relative_to(base.resolve()) or not file.is_file():
            if path != "/vendor/manifest.json":
                return False
            # As scripts/stage writes it when nothing was fetched.
            self.send(200, {"charts": False, "editor": False})
            return True
        self.send(200, file.read_bytes(), TYPES.get(file.suffix, "application/octet-stream"))
        return True

    def user(self):
        cookie = re.search("bullpen_session=(\\w+)", self.headers.get("Cookie") or "")
        session = self.world.sessions.get(cookie.group(1)) if cookie else None
        if not session:
            raise Refusal(401, "unauthorised", "Log in first.")
        if self.command != "GET" and self.headers.get("X-CSRF-Token") != session["csrf"]:
            raise Refusal(403, "csrf", "The CSRF token is missing or old.")
        return session

    def stream(self, parts):
        self.user()
        inbox = queue.Queue()
        with self.world.lock:
            # Of one study nothing new comes.
            owner = self.world if parts in (["events"], ["lab", "events"]) else self.world.quiet if parts[0] == "lab" else self.find(parts[1])
            last = self.headers.get("Last-Event-ID")
            for line in owner.log if last and owner not in (self.world, self.world.quiet) else []:
                if line["seq"] > int(last):
                    inbox.put(("log", line, line["seq"]))
            owner.watchers.add(inbox)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            self.wfile.write(b": hello\n\n")
            while True:
                try:
                    event = inbox.get(timeout=10)
                    if event is None:  # A test cuts the line.
                        return
                    kind, data, sequence = event
                    lead = f"id: {sequence}\n" if sequence else ""
                    self.wfile.write(f"event: {kind}\n{lead}data: {json.dumps(data)}\n\n".encode())
                except queue.Empty:
                    self.wfile.write(b": still here\n\n")
        finally:
            owner.watchers.discard(inbox)

    def find(self, name):
        strategy = self.world.strategies.get(name)
        if not strategy:
            raise Refusal(404, "not_found", f'there is no strategy "{name}"')
        return strategy

    def given(self):
        return json.loads(self.body or b"{}")

    def story(self, name):
        orders = [one for strategy in self.world.strategies.values() for one in strategy.orders]
        order = next((one for one in orders if one["id"] == name), None)
        if order is None:
            return 404, {"error": {"code": "not_found", "message": f'there is no order "{name}"'}}, ()
        at = order["created_at"]
        lines = [
            (0, "strategy", "asked", "asks to buy, as its request 1", None),
            (0, "risk", "allowed", "allowed", None),
            (2, "journal", "recorded", "written down as pending, before anything leaves", {"client_id": "bp-1", "written_at": at + 1}),
            (3, "request", "sent", "POST /api/v3/order", {"parameters": "symbol=BTCUSDT&side=BUY", "attempt": 1}),
            (45, "answer", "answered", "answered 200", {"status": 200, "text": "{\"orderId\":28}", "bytes": 14, "cut": False, "took_us": 42100, "attempt": 1}),
        ]
        entries = [{"time": at + late, "source": source, "kind": kind, "text": text, "details": details} for late, source, kind, text, details in lines]
        return 200, {"order": order, "account": "paper", "venue": "paper", "client_id": "bp-1", "venue_order": "28", "origin": "strategy", "summary": "open", "unknown_since": None, "questions": {"count": 0, "last": None}, "entries": entries, "left_out": 0, "lost": 0}, ()

    def page(self, items):
        items = list(items)
        limit = int(self.query.get("limit", 100))
        start = int(self.query.get("after") or 0)
        return {"items": items[start:start + limit], "next": str(start + limit) if start + limit < len(items) else None}

    def route(self, parts):
        world, method = self.world, self.command
        where = "/".join([method, *parts[:1]])
        if parts == ["health"]:
            return 200, {"status": "ok", "version": "0.1.0", "uptime_seconds": int(time.time() - world.started), "parts": {"journal": "ok", "market data": "ok", "spawner": "ok", "paper venue": "ok"}}, ()
        if parts == ["login"]:
            body = self.given()
            user = next((one for one in world.users if one["name"] == body.get("name")), None)
            if not user or body.get("password") != "bullpen" or user["disabled"]:
                raise Refusal(401, "wrong_login", "Name or password is wrong.")
            token = f"{random.getrandbits(128):032x}"
            world.sessions[token] = {"csrf": token[::-1], "user": {"name": user["name"], "role": user["role"]}}
            return 200, {"user": world.sessions[token]["user"], "csrf_token": token[::-1]}, [("Set-Cookie", f"bullpen_session={token}; HttpOnly; SameSite=Strict; Path=/")]
        session = self.user()
        me, operator = session["user"], session["user"]["role"] == "operator"
        if parts == ["session"]:
            return 200, {"user": me, "csrf_token": session["csrf"]}, ()
        if parts == ["logout"]:
            world.sessions.clear()
            return 200, {}, ()
        visible = [one for one in world.strategies.values() if operator or one.owner == me["name"]]
        if parts == ["strategies"] and method == "GET":
            return 200, self.page(one.view() for one in visible), ()
        if parts and parts[0] == "strategies" and parts[1:] in (["validate"], []) or len(parts) == 3 and parts[2] == "versions":
            files = parse_multipart(self.headers["Content-Type"], self.body)
            found = report(files)
            if parts[1:] == ["validate"]:
                return 200, found, ()
            if not found["valid"]:
                raise Refusal(400, "bundle_refused", "the bundle was refused: " + found["problems"][0]["message"], problems=found["problems"])
            if len(parts) == 3:
                strategy = self.find(parts[1])
                strategy.versions.insert(0, {"version": f"{random.getrandbits(256):064x}", "uploaded_at": now()})
                return 201, strategy.view(), ()
            strategy = Strategy(world, found["config"]["name"], owner=me["name"], parameters=found["config"]["custom_params"])
            if files["file"][0].endswith(".py"):
                strategy.files["strategy.py"] = files["file"][1].decode()
            world.strategies[strategy.id] = strategy
            world.note(me["name"], "strategy.upload", strategy.id)
            return 201, strategy.view(), ()
        if parts and (told := fake_studies.answer(self, parts, method)) is not None:
            return 200, told, ()
        if parts and parts[0] == "strategies":
            return self.strategy(self.find(parts[1]), parts[2:], me)
        if where == "GET/lab" and (told := fake_lab.answer(parts, self.query)) is not None:
            return 200, told, ()
        if where == "GET/brackets":
            return 200, self.page(one for strategy in visible for one in strategy.brackets if one["status"] in ("waiting", "held", "triggered")), ()
        if where == "POST/brackets":
            for strategy in visible:
                for one in strategy.brackets:
                    if one["id"] == parts[1]:
                        one.update(status="cancelled", reason="cancelled by " + me["name"], updated_at=now())
                        return 200, one, ()
        if where == "GET/positions":
            if parts == ["positions"]:
                return 200, self.page(one.position() for one in visible if one.account and one.quantity), ()
            if parts == ["positions", "orders"]:
                return 200, self.page(order for one in visible for order in reversed(one.orders) if order["status"] in ("open", "partially_filled", "pending", "unknown")), ()
            sums = [{"strategy": one.id, "symbol": one.pair, "currency": "INR" if one.pair.endswith("INR") else "USDT", "realised_pnl": text(one.realised), "unrealised_pnl": text(one.unrealised), "fees": text(one.fees)} for one in visible if one.account]
            def add(key):
                groups = {}
                for one in sums:
                    group = groups.setdefault((one.get(key), one["currency"]), {key: one.get(key), "currency": one["currency"], "realised_pnl": Decimal(0), "unrealised_pnl": Decimal(0), "fees": Decimal(0)})
                    for name in ("realised_pnl", "unrealised_pnl", "fees"):
                        group[name] += Decimal(one[name])
                return [{name: str(value) if isinstance(value, Decimal) else value for name, value in group.items() if name} for group in groups.values()]
            return 200, {"total": add(""), "by_strategy": add("strategy"), "by_symbol": add("symbol")}, ()
        if parts == ["halt"] and method == "GET":
            return 200, world.halt_view(), ()
        if parts in (["halt"], ["resume"]):
            if not operator:
                raise Refusal(403, "not_allowed", "Only an operator may do this.")
            scope = self.given().get("scope", "all")
            world.halts = [one for one in world.halts if one["scope"] != scope]
            world.closings = []
            if parts == ["halt"]:
                world.halts.append({"scope": scope, "reason": self.given().get("reason"), "by": me["name"], "since": now()})
                if self.given().get("flatten"):
                    world.closings = [{"account": "paper", "venue": "paper", "symbol": "BTCUSDT", "strategy": "grid-btc", "began": now()}]
            world.note(me["name"], parts[0], scope, self.given())
            world.tell("halt", world.halt_view())
            return 200, world.halt_view(), ()
        if parts == ["limits", "peak"]:
            for one in world.limits["drawdowns"]:
                if one["scope"] == self.given()["scope"]:
                    one.update(peak=one["equity"], fallen="0", fraction="0", since=now())
            return 200, world.limits, ()
        if parts == ["limits"]:
            if method == "PATCH":
                for group, changes in self.given().items():
                    targets = [(world.limits["global"], changes)] if group == "global" else [(world.limits[group].setdefault(name, {}), values) for name, values in changes.items()]
                    for target, values in targets:
                        if values.get("leverage") and Decimal(values["leverage"]) < 1:
                            raise Refusal(400, "invalid_value", "leverage is at least 1", "leverage")
                        target.update(values)
                world.note(me["name"], "limits.change", "limits", self.given())
            return 200, world.limits, ()
        for name in ("feeds", "accounts"):
            if parts[:1] == [name]:
                things = getattr(world, name)
                if method == "GET":
                    return 200, self.page(things), ()
                given = self.given()
                if method == "POST":
                    if not re.fullmatch("[a-z0-9-]+", given.get("id", "")):
                        raise Refusal(400, "invalid_value", "an id has lower-case letters, digits and dashes", "id")
                    settings = {key: value for key, value in given.items() if key not in ("id", "kind", "currency", "balance", "leverage", "symbol")}
                    thing = {"id": given["id"], "kind": given["kind"], "settings": settings, "symbols": [given.get("symbol", "BTCUSDT")], "running": False, "last_event": None, "fault": None} if name == "feeds" else {**things[0], "id": given["id"], "kind": given["kind"], "currency": given["currency"], "equity": given["balance"], "available": given["balance"], "leverage": given.get("leverage", "1"), "balances": [{"currency": given["currency"], "total": given["balance"], "available": given["balance"]}]}
                    things.append(thing)
                else:
                    thing = next(one for one in things if one["id"] == parts[1])
                    thing["settings"].update(given)
                world.note(me["name"], name + ".change", given.get("id") or parts[1], given)
                return 200, thing, ()
        if parts == ["reconciliation"]:
            return 200, self.page(()), ()
        if parts == ["profiles"]:
            return 200, self.page([
                {"name": "python", "description": "Python 3.11 with its standard library", "available": True, "problems": [], "details": {"memory_mb": 512, "cpu_share": "0.5", "processes": 32}},
                {"name": "python-scientific", "description": "Python 3.11 with numpy, pandas and scikit-learn", "available": True, "problems": [], "details": {"memory_mb": 512, "packages": ["numpy 1.26.4", "pandas 2.2.2", "scikit-learn 1.5.1"]}},
                {"name": "native", "description": "A built ELF program", "available": False, "problems": ["Landlock is missing in this kernel: boot with lsm=landlock"], "details": {"memory_mb": 512}}]), ()
        if parts == ["doctor"]:
            return 200, self.page([
                {"name": "user namespaces", "state": "ok", "detail": "may be made by this user", "remedy": None},
                {"name": "seccomp", "state": "ok", "detail": "filters and notifications, libseccomp 2.5.4", "remedy": None},
                {"name": "landlock", "state": "missing", "detail": "this kernel does not offer it", "remedy": "Boot with lsm=landlock,… on the kernel command line; the profile native needs it."},
                {"name": "cgroup memory", "state": "ok", "detail": "v1, /sys/fs/cgroup/memory is writable", "remedy": None},
                {"name": "clock", "state": "warning", "detail": "not synchronised by NTP", "remedy": "Install and start systemd-timesyncd."}]), ()
        if parts[:1] == ["credentials"]:
            mine = [one for one in world.credentials if operator or one["owner"] == me["name"]]
            if method == "GET":
                return 200, self.page(mine), ()
            if len(parts) > 1:
                one = next(one for one in mine if one["id"] == parts[1])
                if method == "DELETE":
                    world.credentials.remove(one)
                    return 200, {}, ()
                given = self.given()
                if method == "PATCH":
                    one.update(given)
                    return 200, one, ()
                if parts[2] == "rotate":
                    one.update(key=given["api_key"][:4] + "…" + given["api_key"][-4:], rotated_at=now(), warnings=[])
                one["test"] = {**one["test"], "time": now()}
                return 200, one, ()
            given = self.given()
            if given["api_key"].startswith("bad"):
                raise Refusal(400, "invalid_field", "api_key: the venue does not take this key: -2015 invalid API-key", "api_key")
            one = world.credential(len(world.credentials) + 1, me["name"], given["venue"], given.get("environment", "testnet"), given.get("account"), key=given["api_key"][:4] + "…" + given["api_key"][-4:])
            world.credentials.append(one)
            return 201, one, ()
        if parts[:1] == ["tokens"]:
            if method == "GET":
                return 200, self.page(world.tokens), ()
            if method == "DELETE":
                world.tokens = [one for one in world.tokens if one["id"] != parts[1]]
                return 200, {}, ()
            given = self.given()
            token = {"id": f"tok-{len(world.tokens) + 1}", "name": given["name"], "created_at": now(), "last_used_at": None, "expires_at": now() + 86400000 * given["expires_in_days"] if given.get("expires_in_days") else None}
            world.tokens.append(token)
            return 201, {"id": token["id"], "token": "bp_" + f"{random.getrandbits(240):060x}"}, ()
        if not operator:
            raise Refusal(403, "not_allowed", "Only an operator may see this.")
        if parts[:1] == ["users"]:
            if method == "GET":
                return 200, self.page(world.users), ()
            given = self.given()
            if len(parts) == 1:
                if any(one["name"] == given["name"] for one in world.users):
                    raise Refusal(409, "exists", "There is a user of this name already.", "name")
                if len(given["password"]) < 10:
                    raise Refusal(400, "weak_password", "A password has at least 10 characters.", "password")
                world.users.append({"name": given["name"], "role": given["role"], "disabled": False, "created_at": now()})
                return 201, world.users[-1], ()
            user = next(one for one in world.users if one["name"] == parts[1])
            if parts[2] in ("disable", "enable"):
                user["disabled"] = parts[2] == "disable"
            return 200, user, ()
        if len(parts) == 3 and parts[0] == "orders" and parts[2] == "story":
            return self.story(parts[1])
        if parts == ["audit"]:
            head = {"record": str(len(world.audit)), "hash": "5f" * 32}
            return 200, {**self.page(world.audit), "head": head}, ()
        raise Refusal(404, "not_found", "There is no such address.")

    def strategy(self, strategy, rest, me):
        verb = rest[0] if rest else ""
        if self.command == "GET":
            if verb == "":
                return 200, strategy.view(), ()
            if verb == "status":
                return 200, strategy.status(), ()
            if verb == "logs":
                after = int(self.query.get("after") or 0)
                lines = [line for line in strategy.log if line["seq"] > after]
                return 200, {"items": lines[-int(self.query.get("limit", 100)):], "next": None}, ()
            if verb in ("signals", "orders", "fills", "brackets"):
                return 200, self.page(sorted(getattr(strategy, verb), key=lambda one: -(one.get("time") or one.get("updated_at")))), ()
            if verb == "candles":
                return 200, {"items": strategy.candles[-int(self.query.get("limit", 500)):], "next": None}, ()
            if verb == "violations":
                return 200, {"items": strategy.violations, "next": None}, ()
            if verb == "equity":
                return 200, {"items": strategy.equity, "next": None}, ()
            if verb == "source":
                return 200, {"files": [{"path": path, "size": len(content), "text": content} for path, content in strategy.files.items()]}, ()
        given = self.given()
        if self.command == "DELETE":
            if strategy.alive:
                raise Refusal(409, "conflict", "It is running. Stop it first.")
            if strategy.quantity:
                raise Refusal(409, "conflict", f"It still holds {strategy.quantity} {strategy.pair}. Start it and stop it with flatten.")
            del self.world.strategies[strategy.id]
            return 200, {}, ()
        if verb == "start":
            if given.get("capital") and Decimal(given["capital"]) > 100000:
                raise Refusal(400, "invalid_value", "the account has 93580.10 USDT free", "capital")
            if (given.get("parameters") or {}).get("fast", 1) == 0:
                raise Refusal(400, "invalid_value", "fast is at least 1", "parameters.fast")
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
            return 202, signal, ()
        else:
            raise Refusal(404, "not_found", "There is no such address.")
        self.world.note(me["name"], "strategy." + verb, strategy.id, given)
        return 200, strategy.status(), ()


def serve(port=0, empty=False, assets=ROOT / "Sources/Web/Assets", vendor=ROOT / ".build/vendor/web", pause=1.0):
    """Starts serving in threads; returns the server, whose `server_address` says where."""
    world = World(empty)
    handler = type("Bound", (Handler,), {"world": world, "assets": pathlib.Path(assets), "vendor": pathlib.Path(vendor) if vendor else None})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    server.world = world
    threading.Thread(target=world.run, args=(pause,), daemon=True).start()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--port", type=int, default=8099)
    options.add_argument("--assets", default=ROOT / "Sources/Web/Assets")
    options.add_argument("--vendor", default=ROOT / ".build/vendor/web")
    options.add_argument("--empty", action="store_true", help="nothing has been uploaded yet")
    options.add_argument("--fast", action="store_true", help="a market that moves four times a second")
    chosen = options.parse_args()
    running = serve(chosen.port, chosen.empty, chosen.assets, chosen.vendor, 0.25 if chosen.fast else 1.0)
    print(f"http://127.0.0.1:{running.server_address[1]}", flush=True)
    threading.Event().wait()

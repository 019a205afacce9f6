"""Everything that the pretended host knows."""

import threading
import time
import types

import fake_studies
from fake_strategy import TRACEBACK, Strategy, now


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

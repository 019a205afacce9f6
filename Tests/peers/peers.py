"""The rows of the fault matrix that begin with S, tried on this host and on freqtrade before the same simulator.

`scripts/peers` starts it; `--help` says how. For each row: a fresh simulator of Binance and a fresh client whose strategy
wants one position of about 100 USDT and nothing more; the fault is ordered, the strategy is told to enter, and after a
while the exchange's books are compared with what the client believes.
"""

import argparse
import concurrent.futures
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(os.path.dirname(HERE), "live"))

from gate import Gate  # noqa: E402
from live_exchange import LiveExchange  # noqa: E402
from live_host import BUILD, Failed, LiveHost, demand, until  # noqa: E402

ORDER = {"method": "POST", "path": "/api/v3/order", "times": 1}
ROWS = {
    "none": ("nothing goes wrong", []),
    "S1": ("the order is taken, its answer is lost", [{"kind": "drop_after", **ORDER}]),
    "S2": ("the order is lost on its way", [{"kind": "drop_before", **ORDER}]),
    "S3": ("the connection is refused for 12 s", []),
    "S4": ("503 \"unknown\", and the order is taken", [
        {"kind": "status", "status": 503, "code": -1000, "processed": True,
         "message": "Unknown error, please check your request or try again later.", **ORDER}]),
    "S4b": ("503 \"unknown\", and the order is not taken", [
        {"kind": "status", "status": 503, "code": -1000, "processed": False,
         "message": "Unknown error, please check your request or try again later.", **ORDER}]),
    "S5": ("401, key refused", [
        {"kind": "status", "status": 401, "code": -2015,
         "message": "Invalid API-key, IP, or permissions for action.", **ORDER}]),
    "S6": ("429, wait 10 s", [
        {"kind": "status", "status": 429, "code": -1003, "retry_after": 10, "message": "Too many requests.", **ORDER}]),
    "S7": ("418, banned for 20 s", [
        {"kind": "status", "status": 418, "code": -1003, "retry_after": 20,
         "message": "Way too many requests; IP banned until %d.", **ORDER}]),
    "S8": ("the exchange's clock goes 5 s behind ours, for 40 s", []),
    "S9": ("taken, and answered with \"duplicate order\"", [
        {"kind": "status", "status": 400, "code": -2010, "processed": True, "message": "Duplicate order sent.", **ORDER}]),
    "S10": ("taken, and the answer is cut off", [{"kind": "truncate", "bytes": 40, **ORDER}]),
    "S13": ("the least value of an order becomes 500 USDT, for 40 s", []),
}


class Exchange(LiveExchange):
    """A simulator of Binance, behind a gate."""

    def __init__(self, stage, folder):
        super().__init__(stage=stage, folder=folder)
        self.gate = Gate(self.port)

    def begin(self, row, client):
        """Orders the row's fault. What is to be taken back after a while is returned: seconds, and how."""
        if row == "S3":
            if client == "freqtrade":
                # The last thing that it asks before it orders.
                self.gate.shut_after(b"/api/v3/depth", 12)
            else:
                self.gate.shut(12)
        if row == "S7":
            until = int((time.time() + 20) * 1000)
            fault = dict(ROWS[row][1][0], message=ROWS[row][1][0]["message"] % until)
            self.ask("POST", "/faults", fault)
            return
        if row == "S8":
            self.ask("PUT", "/settings", {"clock_offset_ms": "-5000"})
            return 40, lambda: self.ask("PUT", "/settings", {"clock_offset_ms": "0"})
        if row == "S13":
            self.ask("PUT", "/instruments", {"symbol": "BTCUSDT", "minimum_notional": "500"})
            return 40, lambda: self.ask("PUT", "/instruments", {"symbol": "BTCUSDT", "minimum_notional": "5"})
        for fault in ROWS[row][1]:
            self.ask("POST", "/faults", fault)

    def struck(self):
        return sum(self.ask("GET", "/faults")["totals"].values())

    def bought(self):
        """How many orders it took, and how much of the coin was bought."""
        orders = [
            order for account in self.books()["accounts"] for order in account["orders"]
            if order["symbol"] == "BTCUSDT"]
        return len(orders), round(sum(float(order["filled"]) for order in orders), 8)


class Freqtrade:
    name = "freqtrade"

    def __init__(self, options, folder, exchange):
        self.folder = folder
        self.flag = os.path.join(folder, "enter")
        os.makedirs(os.path.join(folder, "strategies"))
        shutil.copy(os.path.join(HERE, "freqtrade_strategy.py"), os.path.join(folder, "strategies"))
        base = "http://127.0.0.1:%d" % exchange.gate.port
        nowhere = "http://127.0.0.1:9"
        addresses = {name: nowhere for name in (
            "sapi", "sapiV2", "sapiV3", "sapiV4", "dapiPublic", "dapiPrivate", "dapiPrivateV2", "dapiData", "eapiPublic",
            "eapiPrivate", "fapiPublic", "fapiPublicV2", "fapiPublicV3", "fapiPrivate", "fapiPrivateV2", "fapiPrivateV3",
            "fapiData", "papi", "papiV2", "v1")}
        addresses.update(public=base + "/api/v3", private=base + "/api/v3")
        ccxt = {
            "urls": {"api": addresses}, "options": {"fetchMarkets": {"types": ["spot"]}, "fetchMargins": False, "fetchCurrencies": False},
            "fetchCurrencies": False}
        config = {
            "max_open_trades": 1, "stake_currency": "USDT", "stake_amount": 100, "tradable_balance_ratio": 0.99,
            "dry_run": False, "trading_mode": "spot", "margin_mode": "", "cancel_open_orders_on_exit": False,
            "unfilledtimeout": {"entry": 10, "exit": 10, "unit": "minutes"},
            "entry_pricing": {"price_side": "other", "use_order_book": True, "order_book_top": 1},
            "exit_pricing": {"price_side": "other", "use_order_book": True, "order_book_top": 1},
            "exchange": {
                "name": "binance", "key": "simulator-key", "secret": "simulator-secret", "enable_ws": False,
                "ccxt_config": ccxt, "pair_whitelist": ["BTC/USDT"], "pair_blacklist": []},
            "pairlists": [{"method": "StaticPairList"}], "telegram": {"enabled": False, "token": "", "chat_id": ""},
            "api_server": {"enabled": False, "listen_ip_address": "127.0.0.1", "listen_port": 8080, "username": "u",
                           "password": "p"},
            "bot_name": "peer", "initial_state": "running", "internals": {"process_throttle_secs": 5},
        }
        with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
            json.dump(config, file, indent=1)
        self.log = os.path.join(folder, "freqtrade.log")
        self.database = os.path.join(folder, "trades.sqlite")
        environment = {
            "PATH": os.path.dirname(options.freqtrade) + ":/usr/bin:/bin", "HOME": folder, "PEER_FLAG": self.flag,
            "NO_PROXY": "*", "no_proxy": "*"}
        self.output = open(self.log, "wb")
        self.process = subprocess.Popen(
            [options.freqtrade, "trade", "--config", os.path.join(folder, "config.json"), "--strategy", "Peer",
             "--strategy-path", os.path.join(folder, "strategies"), "--userdir", folder, "--db-url",
             "sqlite:///" + self.database],
            stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output, env=environment, cwd=folder)

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def wait_until_ready(self):
        deadline = time.time() + 240
        while "Changing state to: RUNNING" not in self.said() and "state='RUNNING'" not in self.said():
            demand(
                time.time() < deadline and self.process.poll() is None, "freqtrade did not start: %s", self.said()[-3000:])
            time.sleep(0.5)
        time.sleep(8)

    def enter(self):
        with open(self.flag, "w", encoding="utf-8"):
            pass

    def believes(self):
        """How much it believes to have bought, and its orders in words."""
        base = sqlite3.connect("file:%s?mode=ro" % self.database, uri=True)
        try:
            orders = base.execute("SELECT status, filled, amount FROM orders ORDER BY id").fetchall()
            trades = base.execute("SELECT is_open, amount FROM trades").fetchall()
        finally:
            base.close()
        held = sum(float(amount or 0) for is_open, amount in trades if is_open)
        words = ", ".join("%s %s of %s" % (status, filled, amount) for status, filled, amount in orders) or "no order"
        return round(held, 8), words

    def errors(self):
        found = []
        for line in self.said().splitlines():
            if " - ERROR - " in line or " - WARNING - " in line:
                words = line.split(" - ", 3)[-1][:240]
                if words not in found:
                    found.append(words)
        return found

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.output.close()


class Bullpen:
    name = "bullpen"

    def __init__(self, options, folder, exchange):
        self.host = LiveHost(
            options.stage, folder=os.path.join(folder, "host"),
            settings={
                "venues.binance_testnet": "http://127.0.0.1:%d" % exchange.gate.port, "limits.price_distance": 10})
        subprocess.run(
            [self.host.program, "vault", "init", "--data", self.host.data], check=True, stdout=subprocess.DEVNULL,
            env=self.host.environment)
        self.host.start()

    def wait_until_ready(self):
        ask = self.host.ask
        ask("POST", "/feeds", {"id": "btc", "kind": "binance", "symbols": ["BTCUSDT"], "resolutions": ["1m"]})
        ask("POST", "/accounts", {"id": "bin", "venue": "binance", "currency": "USDT", "balance": "5000"})
        ask("POST", "/credentials", {
            "venue": "binance", "account": "bin", "api_key": "simulator-key", "secret": "simulator-secret", "active": True})
        with open(os.path.join(HERE, "bullpen_strategy.py"), "rb") as file:
            source = file.read()
        config = {
            "name": "Peer", "pair": "BTCUSDT", "resolution": "1m", "lookback_period": 20, "max_daily_loss": 0.9,
            "orders_at_death": "keep"}
        self.strategy = self.host.upload("peer.py", source, config)
        refused = []

        def has_begun():
            status, answer = self.host.ask(
                "POST", "/strategies/%s/start" % self.strategy,
                {"feed": "btc", "account": "bin", "capital": "1000"}, fails=True)
            refused[:] = status, answer
            return status < 300

        until(has_begun, 60, lambda: "the strategy does not start: %s %s" % tuple(refused), pause=1)
        self.host.wait(self.strategy, ("running",), 60)
        time.sleep(3)

    def enter(self):
        self.host.ask("POST", "/strategies/%s/signals" % self.strategy, {"action": "BUY", "quantity": 0.001})

    def believes(self):
        orders = self.host.ask("GET", "/strategies/%s/orders?limit=200" % self.strategy)["items"]
        orders = list(reversed(orders))
        held = sum(float(order["filled_quantity"]) for order in orders)
        counts = {}
        for order in orders:
            words = order["status"] + (": " + order["reason"] if order.get("reason") else "")
            counts[words] = counts.get(words, 0) + 1
        words = ", ".join("%s%s" % ("%d × " % count if count > 1 else "", words) for words, count in counts.items())
        return round(held, 8), words or "no order"

    def errors(self):
        found = []
        for line in self.host.logged(self.strategy):
            words = "%s: %s" % (line["source"], line["message"])
            if words not in found:
                found.append(words[:240])
        return found

    def end(self):
        self.host.end(60)
        self.host.remove()


CLIENTS = {"freqtrade": Freqtrade, "bullpen": Bullpen}


def attempt(options, client, row):
    folder = os.path.join(options.folder, client, row)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    os.chmod(folder, 0o755)
    exchange = peer = None
    began = time.time()
    try:
        exchange = Exchange(options.stage, folder)
        peer = CLIENTS[client](options, folder, exchange)
        peer.wait_until_ready()
        later = exchange.begin(row, client)
        peer.enter()
        end = time.time() + options.seconds
        if later:
            time.sleep(later[0])
            later[1]()
        time.sleep(max(0, end - time.time()))
        taken, bought = exchange.bought()
        held, words = peer.believes()
        result = {
            "client": client, "row": row, "words": ROWS[row][0], "struck": exchange.struck() + len(exchange.gate.shut_at),
            "orders_at_exchange": taken, "bought": bought, "believed": held, "orders_at_client": words,
            "requests": exchange.ask("GET", "")["requests"], "errors": peer.errors()[:12],
            "unknown_to_it": round(bought - held, 8),
        }
    except (Failed, OSError, subprocess.SubprocessError, sqlite3.Error, KeyError, ValueError) as failure:
        result = {"client": client, "row": row, "failed": "%s: %s" % (type(failure).__name__, failure)}
    finally:
        if peer is not None:
            peer.end()
        if exchange is not None:
            exchange.end()
    result["seconds"] = round(time.time() - began)
    with open(os.path.join(options.folder, "results.jsonl"), "a", encoding="utf-8") as file:
        file.write(json.dumps(result) + "\n")
    print(json.dumps(result), flush=True)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--freqtrade", default="")
    parser.add_argument("--stage", default=os.path.join(BUILD, "stage"))
    parser.add_argument("--folder", default=None)
    parser.add_argument("--seconds", type=int, default=100)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--clients", default="bullpen,freqtrade")
    parser.add_argument("--rows", default=",".join(ROWS))
    options = parser.parse_args()
    options.folder = options.folder or tempfile.mkdtemp(prefix="bullpen-peers-")
    wanted = [(client, row) for row in options.rows.split(",") for client in options.clients.split(",")]
    with concurrent.futures.ThreadPoolExecutor(options.at_once) as pool:
        results = list(pool.map(lambda pair: attempt(options, *pair), wanted))
    failed = [result for result in results if "failed" in result]
    print("%d tried, %d could not be tried; all of it in %s" % (len(results), len(failed), options.folder))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

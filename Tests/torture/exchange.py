"""Kills the real host again and again while it trades at a simulated exchange that goes on living, and compares the books.

`scripts/torture` starts it; `--help` says how. The exchange is a process of its own (`bullpen simulate`), and so an
independent witness: what it took it has, whatever became of the host. Its answers are late by chance, so that most deaths
find orders between the journal and the exchange. After each death the journal is held against what came to the exchange
since the last one; now and then, and at the end, everything against everything.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(os.path.dirname(HERE), "live"))

from exchange_books import ExchangeBooks, Witness  # noqa: E402
from live_host import BUILD, STAGE, Failed, LiveHost, demand  # noqa: E402
from torture import Remains  # noqa: E402

BALANCE = 10_000_000
ACCOUNTS = ("one", "two")
LIMITLESS = "100000000"

VENUES = {
    "binance": {
        "symbols": ("BTCUSDT", "ETHUSDT"), "currency": "USDT", "setting": "venues.binance_testnet", "rate": 50,
        "kinds": "mifpsra", "orders": "/api/v3/order*",
        "settings": {
            "orders_per_10s": LIMITLESS, "orders_per_day": LIMITLESS, "weight_per_minute": LIMITLESS,
            "max_num_orders": "1000000"},
    },
    # Their limits of requests allow no more orders; each costs questions besides.
    "coindcx": {
        "symbols": ("BTCUSDT", "ETHUSDT"), "currency": "USDT", "setting": "venues.coindcx", "rate": 4,
        "kinds": "a", "orders": "/exchange/v1/orders/*",
        "settings": {"requests_per_minute": LIMITLESS, "open_orders": "1000000"},
    },
    "coinspot": {
        "symbols": ("BTCAUD",), "currency": "AUD", "setting": "venues.coinspot", "rate": 1, "kinds": "",
        "orders": "/api/v2/my/*", "settings": {},
    },
}


def host_settings(address, venue):
    return {
        venue["setting"]: address, "limits.orders_per_minute": 1_000_000, "limits.open_orders": 100_000,
        "limits.daily_loss": BALANCE, "limits.position_notional": BALANCE, "limits.price_distance": "10",
        "strategy.lines_per_second": 10_000, "strategy.start_timeout": "120s", "strategy.heartbeat_timeout": "120s",
        "strategy.stop_timeout": "30s", "strategy.restart_intensity": 1000, "venues.price_age": "60s",
        # A nursery would load its packages anew in each life.
        "nursery.enabled": "false",
    }


class Exchange:
    """`bullpen simulate`, which outlives every host."""

    def __init__(self, program, options, folder):
        venue = VENUES[options.venue]
        keys = [{"key": "torture-key-%s" % name, "secret": "torture-secret-%s" % name, "account": name} for name in ACCOUNTS]
        accounts = os.path.join(folder, "accounts.json")
        with open(accounts, "w", encoding="ascii") as file:
            json.dump(keys, file)
        arguments = [program, "simulate", options.venue, "--port", "0", "--seed", str(options.seed), "--json"]
        arguments += ["--accounts", accounts, "--balance", "%s=%d" % (venue["currency"], BALANCE)]
        bases = {symbol[: -len(venue["currency"])] for symbol in venue["symbols"]}
        for base in sorted(bases):
            arguments += ["--balance", "%s=0" % base]
        for name, value in venue["settings"].items():
            arguments += ["--set", "%s=%s" % (name, value)]
        for fault in [] if options.calm else self.faults(venue):
            arguments += ["--fault", json.dumps(fault)]
        self.said = os.path.join(folder, "exchange.txt")
        with open(self.said, "wb") as output:
            self.process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        told = json.loads(self.first_line())
        self.address, self.control = told["address"], told["control"]

    @staticmethod
    def faults(venue):
        """Everything takes a while, and a few orders take so long that the next host asks before they are there."""
        return [
            {"kind": "latency", "path": venue["orders"], "when": "before", "ms": 1, "jitter_ms": 20},
            {"kind": "latency", "path": venue["orders"], "when": "after", "ms": 1, "jitter_ms": 20},
            {"kind": "latency", "path": venue["orders"], "method": "POST", "when": "before", "ms": 500, "jitter_ms": 2000,
             "probability": "0.01"},
        ]

    def first_line(self):
        deadline = time.time() + 20
        while True:
            with open(self.said, encoding="utf-8", errors="replace") as file:
                said = file.read()
            if "\n" in said:
                return said.split("\n")[0]
            demand(self.process.poll() is None and time.time() < deadline, "the exchange did not start: %s", said)
            time.sleep(0.01)

    def books(self, query=""):
        demand(self.process.poll() is None, "the exchange has ended by itself with %s", self.process.returncode)
        with urllib.request.urlopen(self.control + "/books" + query, timeout=60) as answer:
            return json.load(answer)

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class ExchangeTorture:
    def __init__(self, options):
        self.options = options
        self.venue = VENUES[options.venue]
        self.dice = random.Random(options.seed)
        self.folder = options.data or tempfile.mkdtemp(prefix="bullpen-torture-")
        os.makedirs(self.folder, exist_ok=True)
        demand(not os.path.exists(self.folder + "/data"), "%s holds a host's data already", self.folder)
        stage = os.path.join(BUILD, "stage") if options.release else STAGE
        self.exchange = Exchange(os.path.join(os.path.realpath(stage), "bin", "bullpen"), options, self.folder)
        self.host = LiveHost(
            stage, settings=host_settings(self.exchange.address, self.venue), folder=self.folder)
        self.remains = Remains(self.host)
        self.witness = Witness(self.exchange)
        self.strategies = []
        self.lives = []
        self.passed = (0, 0, 0)
        self.figures = {"orders": 0, "fills": 0, "venue_orders": 0, "venue_trades": 0}
        self.compared = 0

    # MARK: The story

    def run(self):
        self.set_up()
        for number in range(1, self.options.kills + 1):
            self.live_and_die(number)
            if number % self.options.compare_every == 0 and number < self.options.kills:
                self.settle()
                self.begin_again()
        self.settle()

    def set_up(self):
        made = subprocess.run(
            [self.host.program, "vault", "init", "--data", self.host.data], env=self.host.environment,
            capture_output=True, text=True, check=False)
        demand(made.returncode == 0, "no vault: %s", made.stderr)
        self.host.start()
        self.host.ask(
            "POST", "/feeds",
            {"id": "prices", "kind": self.options.venue, "symbols": list(self.venue["symbols"]), "resolutions": ["1m"]})
        for name in ACCOUNTS:
            self.host.ask(
                "POST", "/accounts",
                {"id": name, "venue": self.options.venue, "currency": self.venue["currency"], "balance": str(BALANCE)})
            self.host.ask(
                "POST", "/credentials",
                {"venue": self.options.venue, "account": name, "api_key": "torture-key-%s" % name,
                 "secret": "torture-secret-%s" % name, "active": True})
        program = self.compile()
        for number in range(self.options.strategies):
            symbols = self.venue["symbols"]
            config = {
                "name": "Busy %d" % (number + 1), "pair": symbols[number // 2 % len(symbols)], "resolution": "1m",
                "lookback_period": 5, "max_daily_loss": 0.9, "cpu_share": 0.5, "orders_at_death": "keep",
                "restart": {"policy": "transient"},
                "custom_params": {
                    "every_us": round(1e6 * self.options.strategies / self.options.rate), "kinds": self.venue["kinds"]},
            }
            self.strategies.append(self.host.upload("busy", program, config))
        for account in ACCOUNTS:
            self.wait_for("the account %s" % account, lambda: self.is_served(account))
        self.begin()
        self.wait_until_busy(self.strategies)
        self.host.learn_group(self.host.status(self.strategies[0])["pid"])
        self.host.kill()
        self.remains.wait_until_gone(1)
        self.look({})

    def compile(self):
        """The strategy that makes the load."""
        program = os.path.join(self.folder, "busy")
        source = os.path.join(HERE, "busy_exchange.c")
        made = subprocess.run(
            ["/usr/bin/cc", "-O2", "-static", "-o", program, source, "-lm"], capture_output=True, text=True, check=False,
            # Tests run without an environment, and the compiler looks for its linker there.
            env={"PATH": "/usr/bin:/bin"})
        demand(made.returncode == 0, "%s does not compile: %s", source, made.stderr)
        with open(program, "rb") as file:
            return file.read()

    def is_served(self, account):
        status, held = self.host.ask("GET", "/accounts/%s/balance" % account, fails=True)
        return status == 200 and bool(held["balances"])

    def begin(self):
        def has_begun(strategy, options):
            # The feed has no prices right after a start.
            status, answer = self.host.ask("POST", "/strategies/%s/start" % strategy, options, fails=True)
            demand(status < 300 or status == 409, "%s was not started: %s %s", strategy, status, answer)
            return status < 300

        for number, strategy in enumerate(self.strategies):
            options = {
                "feed": "prices", "account": ACCOUNTS[number % 2],
                "capital": str(BALANCE // (2 * self.options.strategies))}
            self.wait_for("%s to be started" % strategy, lambda: has_begun(strategy, options))

    def live_and_die(self, number):
        """One life: started, left alone for a while, killed; then the books are looked at."""
        fate, share = self.dice.random(), self.dice.random()
        life = {"kill": number}
        self.host.launch()
        if fate < 0.1:
            life["killed"] = "while starting"
            time.sleep(share * self.typical("ready_ms", 700) / 1000)
        else:
            life["ready_ms"] = round(self.host.wait_until_ready() * 1000)
            if fate < 0.25:
                life["killed"] = "at random"
                time.sleep(share * 1.2)
            else:
                life["killed"] = "under load"
                # A few of them trade; others may wait for the fate of an order from an earlier life.
                self.wait_for_orders()
                time.sleep(share * 1.2)
        life["lived_ms"] = round((time.time() - self.host.began) * 1000)
        self.host.kill()
        life["gone_ms"] = round(self.remains.wait_until_gone(2) * 1000)
        self.look(life)
        self.lives.append(life)
        print(json.dumps(life), flush=True)

    def wait_for_orders(self):
        """Waits until something of this life has come to the exchange."""
        before = self.witness.last_order
        deadline = time.time() + 60
        while True:
            books = self.exchange.books("?from=%d&after=999999999999" % (before + 1))
            if any(account["orders"] for account in books["accounts"]):
                return
            demand(
                time.time() < deadline, "60 s after the start nothing is traded: %s",
                [self.host.status(strategy) for strategy in self.strategies])
            time.sleep(0.02)

    def settle(self):
        """Lets everything come to its end, ends the host in good order and compares everything with everything."""
        self.host.start()
        began = time.time()
        for strategy in self.strategies:
            self.host.wait(strategy, ("running", "ready", "starting"), 60)
            self.host.ask("POST", "/strategies/%s/stop" % strategy, {"orders": "cancel"})
        self.wait_for("every strategy to stop", lambda: all(
            self.host.status(strategy)["state"] == "stopped" for strategy in self.strategies))
        self.wait_for("every order to end", lambda: not self.live_orders(), 90)
        # One round of questions more: trades that the stream told are paged, too.
        time.sleep(0.5)
        code = self.host.end()
        demand(code == 0, "the host ended with %s after SIGTERM instead of draining", code)
        demand(self.remains.processes() == [], "after its end the host left %s", self.remains.processes())
        self.look({})
        with ExchangeBooks(self.host.data, self.options.venue) as books:
            books.check_everything(self.exchange.books(), ACCOUNTS, self.venue["currency"], BALANCE)
        self.compared += 1
        print(json.dumps({
            "compared": self.figures, "kills": len(self.lives), "settled_ms": round((time.time() - began) * 1000),
        }), flush=True)

    def begin_again(self):
        self.host.start()
        self.begin()
        self.wait_until_busy(self.strategies)
        self.host.kill()
        self.remains.wait_until_gone(2)
        self.look({})

    # MARK: Looking

    def live_orders(self):
        return self.host.ask("GET", "/positions/orders?limit=1")["items"]

    def wait_until_busy(self, strategies):
        def has_ordered(strategy):
            orders = self.host.ask("GET", "/strategies/%s/orders?limit=1" % strategy)["items"]
            return bool(orders) and orders[0]["created_at"] > self.host.began * 1000

        waiting = set(strategies)

        def is_done():
            waiting.difference_update([strategy for strategy in waiting if has_ordered(strategy)])
            return not waiting

        self.wait_for("every strategy to trade", is_done)

    def wait_for(self, what, is_done, seconds=60):
        deadline = time.time() + seconds
        while not is_done():
            demand(time.time() < deadline, "waited %d s in vain for %s: %s", seconds, what, self.explanation())
            time.sleep(0.05)

    def explanation(self):
        """What people would look at first."""
        try:
            return json.dumps({
                "health": self.host.ask("GET", "/health", fails=True)[1], "live": self.live_orders(),
                "logs": {strategy: self.host.logged(strategy)[-3:] for strategy in self.strategies},
            })[:6000]
        except Failed as failure:
            return str(failure)

    def typical(self, name, otherwise):
        known = sorted(life[name] for life in self.lives if name in life)
        return known[len(known) // 2] if known else otherwise

    def look(self, life):
        """Holds the files of a dead host against what came to the exchange since the last look."""
        news = self.witness.look()
        with ExchangeBooks(self.host.data, self.options.venue) as books:
            books.check_news(news, self.witness)
            self.passed = books.check_progress(self.passed)
            now = books.figures()
        now.update(self.witness.figures())
        demand(
            all(now[name] >= self.figures[name] for name in now), "there was more before: %s, now %s", self.figures, now)
        for name in now:
            life[name] = now[name] - self.figures[name]
        self.figures = now
        times = sorted(order["created"] for order in news["orders"])
        if times and self.host.began and times[0] > self.host.began * 1000:
            life["first_order_ms"] = round(times[0] - self.host.began * 1000)
        if len(times) > 20 and times[-1] > times[0]:
            life["orders_a_second"] = round(1000 * (len(times) - 1) / (times[-1] - times[0]), 1)

    def summary(self):
        def spread(name):
            values = sorted(life[name] for life in self.lives if name in life)
            if not values:
                return None
            return {"p50": values[len(values) // 2], "p95": values[len(values) * 95 // 100], "max": values[-1]}

        kinds = {}
        for life in self.lives:
            kinds[life["killed"]] = kinds.get(life["killed"], 0) + 1
        return {
            "kills": len(self.lives), "seed": self.options.seed, "venue": self.options.venue, **self.figures,
            "outcomes": self.outcomes, "killed": kinds, "compared": self.compared,
            **{name: spread(name) for name in ("ready_ms", "first_order_ms", "gone_ms", "orders_a_second")},
        }

    @property
    def outcomes(self):
        with ExchangeBooks(self.host.data, self.options.venue) as books:
            return books.outcomes()


def main():
    parser = argparse.ArgumentParser(prog="scripts/torture", description=__doc__.split("\n")[0])
    parser.add_argument("--venue", choices=sorted(VENUES), default="binance", help="which exchange is simulated (binance)")
    parser.add_argument("--kills", type=int, default=100, help="how often the host is killed (100)")
    parser.add_argument("--seed", type=int, default=1, help="decides when, and what the market does (1)")
    parser.add_argument("--strategies", type=int, default=5, help="how many strategies make the load (5)")
    parser.add_argument("--rate", type=float, help="orders a second of all of them (50; 4 at CoinDCX, 1 at CoinSpot)")
    parser.add_argument("--compare-every", type=int, default=200, help="kills between two whole comparisons (200)")
    parser.add_argument("--calm", action="store_true", help="the exchange answers at once")
    parser.add_argument("--data", help="a folder to work in, kept afterwards (a new one in /tmp, removed)")
    parser.add_argument("--release", action="store_true", help="the release build instead of the debug build")
    options = parser.parse_args()
    options.rate = options.rate or VENUES[options.venue]["rate"]
    torture = None
    began = time.time()
    try:
        torture = ExchangeTorture(options)
        torture.run()
        summary = torture.summary()
    except Failed as failure:
        print("torture: seed %d, after %d kills: %s" % (
            options.seed, len(torture.lives) if torture else 0, failure), file=sys.stderr)
        if torture:
            books = os.path.join(torture.folder, "exchange-books.json")
            if torture.exchange.process.poll() is None:
                with open(books, "w", encoding="utf-8") as file:
                    json.dump(torture.exchange.books(), file)
            print("torture: the data are kept in %s, the exchange's books in %s" % (torture.folder, books), file=sys.stderr)
        return 1
    finally:
        if torture:
            torture.host.remove()
            torture.exchange.end()
    summary["seconds"] = round(time.time() - began)
    print(json.dumps(summary), flush=True)
    if not options.data:
        shutil.rmtree(torture.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Kills the real host again and again while it trades at a simulated exchange that goes on living, and compares the books.

`scripts/torture` starts it; `--help` says how. The exchange is a process of its own (`bullpen simulate`), and so an
independent witness: what it took it has, whatever became of the host. Its answers are late by chance, so that most deaths
find orders between the journal and the exchange. After each death the journal is held against what came to the exchange
since the last one; now and then, and at the end, everything against everything.
"""

import json
import os
import subprocess
import sys
import time

from lives import HERE, Torture, carry_out, parser
from exchange_books import ExchangeBooks, Witness
from live_exchange import LiveExchange
from live_host import Failed, LiveHost, demand, until

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


def faults(venue):
    """Everything takes a while, and a few orders take so long that the next host asks before they are there."""
    return [
        {"kind": "latency", "path": venue["orders"], "when": "before", "ms": 1, "jitter_ms": 20},
        {"kind": "latency", "path": venue["orders"], "when": "after", "ms": 1, "jitter_ms": 20},
        {"kind": "latency", "path": venue["orders"], "method": "POST", "when": "before", "ms": 500, "jitter_ms": 2000,
         "probability": "0.01"},
    ]


def exchange(stage, options, folder):
    """The exchange, which outlives every host."""
    venue = VENUES[options.venue]
    keys = [{"key": "torture-key-%s" % name, "secret": "torture-secret-%s" % name, "account": name} for name in ACCOUNTS]
    accounts = os.path.join(folder, "accounts.json")
    with open(accounts, "w", encoding="ascii") as file:
        json.dump(keys, file)
    arguments = ["--seed", str(options.seed), "--accounts", accounts]
    arguments += ["--balance", "%s=%d" % (venue["currency"], BALANCE)]
    bases = {symbol[: -len(venue["currency"])] for symbol in venue["symbols"]}
    for base in sorted(bases):
        arguments += ["--balance", "%s=0" % base]
    for name, value in venue["settings"].items():
        arguments += ["--set", "%s=%s" % (name, value)]
    for fault in [] if options.calm else faults(venue):
        arguments += ["--fault", json.dumps(fault)]
    return LiveExchange(options.venue, stage, arguments, folder)


class ExchangeTorture(Torture):
    def __init__(self, options):
        super().__init__(options)
        self.venue = VENUES[options.venue]
        self.exchange = exchange(self.stage, options, self.folder)
        self.take(LiveHost(self.stage, settings=host_settings(self.exchange.address, self.venue), folder=self.folder))
        self.witness = Witness(self.exchange)
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
        self.die(life, 2)
        self.look(life)
        self.tell(life)

    def wait_for_orders(self):
        """Waits until something of this life has come to the exchange."""
        before = self.witness.last_order

        def has_orders():
            books = self.exchange.books("?from=%d&after=999999999999" % (before + 1))
            return any(account["orders"] for account in books["accounts"])

        until(has_orders, 60, lambda: "60 s after the start nothing is traded: %s" % [
            self.host.status(strategy) for strategy in self.strategies], pause=0.02)

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
        self.end_host()
        self.check_nothing_runs()
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

    def explanation(self):
        try:
            return ": " + json.dumps({
                "health": self.host.ask("GET", "/health", fails=True)[1], "live": self.live_orders(),
                "logs": {strategy: self.host.logged(strategy)[-3:] for strategy in self.strategies},
            })[:6000]
        except Failed as failure:
            return ": %s" % failure

    def look(self, life):
        """Holds the files of a dead host against what came to the exchange since the last look."""
        news = self.witness.look()
        with ExchangeBooks(self.host.data, self.options.venue) as books:
            books.check_news(news, self.witness)
            self.passed = books.check_progress(self.passed)
            now = books.figures()
        now.update(self.witness.figures())
        for name in now:
            life[name] = now[name] - self.figures[name]
        self.outgrow(now)
        times = sorted(order["created"] for order in news["orders"])
        if times and self.host.began and times[0] > self.host.began * 1000:
            life["first_order_ms"] = round(times[0] - self.host.began * 1000)
        if len(times) > 20 and times[-1] > times[0]:
            life["orders_a_second"] = round(1000 * (len(times) - 1) / (times[-1] - times[0]), 1)

    def kept(self):
        words = super().kept()
        if not self.exchange.lives:
            return words
        books = os.path.join(self.folder, "exchange-books.json")
        with open(books, "w", encoding="utf-8") as file:
            json.dump(self.exchange.books(), file)
        return "%s, the exchange's books in %s" % (words, books)

    def close(self):
        super().close()
        self.exchange.end()

    def summary(self):
        kinds = {}
        for life in self.lives:
            kinds[life["killed"]] = kinds.get(life["killed"], 0) + 1
        with ExchangeBooks(self.host.data, self.options.venue) as books:
            outcomes = books.outcomes()
        return {
            **super().summary(), "venue": self.options.venue, "outcomes": outcomes, "killed": kinds, "compared": self.compared}


def main():
    parts = parser(__doc__, strategies=5)
    parts.add_argument("--venue", choices=sorted(VENUES), default="binance", help="which exchange is simulated (binance)")
    parts.add_argument("--rate", type=float, help="orders a second of all of them (50; 4 at CoinDCX, 1 at CoinSpot)")
    parts.add_argument("--compare-every", type=int, default=200, help="kills between two whole comparisons (200)")
    parts.add_argument("--calm", action="store_true", help="the exchange answers at once")
    options = parts.parse_args()
    options.rate = options.rate or VENUES[options.venue]["rate"]
    return carry_out(ExchangeTorture, options)


if __name__ == "__main__":
    sys.exit(main())

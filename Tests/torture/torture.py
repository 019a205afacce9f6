"""Kills the real host again and again under load, and looks whether anything was lost or doubled.

`scripts/torture` starts it; `--help` says how. The files next to this one are the strategy that makes the load
(busy.py) and what must hold of the books (books.py).
"""

import json
import os
import sys
import time

from lives import HERE, Torture, carry_out, parser
from books import Books
from live_host import LiveHost, demand

BALANCE = 100_000_000
ACCOUNTS = {"paper": "margin", "cash": "spot"}
RUNNING = ("starting", "ready", "running")


def settings(options):
    return {
        "market.speed": options.speed, "market.seed": options.seed % 1_000_000, "paper.kind": "margin",
        "paper.leverage": 10, "paper.starting_balance": BALANCE, "limits.orders_per_minute": 1_000_000,
        "limits.open_orders": 100_000, "limits.daily_loss": BALANCE, "limits.position_notional": BALANCE,
        "limits.leverage": 125, "strategy.lines_per_second": 10_000, "strategy.start_timeout": "120s",
        "strategy.heartbeat_timeout": "120s", "strategy.stop_timeout": "30s",
    }


class PaperTorture(Torture):
    def __init__(self, options):
        super().__init__(options)
        self.scratch = os.path.join(self.folder, "books")
        os.makedirs(self.scratch, exist_ok=True)
        self.take(LiveHost(self.stage, settings=settings(options), folder=self.folder))
        self.data = self.host.data
        self.last_lines = {}
        self.last_ticks = {}
        self.stopping = None
        self.looked_at = {}
        self.figures = {"orders": 0, "fills": 0, "events": 0, "venue_orders": 0, "venue_trades": 0}

    # MARK: The story

    def run(self):
        self.set_up()
        for number in range(1, self.options.kills + 1):
            self.live_and_die(number)
        self.end_well()
        self.start_for_nothing()

    def set_up(self):
        self.host.start()
        self.host.ask(
            "POST", "/accounts",
            {"id": "cash", "kind": "spot", "currency": "USDT", "balance": str(BALANCE), "leverage": "1"})
        with open(os.path.join(HERE, "busy.py"), "rb") as file:
            source = file.read()
        for number in range(self.options.strategies):
            config = {
                "name": "Busy %d" % (number + 1), "pair": ("BTCUSDT", "ETHUSDT")[number // 2 % 2],
                "resolution": "1m", "lookback_period": 20, "leverage": 10, "max_daily_loss": 0.9, "cpu_share": 0.5,
                "orders_at_death": "keep", "restart": {"policy": "transient"},
                "custom_params": {"repeated": 5, "least": 40},
            }
            strategy = self.host.upload("busy.py", source, config)
            account = list(ACCOUNTS)[number % 2]
            self.host.begin(strategy, account=account, capital=str(BALANCE // 100), parameters={"repeated": 25})
            self.strategies.append(strategy)
        self.host.ask("PATCH", "/limits", {"strategies": {strategy: {"open_orders": 77} for strategy in self.strategies}})
        self.wait_until_busy(60)
        self.host.learn_group(self.status(self.strategies[0])["pid"])
        demand(self.host.group or not os.path.exists("/sys/fs/cgroup"), "no control group was found")
        self.host.kill()
        self.remains.wait_until_gone(1)
        self.rest({})

    def live_and_die(self, number):
        """One life: started, left alone for a while, killed; then the books are looked at."""
        fate = self.dice.random()
        share = self.dice.random()
        life = {"kill": number}
        self.host.launch()
        if fate < 0.2:
            life["killed"] = "while starting"
            time.sleep(share * self.typical("ready_ms", 700) / 1000)
        else:
            life["ready_ms"] = round(self.host.wait_until_ready() * 1000)
            self.finish_stop()
            if fate < 0.3:
                self.stop_one(life, share)
            elif fate < 0.6:
                life["killed"] = "at random"
                self.watch(0.2 + share * 2.8)
            else:
                life["killed"] = "under load"
                self.wait_until_busy(60)
                self.watch(share * 1.5)
        self.die(life, 1)
        self.rest(life)
        self.tell(life)

    def stop_one(self, life, share):
        """Has a strategy stop and the host die before or while its orders go."""
        self.wait_until_busy(60)
        strategy = self.dice.choice(self.strategies)
        how = self.dice.choice(("cancel", "flatten", "by itself"))
        life["killed"] = "while one stops (%s)" % how
        if how == "by itself":
            self.host.ask("POST", "/strategies/%s/signals" % strategy, {"action": "FINISH"})
            self.wait_for("it to finish", lambda: self.status(strategy)["state"] == "stopped")
            time.sleep(0.3)
        else:
            self.host.ask("POST", "/strategies/%s/stop" % strategy, {"orders": how})
            time.sleep(share * 0.2)
        self.stopping = (strategy, how)

    def finish_stop(self):
        """What was asked of the last host is done by this one; then the strategy is started again."""
        if not self.stopping:
            return
        strategy, how = self.stopping

        def is_done():
            status = self.status(strategy)
            demand(status["state"] == "stopped", "%s was stopped and is %s again", strategy, status["state"])
            orders = self.host.ask("GET", "/strategies/%s/orders?limit=200" % strategy)["items"]
            orders = [order for order in orders if order["status"] in ("pending", "open", "partially_filled", "unknown")]
            worth = sum(
                abs(float(position["quantity"]) * float(position["last_price"] or 0)) for position in status["position"])
            return how == "by itself" or (not orders and (how == "cancel" or worth < 50))

        self.wait_for("the orders of %s to go (%s)" % (strategy, how), is_done)
        self.host.begin(strategy, parameters={"repeated": 25})
        self.stopping = None

    def end_well(self):
        self.host.start()
        self.finish_stop()
        for strategy in self.strategies:
            limits = self.host.ask("GET", "/limits")["strategies"][strategy]
            demand(limits["open_orders"] == 77, "the limits of %s are %s", strategy, limits)
        self.wait_until_busy(60)
        groups = [group for group in self.remains.groups() if not self.remains.is_of_living_host(group)]
        runs = {self.status(strategy)["run"] for strategy in self.strategies}
        demand(
            {os.path.basename(group) for group in groups} <= runs, "control groups of dead runs are left: %s", groups)
        for strategy in self.strategies:
            self.host.ask("POST", "/strategies/%s/stop" % strategy, {"orders": "cancel"})
        self.wait_for("every strategy to stop", lambda: all(
            self.status(strategy)["state"] == "stopped" for strategy in self.strategies))
        self.wait_for(
            "every order to go", lambda: not self.host.ask("GET", "/positions/orders?limit=1")["items"])
        self.end_host()
        self.check_nothing_runs()
        demand(self.remains.groups() == [], "after its end the host left %s", self.remains.groups())
        books = self.look({})
        books.check_in_the_end({account: BALANCE for account in ACCOUNTS})
        books.close()

    def start_for_nothing(self):
        """A start that finds nothing to do writes nothing, and the books stay as they are."""
        for _ in range(2):
            # The first still notes up to which trade the books are known to be whole.
            before = dict(self.figures)
            self.host.start()
            time.sleep(1.5)
            self.end_host()
            books = self.look({})
            books.check_in_the_end({account: BALANCE for account in ACCOUNTS})
            books.close()
        for name, count in before.items():
            demand(self.figures[name] == count, "a start with nothing to do made %s of %s %s", self.figures[name], count, name)

    # MARK: Looking at a host that lives

    def status(self, strategy):
        return self.host.status(strategy)

    def watch(self, seconds):
        """Reads along as a person would, for so long."""
        end = time.time() + seconds
        while time.time() < end:
            for strategy in self.strategies:
                if time.time() > end:
                    return
                self.look_at(strategy)
            time.sleep(max(0, min(0.1, end - time.time())))

    def look_at(self, strategy):
        status = self.status(strategy)
        demand(
            status["state"] in RUNNING, "%s should run and is %s: %s", strategy, status["state"], status["reason"])
        last = self.last_lines.get(strategy, 0)
        for line in self.host.lines(strategy, last):
            demand(line["seq"] > last, "line %d of %s's log came after line %d", line["seq"], strategy, last)
            last = line["seq"]
        self.last_lines[strategy] = last
        return status["state"]

    def wait_until_busy(self, seconds):
        """Every strategy runs and has made an order in this life."""
        deadline = time.time() + seconds
        waiting = set(self.strategies)
        while waiting:
            for strategy in sorted(waiting):
                state = self.look_at(strategy)
                orders = self.host.ask("GET", "/strategies/%s/orders?limit=1" % strategy)["items"]
                if state == "running" and orders and orders[0]["created_at"] > self.host.began * 1000:
                    waiting.discard(strategy)
            demand(
                time.time() < deadline, "%d s after the start these do not trade: %s", seconds,
                [(strategy, self.status(strategy)) for strategy in sorted(waiting)])
            time.sleep(0.05)

    # MARK: Looking at the files of a host that is dead

    def rest(self, life):
        books = self.look(life)
        books.check_always()
        self.check_states(books)
        self.check_logs()
        books.close()

    def look(self, life):
        books = Books(self.data, self.scratch)
        now = books.figures()
        times = books.orders_since(self.last_order)
        for name in ("orders", "fills"):
            life[name] = now[name] - self.figures[name]
        if times:
            life["first_order_ms"] = round(times[0] - self.host.began * 1000)
            if len(times) > 20:
                life["orders_a_second"] = round(1000 * len(times) / max(1, times[-1] - times[0]), 1)
        self.outgrow(now)
        self.last_order = books.desk.execute("SELECT coalesce(max(id), 0) FROM desk_orders").fetchone()[0]
        return books

    last_order = 0

    def check_states(self, books):
        """What a strategy has saved stays saved, and the next run gets exactly that."""
        ticks = {strategy: state["tick"] for strategy, state in books.saved_states().items()}
        for strategy, tick in self.last_ticks.items():
            demand(
                ticks.get(strategy, -1) >= tick, "the state of %s went back from %d to %s", strategy, tick,
                ticks.get(strategy))
            for line in self.new_lines(strategy):
                if line["message"].startswith("began with parameters="):
                    found = json.loads(line["message"].split("=", 1)[1])
                    demand(found == {"least": 40, "repeated": 25}, "%s was started with %s", strategy, found)
                if line["message"].startswith("began with tick="):
                    found = int(line["message"].split("=")[1])
                    demand(
                        found == tick, "a run of %s began with the state of tick %d instead of %d", strategy, found,
                        tick)
        self.last_ticks = ticks

    def new_lines(self, strategy):
        since = self.looked_at.get(strategy, 0)
        return [line for line in self.host.logged(strategy) if line["seq"] > since]

    def check_logs(self):
        for strategy in self.strategies:
            last = 0
            for line in self.host.logged(strategy):
                demand(line["seq"] > last, "line %d follows line %d in %s's log", line["seq"], last, strategy)
                last = line["seq"]
            self.looked_at[strategy] = max(last, self.looked_at.get(strategy, 0))


def main():
    options = parser(__doc__, strategies=4)
    options.add_argument("--speed", type=int, default=900, help="how fast the market's time runs (900)")
    return carry_out(PaperTorture, options.parse_args())


if __name__ == "__main__":
    sys.exit(main())

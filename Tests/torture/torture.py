"""Kills the real host again and again under load, and looks whether anything was lost or doubled.

`scripts/torture` starts it; `--help` says how. The files next to this one are the strategy that makes the load
(busy.py) and what must hold of the books (books.py).
"""

import argparse
import glob
import json
import os
import random
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(os.path.dirname(HERE), "live"))

from books import Books  # noqa: E402
from live_host import BUILD, STAGE, Failed, LiveHost, demand  # noqa: E402

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


class Remains:
    """What a host may leave behind: processes and control groups."""

    def __init__(self, host):
        self.host = host

    def processes(self):
        found = []
        for folder in glob.glob("/proc/[0-9]*"):
            try:
                with open(folder + "/stat", encoding="utf-8", errors="replace") as file:
                    if file.read().rsplit(")", 1)[1].split()[0] in "ZX":
                        continue
                with open(folder + "/cgroup", encoding="utf-8") as file:
                    groups = file.read()
                program = os.readlink(folder + "/exe")
            except OSError:
                continue
            is_ours = self.host.group and "/%s/" % self.host.group in groups
            if is_ours or (program == self.host.launcher and self.has_lost_its_host(folder[6:])):
                found.append("%s (%s)" % (folder[6:], program))
        return found

    def has_lost_its_host(self, pid):
        """A launcher that has not joined its group yet is known by its parents; another host's has a host above it."""
        try:
            while os.readlink("/proc/%s/exe" % pid) == self.host.launcher:
                with open("/proc/%s/stat" % pid, encoding="utf-8", errors="replace") as file:
                    pid = file.read().rsplit(")", 1)[1].split()[1]
        except OSError:
            return False
        return pid in ("0", "1", str(self.host.process.pid))

    def groups(self):
        """The folders of runs and nurseries, in every hierarchy."""
        return self.host.groups(nurseries=True)

    def is_of_living_host(self, group):
        """A living host has a group of its own and nurseries beside its runs; those of a dead one have no process any more."""
        name = os.path.basename(group)
        if name != "host" and not name.startswith("nursery-"):
            return False
        with open(group + "/cgroup.procs", encoding="ascii") as file:
            return bool(file.read().strip())

    def wait_until_gone(self, seconds):
        began = time.time()
        while True:
            left = self.processes()
            if not left:
                return time.time() - began
            demand(
                time.time() - began < seconds, "%.1f s after the host's death there are still: %s", seconds,
                ", ".join(left))
            time.sleep(0.01)


class Torture:
    def __init__(self, options):
        self.options = options
        self.dice = random.Random(options.seed)
        self.folder = options.data or tempfile.mkdtemp(prefix="bullpen-torture-")
        self.scratch = os.path.join(self.folder, "books")
        os.makedirs(self.scratch, exist_ok=True)
        demand(not os.path.exists(self.folder + "/data"), "%s holds a host's data already", self.folder)
        stage = os.path.join(BUILD, "stage") if options.release else STAGE
        self.host = LiveHost(stage, settings=settings(options), folder=self.folder)
        self.data = self.host.data
        self.remains = Remains(self.host)
        self.strategies = []
        self.last_lines = {}
        self.last_ticks = {}
        self.stopping = None
        self.looked_at = {}
        self.figures = {"orders": 0, "fills": 0, "events": 0, "venue_orders": 0, "venue_trades": 0}
        self.lives = []

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
        self.rest("setup", {})

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
        life["lived_ms"] = round((time.time() - self.host.began) * 1000)
        self.host.kill()
        life["gone_ms"] = round(self.remains.wait_until_gone(1) * 1000)
        self.rest(number, life)
        self.lives.append(life)
        print(json.dumps(life), flush=True)

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

    def wait_for(self, what, is_done, seconds=60):
        deadline = time.time() + seconds
        while not is_done():
            demand(time.time() < deadline, "waited %d s in vain for %s", seconds, what)
            time.sleep(0.05)

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
        demand(self.remains.processes() == [], "after its end the host left %s", self.remains.processes())
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

    def end_host(self):
        code = self.host.end()
        demand(code == 0, "the host ended with %s after SIGTERM instead of draining", code)

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

    def typical(self, name, otherwise):
        known = sorted(life[name] for life in self.lives if name in life)
        return known[len(known) // 2] if known else otherwise

    # MARK: Looking at the files of a host that is dead

    def rest(self, number, life):
        books = self.look(life)
        books.check_always()
        self.check_states(books)
        self.check_logs()
        books.close()

    def look(self, life):
        books = Books(self.data, self.scratch)
        now = books.figures()
        demand(
            all(now[name] >= self.figures[name] for name in now), "there was more before: %s, now %s", self.figures, now)
        times = books.orders_since(self.last_order)
        for name in ("orders", "fills"):
            life[name] = now[name] - self.figures[name]
        if times:
            life["first_order_ms"] = round(times[0] - self.host.began * 1000)
            if len(times) > 20:
                life["orders_a_second"] = round(1000 * len(times) / max(1, times[-1] - times[0]), 1)
        self.figures = now
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

    def summary(self):
        def spread(name):
            values = sorted(life[name] for life in self.lives if name in life)
            if not values:
                return None
            return {"p50": values[len(values) // 2], "p95": values[len(values) * 95 // 100], "max": values[-1]}

        return {
            "kills": len(self.lives), "seed": self.options.seed, **self.figures,
            **{name: spread(name) for name in ("ready_ms", "first_order_ms", "gone_ms", "orders_a_second")},
        }


def main():
    parser = argparse.ArgumentParser(prog="scripts/torture", description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=100, help="how often the host is killed (100)")
    parser.add_argument("--seed", type=int, default=1, help="decides when, and what the market does (1)")
    parser.add_argument("--strategies", type=int, default=4, help="how many strategies make the load (4)")
    parser.add_argument("--speed", type=int, default=900, help="how fast the market's time runs (900)")
    parser.add_argument("--data", help="a folder to work in, kept afterwards (a new one in /tmp, removed)")
    parser.add_argument("--release", action="store_true", help="the release build instead of the debug build")
    options = parser.parse_args()
    torture = None
    try:
        torture = Torture(options)
        torture.run()
    except Failed as failure:
        print("torture: seed %d, after %d kills: %s" % (
            options.seed, len(torture.lives) if torture else 0, failure), file=sys.stderr)
        if torture:
            print("torture: the data are kept in %s" % torture.folder, file=sys.stderr)
        return 1
    finally:
        if torture:
            torture.host.remove()
    print(json.dumps(torture.summary()), flush=True)
    if not options.data:
        shutil.rmtree(torture.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())

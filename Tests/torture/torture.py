"""Kills the real host again and again under load, and looks whether anything was lost or doubled.

`scripts/torture` starts it; `--help` says how. The files next to this one are the strategy that makes the load
(busy.py) and what must hold of the books (books.py).
"""

import argparse
import glob
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from books import Books, Violation, demand

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = os.path.dirname(os.path.dirname(HERE))
BALANCE = 100_000_000
ACCOUNTS = {"paper": "margin", "cash": "spot"}
RUNNING = ("starting", "ready", "running")


class Host:
    """One life of the host's process, and the way to ask it something."""

    def __init__(self, options, data, output, port):
        self.options, self.data, self.output, self.port = options, data, output, port
        stage = os.path.join(PACKAGE, ".build", "stage" if options.release else "stage-debug")
        self.program = os.path.join(stage, "bin", "bullpen")
        self.launcher = os.path.realpath(os.path.join(stage, "libexec", "bullpen", "confine"))
        settings = {
            "market.speed": options.speed, "market.seed": options.seed % 1_000_000, "paper.kind": "margin",
            "paper.leverage": 10, "paper.starting_balance": BALANCE, "limits.orders_per_minute": 1_000_000,
            "limits.open_orders": 100_000, "limits.daily_loss": BALANCE, "limits.position_notional": BALANCE,
            "limits.leverage": 125, "strategy.lines_per_second": 10_000, "strategy.start_timeout": "120s",
            "strategy.heartbeat_timeout": "120s", "strategy.stop_timeout": "30s",
        }
        self.arguments = [self.program, "serve", "--data", data, "--port", str(port)]
        for name, value in settings.items():
            self.arguments += ["--set", "%s=%s" % (name, value)]
        self.process = None
        self.token = None
        self.connection = None

    def start(self):
        self.began = time.time()
        self.connection = None
        self.text = ""
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                self.arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)

    def is_ready(self):
        with open(self.output, encoding="utf-8") as output:
            self.text = output.read()
        if "Ready." in self.text:
            return True
        demand(self.process.poll() is None, "the host did not start: %s", self.text.strip())
        return False

    def wait_until_ready(self):
        deadline = time.time() + 60
        while not self.is_ready():
            demand(time.time() < deadline, "the host was not ready within 60 s: %s", self.text.strip())
            time.sleep(0.005)
        return time.time() - self.began

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        code = self.process.wait()
        demand(code == -signal.SIGKILL, "the host had ended by itself with %s: %s", code, self.text)

    def end(self):
        """Asks it to end, and waits until it has."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(90)
        except subprocess.TimeoutExpired:
            raise Violation("the host did not end within 90 s of SIGTERM") from None
        demand(code == 0, "the host ended with %s after SIGTERM instead of draining", code)

    # MARK: Asking

    def ask(self, method, path, body=None, headers=None, type="application/json"):
        """The answer's JSON, or None when the host went away meanwhile."""
        sent = dict(headers or {})
        if self.token:
            sent["Authorization"] = "Bearer " + self.token
        if body is not None:
            sent["Content-Type"] = type
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        for attempt in (1, 2):
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
                self.connection.request(method, path, body, sent)
                response = self.connection.getresponse()
                data = response.read()
                break
            except (http.client.HTTPException, OSError) as failure:
                self.connection = None
                demand(
                    attempt == 1 and self.process.poll() is None, "the host did not answer %s %s: %s", method, path,
                    failure)
        answer = json.loads(data) if data else None
        demand(response.status < 300, "%s %s was answered with %s %s", method, path, response.status, data[:500])
        self.cookie = response.getheader("Set-Cookie")
        return answer

    def log_in(self):
        """With the password that the first start prints."""
        password = self.text.split("shown only now: ")[1].split()[0]
        login = self.ask("POST", "/login", {"name": "admin", "password": password})
        headers = {"Cookie": self.cookie.split(";")[0], "X-CSRF-Token": login["csrf_token"]}
        self.token = self.ask("POST", "/tokens", {"name": "torture"}, headers)["token"]


class Remains:
    """What a host may leave behind: processes and control groups."""

    def __init__(self, host):
        self.host = host
        self.group = None

    def learn(self, pid):
        """Finds the name of the host's control group from one of its strategies' processes."""
        with open("/proc/%d/cgroup" % pid, encoding="ascii") as file:
            for line in file:
                for part in line.strip().split("/"):
                    if part.startswith("bullpen-") and part != "bullpen-host":
                        self.group = part

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
            is_ours = self.group and "/%s/" % self.group in groups
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
        if not self.group:
            return []
        found = []
        for path, folders, _ in os.walk("/sys/fs/cgroup"):
            if os.path.basename(path) == self.group:
                found += [os.path.join(path, folder) for folder in folders]
                folders.clear()
        return found

    def is_nursery_at_work(self, group):
        """A living host has nurseries beside its runs; one of a dead host has no process any more."""
        if not os.path.basename(group).startswith("nursery-"):
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
        self.data = os.path.join(self.folder, "data")
        self.scratch = os.path.join(self.folder, "copies")
        for folder in (self.folder, self.data, self.scratch):
            os.makedirs(folder, exist_ok=True)
        demand(not os.path.exists(self.data + "/journal.db"), "%s holds a host's data already", self.data)
        runtimes = os.path.join(PACKAGE, ".build", "test-runtimes")
        os.symlink(os.path.realpath(runtimes), os.path.join(self.data, "runtimes"))
        self.host = Host(options, self.data, os.path.join(self.folder, "output.txt"), free_port())
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
        self.host.wait_until_ready()
        self.host.log_in()
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
            fields = {"file": ("busy.py", source), "config": (None, json.dumps(config).encode())}
            body, kind = multipart(fields)
            strategy = self.host.ask("POST", "/strategies", body, type=kind)["id"]
            account = list(ACCOUNTS)[number % 2]
            self.host.ask(
                "POST", "/strategies/%s/start" % strategy,
                {"account": account, "capital": str(BALANCE // 100), "parameters": {"repeated": 25}})
            self.strategies.append(strategy)
        self.host.ask("PATCH", "/limits", {"strategies": {strategy: {"open_orders": 77} for strategy in self.strategies}})
        self.wait_until_busy(60)
        self.remains.learn(self.status(self.strategies[0])["pid"])
        demand(self.remains.group or not os.path.exists("/sys/fs/cgroup"), "no control group was found")
        self.host.kill()
        self.remains.wait_until_gone(1)
        self.rest("setup", {})

    def live_and_die(self, number):
        """One life: started, left alone for a while, killed; then the books are looked at."""
        fate = self.dice.random()
        share = self.dice.random()
        life = {"kill": number}
        self.host.start()
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
        self.host.ask("POST", "/strategies/%s/start" % strategy, {"parameters": {"repeated": 25}})
        self.stopping = None

    def wait_for(self, what, is_done, seconds=60):
        deadline = time.time() + seconds
        while not is_done():
            demand(time.time() < deadline, "waited %d s in vain for %s", seconds, what)
            time.sleep(0.05)

    def end_well(self):
        self.host.start()
        self.host.wait_until_ready()
        self.finish_stop()
        for strategy in self.strategies:
            limits = self.host.ask("GET", "/limits")["strategies"][strategy]
            demand(limits["open_orders"] == 77, "the limits of %s are %s", strategy, limits)
        self.wait_until_busy(60)
        groups = [group for group in self.remains.groups() if not self.remains.is_nursery_at_work(group)]
        runs = {self.status(strategy)["run"] for strategy in self.strategies}
        demand(
            {os.path.basename(group) for group in groups} <= runs, "control groups of dead runs are left: %s", groups)
        for strategy in self.strategies:
            self.host.ask("POST", "/strategies/%s/stop" % strategy, {"orders": "cancel"})
        self.wait_for("every strategy to stop", lambda: all(
            self.status(strategy)["state"] == "stopped" for strategy in self.strategies))
        self.wait_for(
            "every order to go", lambda: not self.host.ask("GET", "/positions/orders?limit=1")["items"])
        self.host.end()
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
            self.host.wait_until_ready()
            time.sleep(1.5)
            self.host.end()
            books = self.look({})
            books.check_in_the_end({account: BALANCE for account in ACCOUNTS})
            books.close()
        for name, count in before.items():
            demand(self.figures[name] == count, "a start with nothing to do made %s of %s %s", self.figures[name], count, name)

    # MARK: Looking at a host that lives

    def status(self, strategy):
        return self.host.ask("GET", "/strategies/%s/status" % strategy)

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
        lines = self.host.ask("GET", "/strategies/%s/logs?after=%d&limit=200" % (strategy, last))["items"]
        for line in lines:
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

    def lines(self, strategy):
        """What the log's files hold, oldest first. The last line may be torn."""
        found = []
        for path in sorted(glob.glob(os.path.join(self.data, "runs", strategy, "log.jsonl*")), reverse=True):
            with open(path, encoding="utf-8") as file:
                for text in file:
                    if text.endswith("\n"):
                        found.append(json.loads(text))
        return found

    def new_lines(self, strategy):
        since = self.looked_at.get(strategy, 0)
        return [line for line in self.lines(strategy) if line["seq"] > since]

    def check_logs(self):
        for strategy in self.strategies:
            last = 0
            for line in self.lines(strategy):
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


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def multipart(fields):
    boundary = "torture-boundary"
    parts = []
    for name, (file, content) in fields.items():
        head = '--%s\r\nContent-Disposition: form-data; name="%s"' % (boundary, name)
        head += '; filename="%s"\r\n\r\n' % file if file else "\r\n\r\n"
        parts.append(head.encode() + content + b"\r\n")
    return b"".join(parts) + ("--%s--\r\n" % boundary).encode(), "multipart/form-data; boundary=" + boundary


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
    except Violation as violation:
        print("torture: seed %d, after %d kills: %s" % (
            options.seed, len(torture.lives) if torture else 0, violation), file=sys.stderr)
        if torture:
            print("torture: the data are kept in %s" % torture.folder, file=sys.stderr)
        return 1
    finally:
        if torture and torture.host.process and torture.host.process.poll() is None:
            torture.host.process.kill()
            torture.host.process.wait()
    print(json.dumps(torture.summary()), flush=True)
    if not options.data:
        shutil.rmtree(torture.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())

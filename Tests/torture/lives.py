"""What every torture does with a host: lives and deaths on one folder, and the figures of them; and what a death may leave."""

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

from live_host import BUILD, STAGE, Failed, demand, until  # noqa: E402


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
    """One host that dies again and again. Those below say what it does in between: `set_up`, `run`, `look`."""

    remains = None

    def __init__(self, options):
        self.options = options
        self.dice = random.Random(options.seed)
        self.folder = options.data or tempfile.mkdtemp(prefix="bullpen-torture-")
        os.makedirs(self.folder, exist_ok=True)
        demand(not os.path.exists(self.folder + "/data"), "%s holds a host's data already", self.folder)
        self.stage = os.path.join(BUILD, "stage") if options.release else STAGE
        self.strategies = []
        self.lives = []
        self.figures = {}

    def take(self, host):
        """Takes the host over that is to die."""
        self.host = host
        self.remains = Remains(host)

    def close(self):
        self.host.remove()

    def kept(self):
        """Where those who look for the cause find what is left."""
        return "the data are kept in %s" % self.folder

    def wait_for(self, what, is_done, seconds=60):
        until(is_done, seconds, lambda: "waited %d s in vain for %s%s" % (seconds, what, self.explanation()))

    def explanation(self):
        """What people would look at first, behind a colon."""
        return ""

    def die(self, life, seconds):
        """Kills the host and waits until nothing of it runs."""
        life["lived_ms"] = round((time.time() - self.host.began) * 1000)
        self.host.kill()
        life["gone_ms"] = round(self.remains.wait_until_gone(seconds) * 1000)

    def tell(self, life):
        self.lives.append(life)
        print(json.dumps(life), flush=True)

    def end_host(self):
        code = self.host.end()
        demand(code == 0, "the host ended with %s after SIGTERM instead of draining", code)

    def check_nothing_runs(self):
        demand(self.remains.processes() == [], "after its end the host left %s", self.remains.processes())

    def outgrow(self, now):
        """Takes new figures of the books, in which nothing became less."""
        demand(
            all(now[name] >= self.figures[name] for name in self.figures), "there was more before: %s, now %s", self.figures,
            now)
        self.figures = now

    def typical(self, name, otherwise):
        known = sorted(life[name] for life in self.lives if name in life)
        return known[len(known) // 2] if known else otherwise

    def spread(self, name):
        values = sorted(life[name] for life in self.lives if name in life)
        if not values:
            return None
        return {"p50": values[len(values) // 2], "p95": values[len(values) * 95 // 100], "max": values[-1]}

    def summary(self):
        return {
            "kills": len(self.lives), "seed": self.options.seed, **self.figures,
            **{name: self.spread(name) for name in ("ready_ms", "first_order_ms", "gone_ms", "orders_a_second")},
        }


def parser(words, strategies):
    """The options that every torture takes."""
    made = argparse.ArgumentParser(prog="scripts/torture", description=words.split("\n")[0])
    made.add_argument("--kills", type=int, default=100, help="how often the host is killed (100)")
    made.add_argument("--seed", type=int, default=1, help="decides when, and what the market does (1)")
    made.add_argument(
        "--strategies", type=int, default=strategies, help="how many strategies make the load (%d)" % strategies)
    made.add_argument("--data", help="a folder to work in, kept afterwards (a new one in /tmp, removed)")
    made.add_argument("--release", action="store_true", help="the release build instead of the debug build")
    return made


def carry_out(kind, options):
    """Carries a torture out and tells what came of it. The exit status."""
    torture = None
    began = time.time()
    try:
        torture = kind(options)
        torture.run()
        summary = torture.summary()
    except Failed as failure:
        print("torture: seed %d, after %d kills: %s" % (
            options.seed, len(torture.lives) if torture else 0, failure), file=sys.stderr)
        if torture:
            print("torture: %s" % torture.kept(), file=sys.stderr)
        return 1
    finally:
        if torture:
            torture.close()
    summary["seconds"] = round(time.time() - began)
    print(json.dumps(summary), flush=True)
    if not options.data:
        shutil.rmtree(torture.folder)
    return 0

"""Starts and stops strategies through the whole host, and counts what is left behind."""

import json
import os
import time

import outside
from place import exam_host
from live_host import demand

IDLE = b'''
from bullpen import Strategy

class Idle(Strategy):
    def on_candle(self, candle):
        pass
'''
AT_A_TIME = 4
RECORDINGS = 5


def count(host):
    """What the host has, what the machine shows of its strategies, and what lies in its folders."""
    pid = host.process.pid
    children = 0
    for task in os.listdir("/proc/%d/task" % pid):
        children += len(outside.read("/proc/%d/task/%s/children" % (pid, task)).split())
    data = [os.path.join(path, name) for path, _, files in os.walk(host.data) for name in files]
    return {
        "processes of the host": children,
        "threads of the host": len(os.listdir("/proc/%d/task" % pid)),
        "descriptors of the host": len(os.listdir("/proc/%d/fd" % pid)),
        "mounts of the host": len(outside.read("/proc/%d/mountinfo" % pid).splitlines()),
        "control groups of runs": len(host.groups()),
        "files in the data folder": len([name for name in data if "/runtimes/" not in name]),
        "files of strategies' users on the machine": len(outside.files_of_strategies(host)),
        "System V objects of strategies' users": len(outside.shared_memory_of_strategies(host)),
    }


def memory(host):
    for line in outside.read("/proc/%d/status" % host.process.pid).splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


def cycle(host, strategies):
    """Starts them all and stops them all."""
    for strategy in strategies:
        host.begin(strategy, feed="injected")
    for strategy in strategies:
        host.wait(strategy, ("running",), 60)
    host.learn_group(host.status(strategies[0])["pid"])
    for strategy in strategies:
        host.ask("POST", "/strategies/%s/stop" % strategy, {})
    for strategy in strategies:
        host.wait(strategy, ("stopped",), 60)
    outside.wait_until_gone(host)


def settled(host):
    """Counts once the host has written and closed what it does behind the last stop."""
    found = count(host)
    for _ in range(50):
        time.sleep(0.1)
        again = count(host)
        if again == found:
            return found
        found = again
    return found


def run(options):
    began = time.time()
    figures = []
    starts = [("launcher", {"start": "cold"}), ("nursery", {})] if options.has_doors else [("launcher", {})]
    with exam_host(options, options.runtimes, settings={"strategy.records": RECORDINGS}) as host:
        for door, start in starts:
            strategies = []
            for number in range(AT_A_TIME):
                config = {
                    "name": "idle-%s-%d" % (door, number), "pair": "BTCUSDT", "cpu_share": 1,
                    "restart": {"policy": "temporary"}, **start}
                strategies.append(host.upload("strategy.py", IDLE, config))
            # A strategy keeps the recordings of its last runs, so that files grow at first.
            for _ in range(RECORDINGS + 1):
                cycle(host, strategies)
            before, memory_before = settled(host), memory(host)
            cycles = max(1, options.host_starts // AT_A_TIME // len(starts))
            at = time.time()
            for _ in range(cycles):
                cycle(host, strategies)
            seconds = time.time() - at
            after, memory_after = settled(host), memory(host)
            for what in before:
                figures.append({"what": "%s (%s)" % (what, door), "before": before[what], "after": after[what]})
            figures.append({"what": "memory of the host, KiB (%s)" % door, "before": memory_before, "after": memory_after})
            figures.append({"what": "starts and stops (%s)" % door, "before": 0, "after": cycles * AT_A_TIME})
            figures.append({
                "what": "seconds they took, %d at a time (%s)" % (AT_A_TIME, door), "before": 0, "after": round(seconds)})
            print(json.dumps(figures[-11:]), flush=True)
            for what in before:
                # Pools of threads grow by one now and then, up to the number of cores each.
                spare = 2 * os.cpu_count() if what.startswith("threads") else 0
                demand(
                    after[what] <= before[what] + spare, "%s: %d before, %d after %d starts by the %s", what, before[what],
                    after[what], cycles * AT_A_TIME, door)
            demand(
                memory_after < memory_before + 1024 + 6 * cycles * AT_A_TIME, "the host's memory grew from %d to %d KiB",
                memory_before, memory_after)
    return {"figures": figures, "seconds": round(time.time() - began), "is_good": True}

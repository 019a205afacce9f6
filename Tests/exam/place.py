"""Where the exam's results lie, and the hosts that it examines."""

import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(os.path.dirname(HERE), "live"))

from live_host import BUILD, PACKAGE, LiveHost  # noqa: E402

RESULTS = os.path.join(BUILD, "exam")
DOCUMENT = os.path.join(PACKAGE, "docs", "EXAM.md")


def result_file(step, user="root"):
    """Where the result of a step lies. Each kind of host has one of its own."""
    return os.path.join(RESULTS, step + ("" if user in ("root", "own") else "-" + user) + ".json")


def circumstances(user):
    """What stands beside each result: whom the hosts ran as, when, under which load, and in which state the code was."""
    state = subprocess.run(
        ["git", "-C", PACKAGE, "describe", "--always", "--dirty=, changed"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, check=False).stdout.strip()  # Without git it stays empty.
    return {
        "user": user, "at": time.strftime("%Y-%m-%d %H:%M", time.gmtime()), "load": round(os.getloadavg()[0], 1), "state": state}


def exam_host(options, runtimes, profiles=None, settings=None):
    """A host that leaves its strategies alone for long, run as `options.user`."""
    settings = {
        "market.symbols": "BTCUSDT", "strategy.start_timeout": "3600s", "strategy.heartbeat_timeout": "7200s",
        "strategy.log_bytes": 1 << 28, "log.max_bytes": 1 << 24, **(settings or {}),
    }
    return LiveHost(options.stage, runtimes, settings, profiles, options.user)

#!/usr/bin/env python3
"""Walks through the pages of a running host as a user would, and takes pictures.

    walk.py --base http://127.0.0.1:8080 --user admin --password-file FILE [--to FOLDER] [--file STRATEGY]
    walk.py --fake          against the pretended host
    walk.py --live          against a host of its own, of the debug build
    walk.py … --lab         instead, from a file of candles to a deployment on paper, all in the Lab's pages
    walk.py … --rules       instead, strategies that break a rule each: the page alone must say what happened
    walk.py … --rules --door cold    the same, started anew instead of from a nursery

Logs in, uploads a broken file and sees why not, uploads a good one, starts it, watches it trade, crashes it with a
signal, sees the cause, sees it come back, halts and resumes trading, stops it, deletes it. The password is read from
the file's first line, never from the command line. Exit status 0 when every step was seen, 1 when one was not.
"""

import argparse
import contextlib
import json
import pathlib
import sys
import tempfile
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "live"))

import fake_api
import walk_lab
from browser import Browser, PageError
from live_host import LiveHost

STRATEGY = '''"""Buys and sells in turn every two seconds; crashes when it is told to. Made for a walk through the pages."""

from bullpen import Strategy


class Walker(Strategy):
    def on_start(self):
        self.quantity = self.parameter("quantity")
        self.log(f"walking with {self.quantity}")
        self.timer("step", 2, repeat=True)

    def on_candle(self, candle):
        if not candle.history:
            self.log(f"candle closed at {candle.close}")

    def on_timer(self, timer_id):
        held = self.position().quantity
        if held > 0:
            self.sell(held)
        else:
            self.signal("ENTER", self.symbol, quantity=self.quantity)
            self.buy(self.quantity)

    def on_signal(self, signal):
        self.log(f"signal {signal.action}", "warning")
        if signal.action == "CRASH":
            return 1 / 0
'''
CONFIG = '''{
  "name": "Walker",
  "description": "Made for a walk through the pages",
  "pair": "BTCUSDT",
  "resolution": "1m",
  "lookback_period": 50,
  "leverage": 1,
  "custom_params": { "quantity": "0.01" }
}
'''


# What breaks a rule: the body of on_start, what the cause says, what the panel of refused calls says.
RULES = {
    "opens-a-socket": (
        """        import urllib.request
        urllib.request.urlopen("https://example.org/prices.json")""",
        ["Network is not available to strategies: use subscribe, or ask the operator for a feed."], ["socket(AF_INET"]),
    "writes-elsewhere": (
        """        with open("/bundle/model.json", "w") as file:
            file.write("{}")""",
        ["/bundle/model.json", "Only /work and /tmp can be written"], ['openat("/bundle/model.json", O_WRONLY']),
    "forks": (
        """        import subprocess
        subprocess.run(["/usr/bin/git", "pull"])""",
        ["Operation not permitted"], ["Strategies cannot start processes", "Use threads or n_jobs=1, and a package instead of a program."]),
    "eats-memory": (
        """        self.kept = []
        while True:
            self.kept.append(b"x" * (1 << 20))""",
        ["Killed for memory: limit 64 MiB, peak 64 MiB", "Keep less in memory, or set memory_mb in strategy.json."], []),
    "loops": (
        """        self.timer("loop", 0.1)

    def on_timer(self, timer_id):
        while True:
            pass""",
        ["Hung: did not answer a ping for", "in on_timer at line", "of strategy.py", "It used"], []),
    "signals": (
        """        import os, signal
        try:
            os.kill(os.getppid(), signal.SIGKILL)
        except PermissionError as error:
            self.log(f"refused: {error}", "warning")""",
        [], ["Strategies cannot send signals", "SIGKILL"]),
    "mounts": (
        """        import ctypes
        ctypes.CDLL(None).mount(b"none", b"/work", b"tmpfs", 0, None)""",
        ["Killed for a forbidden system call, mount(", "It stays down until somebody starts it again."],
        ["Only an attacker changes the machine", "killed for it"]),
    "is-held-back": (
        """        self.timer("work", 0.5, repeat=True)

    def on_timer(self, timer_id):
        import time
        end = time.monotonic() + 0.35
        while time.monotonic() < end:
            pass""",
        [], []),
}


class Walk:
    def __init__(self, browser, options):
        self.browser, self.to, self.number, self.patience = browser, pathlib.Path(options.to), 0, options.patience
        self.began = time.monotonic()

    def step(self, words):
        self.number += 1
        print(f"{time.monotonic() - self.began:6.1f} s  {words}", flush=True)
        self.browser.script("window.scrollTo(0, 0)")
        self.browser.shoot(self.to / f"{self.number:02d}-{words.replace(' ', '-')}.png")

    def see(self, selector, words=None):
        self.browser.find(selector, words, self.patience)

    def submit(self, words=None):
        self.browser.click("dialog button[type=submit]", words)


def walk(at, base, user, password, folder, file):
    browser = at.browser
    browser.open(base.rstrip("/") + "/")
    at.see("input[type=password]")
    at.step("log in")
    browser.fill("Name", user)
    browser.fill("Password", password)
    browser.press("Enter")
    at.see(".link-state.live")
    at.see("tr[data-link], .empty")
    at.step("the list")

    browser.press("u")
    at.see(".drop")
    broken = folder / "broken.py"
    broken.write_text(STRATEGY.replace("if held > 0:", "if held > 0"))
    browser.choose_file("input[type=file]", broken)
    at.see(".problem .hit, .problem .excerpt div")
    at.step("a broken file is refused with its line")

    browser.choose_file("input[type=file]", file)
    at.see(".callout.good")
    if file.suffix == ".py":
        browser.click("summary")
        browser.fill("strategy.json", CONFIG)
        browser.script("document.activeElement.blur()")
    at.see(".callout.good")
    at.see(".facts dd", "Walker" if file.suffix == ".py" else None)
    at.step("a good file is valid")
    browser.click(".actions button", "Upload and start")
    at.see("dialog select")
    at.see("dialog label", "Capital")
    at.step("the start form")
    at.submit("Start")
    at.see(".page-head .badge", "Running")
    at.see(".log-line")
    at.step("it runs")
    at.see(".recent-list li")
    at.see("canvas, svg.plain")
    at.step("its first fill")
    address = browser.script("location.hash").split("/")[2]

    for tab, wanted in (("log", ".log-line"), ("signals", "tbody td"), ("orders", "tbody td"), ("fills", "tbody td"), ("code", ".CodeMirror-line, .code li, .empty"), ("settings", ".facts")):
        browser.script(f"location.hash = '#/strategies/{address}/{tab}'")
        at.see(wanted)
        at.step(tab)
    for page in ("positions", "orders", "limits", "accounts", "feeds", "health", "users", "tokens", "audit"):
        browser.script(f"location.hash = '#/{page}'")
        at.see("main .panel, main .empty")
        at.step("page " + page)

    browser.script(f"location.hash = '#/strategies/{address}'")
    at.see(".page-head .badge", "Running")
    browser.click(".page-head button", "More")
    browser.click("dialog button", "Send it a signal")
    browser.fill("Action", "CRASH")
    at.submit("Send")
    at.see(".cause-place .callout", "ZeroDivisionError")
    at.step("it crashed and says why")
    at.see(".page-head .badge", "Running")
    at.step("it came back")

    browser.click(".stop-all")
    browser.fill("Reason", "a walk through the pages")
    at.submit("Stop all trading")
    at.see(".halt-bar", "a walk through the pages")
    at.step("trading is halted")
    browser.click(".halt-bar button", "Resume")
    at.submit("Resume")
    browser.gone(".halt-bar")
    at.step("trading goes on")

    browser.click(".page-head button", "Stop")
    browser.click(".option-card", "close positions")
    at.step("stop and flatten")
    at.submit("Stop")
    at.see(".page-head .badge", "Stopped")
    at.step("it stopped")
    browser.click(".page-head button", "More")
    browser.click("dialog button", "Delete")
    at.submit("Delete")
    browser.gone("dialog", seconds=at.patience)
    at.see("h1", "Strategies")
    if browser.script(f"[...document.querySelectorAll('tr[data-link]')].some((row) => row.dataset.link.endsWith('/{address}'))"):
        browser.until(lambda: not browser.script(f"[...document.querySelectorAll('tr[data-link]')].some((row) => row.dataset.link.endsWith('/{address}'))"), "the strategy to leave the list")
    at.step("it is deleted")


def rules(at, base, user, password, folder, file):
    """Each strategy breaks one rule; its author sees the page and nothing else."""
    browser = at.browser
    browser.open(base.rstrip("/") + "/")
    browser.fill("Name", user)
    browser.fill("Password", password)
    browser.press("Enter")
    at.see(".link-state.live")
    for name, (body, cause, refused) in RULES.items():
        trial = folder / f"{name}.py"
        trial.write_text(f"from bullpen import Strategy\n\n\nclass Trial(Strategy):\n    def on_start(self):\n{body}\n")
        browser.script("location.hash = '#/upload'")
        at.see(".drop")
        browser.choose_file("input[type=file]", trial)
        at.see(".callout.good")
        browser.click("summary")
        share = 0.05 if name == "is-held-back" else 0.2
        config = {"memory_mb": 64, "cpu_share": share, "restart": {"policy": "temporary"}, "start": at.start}
        browser.fill("strategy.json", json.dumps(config))
        browser.script("document.activeElement.blur()")
        at.see(".callout.good")
        browser.click(".actions button", "Upload and start")
        at.see("dialog select")
        at.submit("Start")
        for words in cause:
            at.see(".cause-place .callout", words)
        for words in refused:
            at.see("#refused", words)
        if name in ("eats-memory", "loops"):
            at.see(".facts dt", "Most memory")
            at.see(".hint", "Of its last run.")
        if name == "is-held-back":
            at.see(".log-line", "held back for")
            at.see(".meter", "of the last minute")
        at.step(name)
        # The first of a profile waits for its nursery, or is started anew when that takes long.
        if at.start == "cold" or name != next(iter(RULES)):
            address = browser.script("location.hash").split("/")[2]
            browser.script(f"location.hash = '#/strategies/{address}/log'")
            at.see(".log-line", f"started {at.start} in")
    browser.script("location.hash = '#/strategies'")
    at.see("tr[data-link]", "orbidden system call: mount(")
    at.see("tr[data-link]", "killed for memory: limit 64 MiB")
    at.see("tr[data-link]", "refused 1 call")
    at.step("the list says why")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--base", default="http://127.0.0.1:8080")
    options.add_argument("--user", default="admin")
    options.add_argument("--password-file", type=pathlib.Path)
    options.add_argument("--fake", action="store_true")
    options.add_argument("--to", default=fake_api.ROOT / ".build/pages/walk")
    options.add_argument("--file", type=pathlib.Path, help="a .zip or .py that trades soon and crashes at the signal CRASH")
    options.add_argument("--patience", type=float, default=60, help="seconds to wait for each thing")
    options.add_argument("--phone", action="store_true")
    options.add_argument("--dark", action="store_true")
    options.add_argument("--rules", action="store_true", help="break a rule of the sandbox each, on a real host")
    options.add_argument("--lab", action="store_true", help="walk through the Lab, on a real host")
    options.add_argument("--door", choices=("warm", "cold"), default="warm", help="how those are started (warm)")
    options.add_argument("--live", action="store_true", help="on a host of its own, which lives as long as the walk")
    chosen = options.parse_args()
    chosen.venue = None
    with contextlib.ExitStack() as stack:
        if chosen.live:
            chosen.venue = stack.enter_context(walk_lab.Exchange()) if chosen.lab else None
            settings = {"venues.binance_testnet": chosen.venue.address} if chosen.lab else {}
            host = stack.enter_context(LiveHost(settings=settings))
            return go("http://127.0.0.1:%d" % host.port, host.password, chosen)
        return go(*address(options, chosen), chosen)


def address(options, chosen):
    """Where the host is, and its password."""
    if chosen.fake:
        server = fake_api.serve(pause=0.3)
        return "http://127.0.0.1:%d" % server.server_address[1], "bullpen"
    if not chosen.password_file:
        options.error("--password-file, --live or --fake is needed")
    return chosen.base, chosen.password_file.read_text().splitlines()[0]


def go(base, password, chosen):
    try:
        browser = Browser(*((390, 844) if chosen.phone else (1440, 900)), dark=chosen.dark, phone=chosen.phone)
    except FileNotFoundError as error:
        print(f"skipped: {error}")
        return 77
    with browser, tempfile.TemporaryDirectory() as folder:
        browser.expected_status = {400, 401, 409}
        at = Walk(browser, chosen)
        at.start, at.venue = chosen.door, chosen.venue
        good = pathlib.Path(folder, "walker.py")
        good.write_text(STRATEGY)
        try:
            (rules if chosen.rules else walk_lab.walk if chosen.lab else walk)(at, base, chosen.user, password, pathlib.Path(folder), chosen.file or good)
        except PageError as error:
            at.step("FAILED")
            print(f"FAILED: {error}")
            return 1
        if browser.complaints:
            print("\n".join(["the console complained:", *browser.complaints]))
            return 1
    print(f"all steps were seen; pictures are in {at.to}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

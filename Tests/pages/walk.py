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
import pathlib
import signal
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "live"))

import fake_api
import walk_lab
import walk_rules
import walk_trading
from browser import PageError
from live_exchange import LiveExchange
from live_host import LiveHost
from user import in_browser
from walker import Walker


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
    # Whoever ends the walk ends its host, its exchange and its browser with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with contextlib.ExitStack() as stack:
        if chosen.live:
            chosen.venue = stack.enter_context(LiveExchange()) if chosen.lab else None
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
    size = (390, 844) if chosen.phone else (1440, 900)
    return in_browser(lambda browser: take(browser, base.rstrip("/"), password, chosen), *size, dark=chosen.dark, phone=chosen.phone)


def take(browser, base, password, chosen):
    """Takes the walk. The exit status."""
    browser.expected_status = {400, 401, 409}
    at = Walker(browser, base, chosen)
    way = walk_rules if chosen.rules else walk_lab if chosen.lab else walk_trading
    with tempfile.TemporaryDirectory() as folder:
        try:
            way.walk(at, chosen.user, password, pathlib.Path(folder), chosen.file)
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

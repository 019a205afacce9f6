#!/usr/bin/env python3
"""Opens every page of the pretended host in light, dark and on a phone, checks each, and takes its picture.

    gallery.py [--to FOLDER] [--only WORD] [--looks light,dark,phone]

Checked on every page: nothing complained in the console (which includes the content security policy), nothing is
wider than the window, every control has a name, and every text has enough contrast (WCAG 2.1 AA).
Exit status 0 when all is well, 1 with a list of findings otherwise, 77 when there is no Chromium here.
"""

import argparse
import pathlib
import sys
import tempfile

import fake_api
from browser import PageError
from fake_strategy import SOURCE
from user import User, each_of, in_browser, named

AUDIT = pathlib.Path(__file__).with_name("audit.js").read_text()
LOOKS = {"light": (1440, 900, False, False), "dark": (1440, 900, True, False), "phone": (390, 844, False, True), "phone-dark": (390, 844, True, True)}
DRAWN = ".charts canvas, .charts svg.plain"
ROWS = "tr[data-link]"

# What stands at an address of its own name, what at another, and what a strategy has beside its page: all with what to wait for.
PAGES = {
    "strategies": ROWS, "positions": "td", "orders": "td", "upload": ".drop", "limits": ".facts", "accounts": ".facts", "feeds": ".facts", "health": ".check", "users": "td",
    "credentials": "td", "tokens": "td", "audit": "td", "lab": ROWS, "studies": ROWS, "deployments": "td", "data": "td", "criteria": "td"}
PLACES = {
    "strategy-missing": ("strategies/nowhere", ".failed"), "lab-run": ("lab/1", DRAWN), "lab-run-under-way": ("lab/4", ".meter"), "lab-run-failed": ("lab/5", ".callout.bad"),
    "lab-compare": ("lab/compare/1,2,3", DRAWN), "lab-compare-choose": ("lab/compare", ".picks"), "study-search": ("studies/1", "table.heat td"),
    "study-walk-forward": ("studies/2", ".chart svg.plain"), "study-under-way": ("studies/4", ".progress"), "study-start-up": ("studies/5", ".callout.bad"),
    "study-look-ahead": ("studies/6", ".callout.bad")}
TABS = {
    "log": ".log-line", "signals": "td", "orders": "td", "fills": "td", "code": ".CodeMirror-line, .code li", "settings": ".facts", "promotion": "table.data td",
    "runs": ".tab-body .empty"}
OTHERS = {
    "quarantined": ("Random forest classifier", ".callout.bad"), "backing-off": ("Grid", ".callout.warn"), "new": ("First try", ".chart-empty")}
# What a button opens: the page, the button, what is seen then.
OPENED = {
    "upload-valid": ("upload", ("button", "Check the example"), ".callout.good"),
    "accounts-new": ("accounts", ("button", "New paper account"), "dialog[open] input"),
    "feeds-new": ("feeds", ("button", "New feed"), "dialog[open] input"),
    "credentials-new": ("credentials", ("button", "Add a key"), "dialog[open] input"),
    "lab-form": ("lab", ("button", "Backtest"), "dialog[open] select"),
    "studies-new": ("studies", ("button", "Begin one"), "dialog[open] .range-row"),
    "deployments-deploy": ("deployments", ("button", "Deploy"), "dialog[open] select"),
    "data-import": ("data", (".page-head button", "Import"), "dialog[open] input[type=file]"),
    "data-gaps": ("data", ("td button", "128"), ("dialog[open] td", "Unasked")),
    "data-collector": ("data", ("button", "New collector"), "dialog[open] select"),
    "order-story": ("orders", ("td button", "Story"), "dialog[open] .story li"),
    "halt-ask": ("strategies", ".stop-all", "dialog[open]")}
# What an answered dialog shows: the page, the button that opens it, the fields, what is seen then.
ANSWERED = {
    "limits-edit": ("limits", ("section[aria-label='Account paper'] button", "Edit"), {"Leverage": "0.5"}, (".field-error", "at least 1")),
    "tokens-new": ("tokens", ("button", "New token"), {"What is it for?": "curl"}, ".copyable"),
    "data-download": ("data", (".page-head button", "Download"), {"Instrument": "NO"}, (".field-error", "BTCUSDT")),
    "criteria-edit": ("criteria", ("section[aria-label='From paper to live'] button", "Edit"), {"Drawdown of the backtest": "200"}, (".field-error", "allowed are")),
    "halted": ("strategies", ".stop-all", {"Reason": "venue misbehaves"}, ".halt-bar")}


def pages(world):
    """Name, address, what to wait for, and what to do before the picture."""
    if not world.strategies:
        for path in ("strategies", "positions", "orders", "tokens", "studies", "deployments", "data"):
            yield "empty-" + path, path, ".empty", None
        return
    main = "strategies/" + named(world, "Moving average crossover").id
    for name, wanted in PAGES.items():
        yield name, name, wanted, None
    for name, (address, wanted) in PLACES.items():
        yield name, address, wanted, None
    yield "strategy", main, "canvas, svg.plain", None
    for name, wanted in TABS.items():
        yield "strategy-" + name, f"{main}/{name}", wanted, None
    for name, (strategy, wanted) in OTHERS.items():
        yield "strategy-" + name, "strategies/" + named(world, strategy).id, wanted, None
    yield "stop", main, ".tabs", opens((".page-head button", "Stop"), ".option-card")
    yield "upload-broken", "upload", ".drop", broken
    yield "start", "strategies/" + named(world, "RSI mean reversion").id, ".tabs", start
    yield "lab-form-costs", "lab", ROWS, costs
    yield "palette", "strategies", "td", lambda at: (at.browser.press("k", modifiers=2), at.see(".palette li", "Grid"))
    yield "keys", "strategies", "td", lambda at: (at.browser.press("?"), at.see(".keys"))
    for name, (page, button, wanted) in OPENED.items():
        yield name, page, PAGES[page], opens(button, wanted)
    for name, (page, button, fields, wanted) in ANSWERED.items():
        yield name, page, PAGES[page], answers(button, fields, wanted)


def opens(button, wanted):
    return lambda at: (at.click(*each_of(button)), at.see(*each_of(wanted)))


def answers(button, fields, wanted):
    return lambda at: (at.dialog(button, fields), at.see(*each_of(wanted)))


def broken(at):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "breakout.py")
        file.write_text(SOURCE.replace("above = fast > slow", "above = fast > > slow"))
        at.browser.choose_file("input[type=file]", file)
        at.see(".problem .hit")


def start(at):
    """The start form of a stopped strategy, with a refusal beside its field."""
    at.dialog((".page-head button", "Stop"))
    at.see(".page-head .badge", "Stopped")
    at.dialog((".page-head button", "Start"), {"Capital": "900000"})
    at.see(".field-error", "free")


def costs(at):
    """The form of a backtest with its costs unfolded, and a refusal beside its field."""
    at.click("button", "Backtest")
    at.click("dialog summary", "Costs")
    at.fill({"Half spread": "1.5"})
    at.submit()
    at.see(".field-error", "whole number")


class Gallery:
    """The pictures of every page, and what was found wrong."""

    def __init__(self, browser, chosen):
        self.browser, self.chosen, self.findings = browser, chosen, []

    def take_all(self):
        for look in self.chosen.looks.split(","):
            for is_empty in (False, True):
                self.take(look, is_empty)
        for finding in self.findings:
            print(finding)
        print(f"{len(self.findings)} findings; pictures are in {self.chosen.to}")
        return 1 if self.findings else 0

    def take(self, look, is_empty):
        browser = self.browser
        server = fake_api.serve(empty=is_empty, vendor=None if self.chosen.no_vendor else fake_api.ROOT / ".build/vendor/web", pause=0.4)
        at = User(browser, "http://127.0.0.1:%d" % server.server_address[1])
        browser.look(*LOOKS[look])
        browser.expected_status = {401, 404, 400}
        at.arrive()
        if not is_empty:
            self.picture(look, "login")
        at.enter()
        at.see(".frame")
        for name, address, wanted, work in pages(server.world):
            if self.chosen.only not in name:
                continue
            try:
                browser.open("about:blank")
                at.go(address, wanted)
                if work:
                    work(at)
                self.picture(look, name)
            except PageError as error:
                self.findings.append(f"{look} {name}: {error}")
                browser.shoot(pathlib.Path(self.chosen.to, f"{look}-{name}-FAILED.png"))
        server.shutdown()

    def picture(self, look, name):
        browser = self.browser
        browser.script("window.scrollTo(0, 0)")
        browser.shoot(pathlib.Path(self.chosen.to, f"{look}-{name}.png"))
        for finding in browser.script(AUDIT) + browser.complaints:
            self.findings.append(f"{look} {name}: {finding}")
        browser.complaints.clear()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--to", default=fake_api.ROOT / ".build/pages")
    options.add_argument("--only", default="")
    options.add_argument("--looks", default="light,dark,phone")
    options.add_argument("--no-vendor", action="store_true", help="as if the charts and the editor were not installed")
    chosen = options.parse_args()
    return in_browser(lambda browser: Gallery(browser, chosen).take_all())


if __name__ == "__main__":
    sys.exit(main())

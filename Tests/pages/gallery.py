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
from browser import Browser, PageError

AUDIT = pathlib.Path(__file__).with_name("audit.js").read_text()
LOOKS = {"light": (1440, 900, False, False), "dark": (1440, 900, True, False), "phone": (390, 844, False, True), "phone-dark": (390, 844, True, True)}


def named(world, name):
    return next(one.id for one in world.strategies.values() if one.name == name)


def pages(world):
    """Name, address, what to wait for, and what to do before the picture."""
    if not world.strategies:
        for path in ("strategies", "positions", "orders", "tokens", "studies", "deployments", "data"):
            yield "empty-" + path, "#/" + path, ".empty", None
        return
    main = "#/strategies/" + named(world, "Moving average crossover")
    yield "strategies", "#/strategies", "tr[data-link]", None
    yield "strategy", main, "canvas, svg.plain", None
    yield "strategy-log", main + "/log", ".log-line", None
    yield "strategy-signals", main + "/signals", "td", None
    yield "strategy-orders", main + "/orders", "td", None
    yield "strategy-fills", main + "/fills", "td", None
    yield "strategy-code", main + "/code", ".CodeMirror-line, .code li", None
    yield "strategy-settings", main + "/settings", ".facts", None
    yield "strategy-quarantined", "#/strategies/" + named(world, "Random forest classifier"), ".callout.bad", None
    yield "strategy-backing-off", "#/strategies/" + named(world, "Grid"), ".callout.warn", None
    yield "strategy-new", "#/strategies/" + named(world, "First try"), ".chart-empty", None
    yield "strategy-missing", "#/strategies/nowhere", ".failed", None
    yield "positions", "#/positions", "td", None
    yield "orders", "#/orders", "td", None
    yield "upload", "#/upload", ".drop", None
    yield "upload-valid", "#/upload", ".drop", lambda browser: (browser.click("button", "Check the example"), browser.find(".callout.good"))
    yield "upload-broken", "#/upload", ".drop", broken
    yield "limits", "#/limits", ".facts", None
    yield "limits-edit", "#/limits", ".facts", lambda browser: (browser.click("section[aria-label='Account paper'] button", "Edit"), browser.fill("Leverage", "0.5"), browser.click("dialog button[type=submit]"), browser.find(".field-error", "at least 1"))
    yield "accounts", "#/accounts", ".facts", None
    yield "accounts-new", "#/accounts", ".facts", lambda browser: (browser.click("button", "New paper account"), browser.find("dialog[open] input"))
    yield "feeds", "#/feeds", ".facts", None
    yield "feeds-new", "#/feeds", ".facts", lambda browser: (browser.click("button", "New feed"), browser.find("dialog[open] input"))
    yield "health", "#/health", ".check", None
    yield "users", "#/users", "td", None
    yield "credentials", "#/credentials", "td", None
    yield "credentials-new", "#/credentials", "td", lambda browser: (browser.click("button", "Add a key"), browser.find("dialog[open] input"))
    yield "tokens", "#/tokens", "td", None
    yield "tokens-new", "#/tokens", "td", lambda browser: (browser.click("button", "New token"), browser.fill("What is it for?", "curl"), browser.click("dialog button[type=submit]"), browser.find(".copyable"))
    yield "audit", "#/audit", "td", None
    yield "start", "#/strategies/" + named(world, "RSI mean reversion"), ".tabs", start
    yield "stop", main, ".tabs", lambda browser: (browser.click(".page-head button", "Stop"), browser.find(".option-card"))
    yield "lab", "#/lab", "tr[data-link]", None
    yield "lab-form", "#/lab", "tr[data-link]", lambda browser: (browser.click("button", "Backtest"), browser.find("dialog[open] select"))
    yield "lab-run", "#/lab/1", ".charts canvas, .charts svg.plain", None
    yield "lab-run-under-way", "#/lab/4", ".meter", None
    yield "lab-run-failed", "#/lab/5", ".callout.bad", None
    yield "lab-compare", "#/lab/compare/1,2,3", ".charts canvas, .charts svg.plain", None
    yield "lab-compare-choose", "#/lab/compare", ".picks", None
    yield "studies", "#/studies", "tr[data-link]", None
    yield "studies-new", "#/studies", "tr[data-link]", lambda browser: (browser.click("button", "Begin one"), browser.find("dialog[open] .range-row"))
    yield "study-search", "#/studies/1", "table.heat td", None
    yield "study-walk-forward", "#/studies/2", ".chart svg.plain", None
    yield "study-under-way", "#/studies/4", ".progress", None
    yield "study-start-up", "#/studies/5", ".callout.bad", None
    yield "study-look-ahead", "#/studies/6", ".callout.bad", None
    yield "strategy-promotion", main + "/promotion", "table.data td", None
    yield "strategy-runs", main + "/runs", ".tab-body .empty", None
    yield "deployments", "#/deployments", "td", None
    yield "deployments-deploy", "#/deployments", "td", lambda browser: (browser.click("button", "Deploy"), browser.find("dialog[open] select"))
    yield "data", "#/data", "td", None
    yield "data-download", "#/data", "td", lambda browser: (browser.click(".page-head button", "Download"), browser.fill("Instrument", "NO"), browser.click("dialog button[type=submit]"), browser.find(".field-error", "BTCUSDT"))
    yield "data-import", "#/data", "td", lambda browser: (browser.click(".page-head button", "Import"), browser.find("dialog[open] input[type=file]"))
    yield "data-gaps", "#/data", "td", lambda browser: (browser.click("td button", "128"), browser.find("dialog[open] td", "Unasked"))
    yield "data-collector", "#/data", "td", lambda browser: (browser.click("button", "New collector"), browser.find("dialog[open] select"))
    yield "criteria", "#/criteria", "td", None
    yield "criteria-edit", "#/criteria", "td", lambda browser: (browser.click("section[aria-label='From paper to live'] button", "Edit"), browser.fill("Drawdown of the backtest", "200"), browser.click("dialog button[type=submit]"), browser.find(".field-error", "allowed are"))
    yield "palette", "#/strategies", "td", lambda browser: (browser.press("k", modifiers=2), browser.find(".palette li", "Grid"))
    yield "keys", "#/strategies", "td", lambda browser: (browser.press("?"), browser.find(".keys"))
    yield "halt-ask", "#/strategies", "td", lambda browser: (browser.click(".stop-all"), browser.find("dialog[open]"))
    yield "halted", "#/strategies", "td", lambda browser: (browser.click(".stop-all"), browser.fill("Reason", "venue misbehaves"), browser.click("dialog button[type=submit]"), browser.find(".halt-bar"))


def broken(browser):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "breakout.py")
        file.write_text(fake_api.SOURCE.replace("above = fast > slow", "above = fast > > slow"))
        browser.choose_file("input[type=file]", file)
        browser.find(".problem .hit")


def start(browser):
    """The start form of a stopped strategy, with a refusal beside its field."""
    browser.click(".page-head button", "Stop")
    browser.click("dialog button[type=submit]")
    browser.find(".page-head .badge", "Stopped")
    browser.click(".page-head button", "Start")
    browser.fill("Capital", "900000")
    browser.click("dialog button[type=submit]")
    browser.find(".field-error", "free")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--to", default=fake_api.ROOT / ".build/pages")
    options.add_argument("--only", default="")
    options.add_argument("--looks", default="light,dark,phone")
    options.add_argument("--no-vendor", action="store_true", help="as if the charts and the editor were not installed")
    chosen = options.parse_args()
    findings = []
    try:
        browser = Browser()
    except FileNotFoundError as error:
        print(f"skipped: {error}")
        return 77
    with browser:
        for look in chosen.looks.split(","):
            for empty in (False, True):
                server = fake_api.serve(empty=empty, vendor=None if chosen.no_vendor else fake_api.ROOT / ".build/vendor/web", pause=0.4)
                base = "http://127.0.0.1:%d" % server.server_address[1]
                browser.look(*LOOKS[look])
                browser.expected_status = {401, 404, 400} | ({404} if chosen.no_vendor else set())
                browser.call("Network.clearBrowserCookies")
                browser.open("about:blank")
                browser.open(base + "/")
                browser.find("input[type=password]")
                if not empty:
                    picture(browser, chosen, findings, look, "login")
                log_in(browser)
                for name, address, wanted, work in pages(server.world):
                    if chosen.only not in name:
                        continue
                    try:
                        browser.open("about:blank")
                        browser.open(base + "/" + address)
                        browser.find(wanted)
                        if work:
                            work(browser)
                        picture(browser, chosen, findings, look, name)
                    except PageError as error:
                        findings.append(f"{look} {name}: {error}")
                        browser.shoot(pathlib.Path(chosen.to, f"{look}-{name}-FAILED.png"))
                server.shutdown()
    for finding in findings:
        print(finding)
    print(f"{len(findings)} findings; pictures are in {chosen.to}")
    return 1 if findings else 0


def log_in(browser):
    browser.fill("Name", "admin")
    browser.fill("Password", "bullpen")
    browser.press("Enter")
    browser.find(".frame")


def picture(browser, chosen, findings, look, name):
    browser.script("window.scrollTo(0, 0)")
    browser.shoot(pathlib.Path(chosen.to, f"{look}-{name}.png"))
    for finding in browser.script(AUDIT) + browser.complaints:
        findings.append(f"{look} {name}: {finding}")
    browser.complaints.clear()


if __name__ == "__main__":
    sys.exit(main())

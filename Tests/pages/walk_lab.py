"""The walk through the Lab, as a newcomer would take it: candles, a backtest, its report, a search, the gate, a deployment.

`walk.py --live --lab` begins it, on a host of its own beside an exchange of its own.
"""

import csv
import gzip
import math
import pathlib
import random
import time
import zipfile

import steady

TEMPLATE = pathlib.Path(__file__).resolve().parents[2] / "strategy-templates/ma-crossover"
BARS = 20_000
DRAWN = ".charts canvas, .charts svg.plain"
LOADED = (
    "strategies", "positions", "orders", "lab", "lab/1", "lab/compare/1,2", "studies", "studies/1", "deployments", "limits", "accounts", "data",
    "criteria", "health", "audit")
GATE = "section[aria-label='From the Lab to paper']"


def candle_file(folder):
    """A file of made candles that go up and down in waves, named as the host reads it; ten of them are absent."""
    source, price = random.Random(7), 30_000.0
    end = int(time.time()) // 60 * 60_000
    path = folder / "binance-BTCUSDT-1m.csv.gz"
    with gzip.open(path, "wt", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["time_ms", "open", "high", "low", "close", "volume"])
        for index in range(BARS):
            start = price
            price *= math.exp(0.0006 * math.sin(index / 60) + source.gauss(0, 0.0006))
            spread = 1 + abs(source.gauss(0, 0.0003))
            if not 5000 <= index < 5010:
                rows.writerow([end - (BARS - index) * 60_000, f"{start:.2f}", f"{max(start, price) * spread:.2f}", f"{min(start, price) / spread:.2f}", f"{price:.2f}", "3.5"])
    return path


def template(folder):
    path = folder / "ma-crossover.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(TEMPLATE.iterdir()):
            archive.write(file, file.name)
    return path


def walk(at, user, password, folder, file=None):
    at.arrive()
    at.enter(user, password)
    at.see(".link-state.live")
    at.go("lab")
    at.shows("the Lab is empty", (".empty", "Upload a strategy"))
    fetch(at, folder)
    strategy = backtest(at, folder)
    search(at)
    promote(at)
    deploy(at, strategy)
    steady.watch(at, LOADED + tuple(f"strategies/{strategy}{tab}" for tab in ("", "/orders", "/promotion", "/code")))


def fetch(at, folder):
    """Candles: from a file, and where there is an exchange by a download and a collector."""
    at.go("data")
    at.shows("no candles yet", (".empty", "No candles yet"))
    at.click(".page-head button", "Import")
    at.browser.choose_file("dialog input[type=file]", candle_file(folder))
    at.submit("Import")
    at.shows("a file is imported and its gap is seen", ("td", f"{BARS - 10:,}"), ("td button", "10"))
    if not at.venue:
        return
    at.click(".page-head button", "Download")
    at.pick("venue", "binance-testnet")
    at.fill({"Instrument": "ethusdt"})
    at.step("what to download")
    at.submit("Download")
    at.shows("a download is done", ("section[aria-label=Downloads] .badge", "Done"), ("section[aria-label='Stored candles'] td", "ETHUSDT"))
    at.click("section[aria-label=Collectors] header button", "New collector")
    at.fill({"Name": "eth"})
    at.pick("venue", "binance-testnet")
    at.fill({"Instruments": "ETHUSDT", "Lengths of candle": "1m"})
    at.submit("Begin")
    at.shows("a collector goes on", ("section[aria-label=Collectors] td", "eth"), ("section[aria-label=Collectors] .badge", "Waiting"))


def backtest(at, folder):
    """Uploads a strategy and runs it over the candles. Its id."""
    at.go("upload", ".drop")
    at.choose(template(folder))
    at.see(".callout.good")
    at.click(".actions button.primary", "Upload")
    at.see(".page-head .badge", "Stopped")
    strategy = at.strategy()
    at.go("lab")
    at.see("tr", "Moving-average crossover")
    at.asked("the form of a backtest", ("button", "Backtest"), ("dialog", "19,990 candles"), submit="Run the backtest")
    at.shows("a backtest has run", ("tr .badge", "Completed"))
    at.go("lab/1")
    at.shows("its report", DRAWN)
    return strategy


def search(at):
    at.go("studies")
    at.see(".empty", "No studies yet")
    at.click("button", "Begin one")
    at.see("dialog .range-row")
    at.type({"fast, from": "5", "fast, to": "25", "fast, step": "10", "slow, from": "20", "slow, to": "60", "slow, step": "20"})
    at.shows("the form of a search", ("dialog .hint", "9 backtests"))
    at.submit("Begin")
    at.shows("a search with its heat map", (".callout.good", "Best"), "table.heat td")
    at.click("button", "Backtest it")
    at.shows("the best by itself", (".page-head h1", "study 1: "), DRAWN)


def promote(at):
    at.click(".page-head a", "Promotion")
    at.shows("the gate is closed", ("td", "Look-ahead check"))
    at.dialog(("button", "Promote to paper"), submit="Promote to paper")
    at.shows("and says why", ("dialog .form-error", "look-ahead check"))
    at.browser.press("Escape")
    at.gone("dialog")
    at.click(f"{GATE} button", "Run the check")
    at.shows("the check was passed", (f"{GATE} td .badge.good", "met"), (f"{GATE} .button.primary", "Promote to paper"))
    at.dialog(("button", "Promote to paper"), submit="Promote to paper")
    at.shows("promoted to paper", (".badge", "Promoted to paper"))
    at.go("criteria")
    at.shows("what the gates ask for", ("td", "Look-ahead check passed"))


def deploy(at, strategy):
    deployed = "section[aria-label='What is deployed'] .badge"
    at.go("deployments")
    at.asked("what to deploy", ("button", "Deploy"), "dialog select", fields={"Capital": "1000"}, submit="Deploy")
    at.shows("deployed", (deployed, "Running"))
    at.go(f"strategies/{strategy}")
    at.shows("watched", (".page-head .badge", "Running"), "canvas, svg.plain")
    at.go("studies")
    at.shows("all studies", ("tr", "clean"))
    at.go("deployments")
    at.dialog(("button", "End"), submit="End it")
    at.shows("ended", (deployed, "ended"))

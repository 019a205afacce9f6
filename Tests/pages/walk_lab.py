"""The walk through the Lab, as a newcomer would take it: candles, a backtest, its report, a search, the gate, a deployment.

`walk.py --live --lab` begins it, on a host of its own beside an exchange of its own.
"""

import csv
import gzip
import math
import os
import random
import signal
import subprocess
import time
import zipfile

import fake_api
from live_host import STAGE, free_port

TEMPLATE = fake_api.ROOT / "strategy-templates/ma-crossover"
BARS = 20_000


class Exchange:
    """`bullpen simulate binance` on a free port, in a `with`."""

    def __init__(self):
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self.process = subprocess.Popen(
            [os.path.join(STAGE, "bin", "bullpen"), "simulate", "binance", "--port", str(self.port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


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


def walk(at, base, user, password, folder, _):
    browser = at.browser
    go = lambda address: browser.script(f"location.hash = '#/{address}'")
    browser.open(base.rstrip("/") + "/")
    browser.fill("Name", user)
    browser.fill("Password", password)
    browser.press("Enter")
    at.see(".link-state.live")

    go("lab")
    at.see(".empty", "Upload a strategy")
    at.step("the Lab is empty")
    go("data")
    at.see(".empty", "No candles yet")
    at.step("no candles yet")
    browser.click(".page-head button", "Import")
    browser.choose_file("dialog input[type=file]", candle_file(folder))
    at.submit("Import")
    at.see("td", f"{BARS - 10:,}")
    at.see("td button", "10")
    at.step("a file is imported and its gap is seen")
    if at.venue:
        browser.click(".page-head button", "Download")
        browser.script("document.querySelector('dialog select[name=venue]').value = 'binance-testnet'")
        browser.fill("Instrument", "ethusdt")
        at.step("what to download")
        at.submit("Download")
        at.see("section[aria-label=Downloads] .badge", "Done")
        at.see("section[aria-label='Stored candles'] td", "ETHUSDT")
        at.step("a download is done")
        browser.click("section[aria-label=Collectors] header button", "New collector")
        browser.fill("Name", "eth")
        browser.script("document.querySelector('dialog select[name=venue]').value = 'binance-testnet'")
        browser.fill("Instruments", "ETHUSDT")
        browser.fill("Lengths of candle", "1m")
        at.submit("Begin")
        at.see("section[aria-label=Collectors] td", "eth")
        at.see("section[aria-label=Collectors] .badge", "Waiting")
        at.step("a collector goes on")

    go("upload")
    at.see(".drop")
    browser.choose_file("input[type=file]", template(folder))
    at.see(".callout.good")
    browser.click(".actions button.primary", "Upload")
    at.see(".page-head .badge", "Stopped")
    strategy = browser.script("location.hash").split("/")[2]
    go("lab")
    at.see("tr", "Moving-average crossover")
    browser.click("button", "Backtest")
    at.see("dialog", "19,990 candles")
    at.step("the form of a backtest")
    at.submit("Run the backtest")
    at.see("tr .badge", "Completed")
    at.step("a backtest has run")
    go("lab/1")
    at.see(".charts canvas, .charts svg.plain")
    at.step("its report")

    go("studies")
    at.see(".empty", "No studies yet")
    browser.click("button", "Begin one")
    at.see("dialog .range-row")
    browser.script("""(() => {
        const type = (label, value) => { const input = document.querySelector(`dialog input[aria-label="${label}"]`); input.value = value; input.dispatchEvent(new Event('input')); };
        type('fast, from', '5'); type('fast, to', '25'); type('fast, step', '10'); type('slow, from', '20'); type('slow, to', '60'); type('slow, step', '20');
    })()""")
    at.see("dialog .hint", "9 backtests")
    at.step("the form of a search")
    at.submit("Begin")
    at.see(".callout.good", "Best")
    at.see("table.heat td")
    at.step("a search with its heat map")
    browser.click("button", "Backtest it")
    at.see(".page-head h1", "study 1: ")
    at.see(".charts canvas, .charts svg.plain")
    at.step("the best by itself")

    browser.click(".page-head a", "Promotion")
    at.see("td", "Look-ahead check")
    at.step("the gate is closed")
    browser.click("button", "Promote to paper")
    at.submit("Promote to paper")
    at.see("dialog .form-error", "look-ahead check")
    at.step("and says why")
    browser.press("Escape")
    browser.gone("dialog")
    browser.click("section[aria-label='From the Lab to paper'] button", "Run the check")
    at.see("section[aria-label='From the Lab to paper'] td .badge.good", "met")
    browser.find("section[aria-label='From the Lab to paper'] .button.primary", "Promote to paper", at.patience)
    at.step("the check was passed")
    browser.click("button", "Promote to paper")
    at.submit("Promote to paper")
    at.see(".badge", "Promoted to paper")
    at.step("promoted to paper")
    go("criteria")
    at.see("td", "Look-ahead check passed")
    at.step("what the gates ask for")

    go("deployments")
    browser.click("button", "Deploy")
    at.see("dialog select")
    browser.fill("Capital", "1000")
    at.step("what to deploy")
    at.submit("Deploy")
    at.see("section[aria-label='What is deployed'] .badge", "Running")
    at.step("deployed")
    go(f"strategies/{strategy}")
    at.see(".page-head .badge", "Running")
    at.see("canvas, svg.plain")
    at.step("watched")
    go("studies")
    at.see("tr", "clean")
    at.step("all studies")
    go("deployments")
    browser.click("button", "End")
    at.submit("End it")
    at.see("section[aria-label='What is deployed'] .badge", "ended")
    at.step("ended")

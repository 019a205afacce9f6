#!/usr/bin/env python3
"""What the pages promise to do, tried in a headless Chromium against the pretended host.

Each check is a function whose name is the promise. Exit status 0 when all hold, 1 with what did not, 77 without Chromium.
"""

import base64
import io
import json
import re
import sys
import tempfile
import pathlib
import zipfile

import fake_api
from browser import PageError
from user import User, in_browser, named

CHECKS = []


def check(function=None, user="admin"):
    """Marks what is to be tried, and as whom."""
    if function is None:
        return lambda marked: check(marked, user)
    CHECKS.append((function, user))
    return function


class Fixture(User):
    """One browser and one pretended host, logged in."""

    def __init__(self, browser, user):
        self.server = fake_api.serve(pause=0.2)
        self.world = self.server.world
        super().__init__(browser, "http://127.0.0.1:%d" % self.server.server_address[1])
        browser.look(1440, 900)
        self.arrive()
        self.enter(user)
        self.see(".frame")

    def strategy(self, name):
        return named(self.world, name)

    def record(self, condition):
        """Keeps the body of each request of the page that meets a condition in JavaScript on `path` and `options`."""
        self.browser.script("""window.sent = []; const real = window.fetch; window.fetch = (path, options) => {
            if (%s) window.sent.push(options.body); return real(path, options); }; 0""" % condition)

    def sent(self):
        return self.browser.script("window.sent")

    def resume(self, *button):
        """Lets trade again what was halted, by a button that asks first."""
        self.dialog(button)
        self.gone(".halt-bar")

    def halted(self):
        return [one["scope"] for one in self.world.halts]


def expect(value, wanted):
    if value != wanted:
        raise PageError(f"expected {wanted!r}, got {value!r}")


@check
def decimals_are_formatted_and_added_exactly(at):
    expect(at.browser.script("""import('/js/decimal.js').then((d) => [
        d.format('1234567.890000000000000001'), d.format('-0.5', { places: 0 }), d.format('0.005', { places: 2 }), d.format('-0.004', { places: 2 }),
        d.format('1e5'), d.format(null), d.format('12', { sign: true }), d.sum('0.1', '0.2', null, '-0.05'), d.sum('99999999999999999999.999999999999999999', '0.000000000000000001'),
        d.percent('1', '3'), d.sign('-0.000'), d.money('0.0042'), d.money('1234.5'), d.times('0.05', '64391.84'), d.average('58510.123456789012345'), d.average('0.000012345678901'), d.average('60571.8'), d.stringify({ a: new d.RawNumber('0.10'), b: ['x', null], c: undefined }),
    ])"""), ["1,234,567.890000000000000001", "\u22121", "0.01", "0.00", "1e5", "–", "+12", "0.25", "100000000000000000000", "33.33", 0, "0.0042", "1,234.50",
             "3219.592", "58,510.1235", "0.00001235", "60,571.8", '{"a":0.10,"b":["x",null]}'])


@check
def event_streams_are_cut_at_the_right_places(at):
    expect(at.browser.script("""import('/js/api.js').then((api) => {
        const got = [];
        const parse = api.eventParser((type, data, id) => got.push([type, data, id]));
        const text = ': hello\\n\\nevent: log\\nid: 7\\ndata: {"a":1}\\n\\ndata: one\\r\\ndata: two\\r\\n\\r\\nevent: lonely\\n\\n';
        for (const letter of text) parse(letter);
        parse('data: whole\\n\\ndata: never ended');
        return got;
    })"""), [["log", '{"a":1}', "7"], ["message", "one\ntwo", "7"], ["message", "whole", "7"]])


@check
def an_edited_bundle_is_a_proper_zip_archive(at):
    encoded = at.browser.script("""import('/js/zip.js').then(async (zip) => {
        const bytes = new Uint8Array(await zip.zip([{ path: 'strategy.py', text: 'print("grüß")\\n' }, { path: 'a/b.txt', text: '' }]).arrayBuffer());
        return btoa(String.fromCharCode(...bytes));
    })""")
    archive = zipfile.ZipFile(io.BytesIO(base64.b64decode(encoded)))
    expect(archive.testzip(), None)
    expect({name: archive.read(name).decode() for name in archive.namelist()}, {"strategy.py": 'print("grüß")\n', "a/b.txt": ""})


@check
def a_wrong_password_is_said_and_the_name_stays(at):
    at.arrive()
    at.enter("ada", "wrong")
    at.see(".form-error", "wrong")
    expect(at.browser.script("document.querySelector('input[name=name]').value"), "ada")


@check
def the_log_goes_on_after_the_stream_broke_without_doubles(at):
    strategy = at.strategy("Moving average crossover")
    at.go(f"strategies/{strategy.id}/log", ".log-line")
    at.browser.until(lambda: strategy.watchers, "the page to follow")
    with at.world.lock:
        before = list(strategy.watchers)
        for watcher in before:
            strategy.watchers.discard(watcher)
            watcher.put(None)
        strategy.say("info", "strategy", "said while nobody listened")
    at.browser.until(lambda: set(strategy.watchers) - set(before), "the page to follow again")
    with at.world.lock:
        strategy.say("info", "strategy", "said after the break")
    at.see(".log-line", "said after the break")
    at.see(".log-line", "said while nobody listened")
    lines = at.browser.script("[...document.querySelectorAll('.log-line .text')].map((one) => one.textContent).filter((text) => text.startsWith('said'))")
    expect(sorted(lines), ["said after the break", "said while nobody listened"])


@check
def the_connection_is_shown_lost_and_found(at):
    at.go("strategies", ".link-state.live")
    at.browser.call("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)
    with at.world.lock:
        for watcher in list(at.world.watchers):
            watcher.put(None)
    at.see(".link-state.waiting")
    at.browser.call("Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1, uploadThroughput=-1)
    at.browser.find(".link-state.live", seconds=30)


@check
def a_session_that_ended_loses_nothing_that_was_typed(at):
    at.go("users", "td")
    at.click("button", "Add a user")
    at.fill({"Name": "lin", "Password": "a long password"})
    at.world.sessions.clear()
    at.submit("Add")
    at.see("dialog", "Your session has ended")
    at.enter()
    at.see(".frame")
    at.see("td", "lin")
    expect(any(one["name"] == "lin" for one in at.world.users), True)


@check
def a_key_is_entered_once_and_never_shown_again(at):
    at.go("credentials", "td")
    at.see("li", "runs out within 14 days")
    at.dialog(("button", "Add a key"), {"API key": "badKeyOfBinance", "Secret": "a secret of the exchange"})
    at.see(".field-error", "does not take this key")
    at.fill({"API key": "goodKeyOfBinance"})
    at.submit()
    at.see("code", "good…ance")
    expect(len(at.world.credentials), 3)
    at.click("tr button", "Rotate")
    at.see("dialog", "Strategies go on")
    expect("a secret of the exchange" in at.browser.script("document.documentElement.outerHTML"), False)


@check
def a_refusal_stands_beside_its_field_and_the_input_stays(at):
    strategy = at.strategy("First try")
    at.go("strategies/" + strategy.id, ".tabs")
    at.dialog((".page-head button", "Start"), {"Capital": "1 250,000.50"})
    at.see(".field-error", "free")
    expect(at.browser.script("document.querySelector('input[name=capital]').value"), "1 250,000.50")
    at.fill({"Capital": "abc"})
    at.submit()
    at.see(".field-error", "Write a number")


@check
def parameters_go_out_typed_and_digit_for_digit(at):
    strategy = at.strategy("RSI mean reversion")
    strategy.state = "stopped"
    at.go("strategies/" + strategy.id, ".tabs")
    at.click(".page-head button", "Start")
    at.fill({"Oversold": "30.100000000000000001"})
    at.record("String(path).endsWith('/start')")
    at.submit()
    at.gone("dialog")
    bodies = at.sent()
    expect(re.search(r'"parameters":(.*)}$', bodies[0]).group(1),
           '{"period":14,"oversold":30.100000000000000001,"overbought":70,"use_trend":true,"note":"","windows":[5,20]}')
    expect(json.loads(bodies[0])["capital"], "10000.00")


@check
def a_replay_feed_is_made_of_files_named_one_a_line(at):
    at.go("feeds", ".facts")
    at.dialog(("button", "New feed"), {"Name": "btc-2024", "Candle files": "BTCUSDT-5m.csv.gz\nprices.csv ETHUSDT 1m", "Speed": "max"})
    at.gone("dialog")
    expect(at.world.feeds[-1]["settings"], {"files": ["BTCUSDT-5m.csv.gz", {"path": "prices.csv", "symbol": "ETHUSDT", "resolution": "1m"}], "lookback": 100, "speed": "max"})


@check
def only_changed_settings_of_an_account_are_sent(at):
    at.go("accounts", ".facts")
    at.click("section[aria-label=paper] button", "Edit")
    at.fill({"Taker fee": "0.002"})
    at.record("options?.method === 'PATCH'")
    at.submit()
    at.gone("dialog")
    expect(at.sent(), ['{"taker_fee":"0.002"}'])


@check
def the_log_is_filtered_searched_and_paused(at):
    strategy = at.strategy("Moving average crossover")
    at.go(f"strategies/{strategy.id}/log", ".log-line")
    at.click(".chip", "Warning")
    at.browser.until(lambda: at.browser.script("[...document.querySelectorAll('.log-line')].every((one) => /warning|error/.test(one.className))"), "warnings alone")
    at.browser.press("/")
    at.browser.call("Input.insertText", text="divide")
    at.see(".log mark", "divide")
    at.browser.press("Escape")
    at.browser.script("document.activeElement.blur(); 0")
    at.browser.press("f")
    at.see(".log-tools button", "Paused")
    with at.world.lock:
        strategy.say("error", "stderr", "a late complaint")
    at.see(".log-jump", "new")
    at.click(".log-jump")
    at.see(".log-line", "a late complaint")


@check
def what_was_refused_stands_on_the_page_with_what_to_do_instead(at):
    mine = at.strategy("Moving average crossover")
    at.go(f"strategies/{mine.id}", "#refused li")
    shown = at.browser.script("[...document.querySelectorAll('#refused li')].map((one) => one.innerText)")
    expect(len(shown), 2)
    for words in ("Network is not available to strategies", "1,234 times", "socket(AF_INET, SOCK_STREAM)", "Use subscribe, or ask the operator for a feed."):
        if words not in shown[0]:
            raise PageError(f"{words!r} is missing from {shown[0]!r}")
    at.see(".meter", "31 % of the last minute")
    # What comes while one looks is shown at once.
    with at.world.lock:
        mine.refuse("signals", "strategies cannot send signals", "use `finish`", "kill", "itself, SIGTERM")
        mine.tell("status", mine.status())
    at.see("#refused li", "kill(itself, SIGTERM)")
    forest = at.strategy("Random forest classifier")
    at.go(f"strategies/{forest.id}", "#refused li.fatal")


@check
def a_search_says_how_many_backtests_it_is_and_sends_what_was_typed(at):
    at.go("studies", "tr[data-link]")
    at.click("button", "Begin one")
    at.see("dialog .hint", "42 backtests")
    at.type({"fast, from": "5", "fast, to": "20", "fast, step": "5", "slow, from": "30", "slow, to": "many"})
    at.submit()
    at.see("dialog .field-error", "slow: to must be a whole number")
    at.type({"slow, to": "60", "slow, step": "30"})
    at.see("dialog .hint", "8 backtests")
    at.submit()
    at.see("h1", "Search 4")
    asked = at.world.data.asked
    expect(asked["space"], {"fast": {"type": "int", "min": "5", "max": "20", "step": "5"}, "slow": {"type": "int", "min": "30", "max": "60", "step": "30"}})
    expect((asked["costs"], asked["objective"], asked["series"]), ({"maker_fee": "0.001", "taker_fee": "0.001"}, "sharpe", [{"venue": "binance", "symbol": "BTCUSDT", "resolution": "1h"}]))


@check
def every_cost_of_a_backtest_is_checked_at_its_field_in_its_own_unit(at):
    at.go("lab", "tr[data-link]")
    at.click("button", "Backtest")
    wrong = {
        "taker_fee": ("12", "from 0 to 10 %"), "slippage": ("0,05", "Write a point"), "half_spread_ticks": ("1.5", "whole number"), "maker_fee": ("-0.1", "from 0 to 10 %"),
        "impact": ("60", "from 0 to 50 %"), "volume_share": ("0", "above 0 and at most 100 %"), "latency_ms": ("90000000", "from 0 to 86400000 ms"), "funding_rate": ("-11", "from -10 to 10 %")}
    at.see("dialog [name='costs.taker_fee']")
    typed = lambda values: at.browser.script("""Object.entries(%s).forEach(([name, text]) => {
        const input = document.querySelector(`dialog [name='costs.${name}']`);
        input.value = text; input.dispatchEvent(new Event('input')); })""" % json.dumps(values))
    typed({name: text for name, (text, _) in wrong.items()})
    at.submit()
    for name, (_, words) in wrong.items():
        # What was folded away is opened, or this would not be seen.
        at.see(f"dialog .field:has([name='costs.{name}']) .field-error", words)
    expect(at.world.data.asked, None)
    typed({"taker_fee": "0.05", "slippage": "0.02", "half_spread_ticks": "1,000", "maker_fee": "0.02", "impact": "10", "volume_share": "25", "latency_ms": "200", "funding_rate": "-0.01"})
    at.submit()
    at.gone("dialog")
    expect(at.world.data.asked["costs"], {
        "maker_fee": "0.0002", "taker_fee": "0.0005", "slippage": "0.0002", "half_spread_ticks": 1000, "impact": "0.1", "impact_curve": "square_root", "volume_share": "0.25", "latency_ms": 200,
        "intrabar": "pessimistic", "market_fill": "next_open", "funding_rate": "-0.0001", "funding_hours": 8})


@check
def a_comparison_shows_fees_and_every_model_of_slippage(at):
    at.go("lab/compare/1,2,3", "[aria-label='Settings of the runs'] td")
    rows = at.browser.script("""Object.fromEntries([...document.querySelectorAll("[aria-label='Settings of the runs'] tr")].map((row) => [...row.cells].map((cell) => cell.textContent)).map(([name, ...rest]) => [name, rest]))""")
    expect(rows["Fees"], ["0.1 %", "maker 0.02 %, taker 0.1 %", "0.1 %"])
    expect(rows["Slippage"], ["0.05 % of the price", "0.05 % of the price + half spread 2 ticks + impact 10 % \u00d7 \u221a(share of volume)", "none"])


@check
def a_series_is_saved_by_a_link(at):
    at.go("data", "td")
    expect(at.browser.script("""(() => { const link = document.querySelector("a[aria-label='Save binance BTCUSDT 1h as CSV']"); return [link.getAttribute('href'), link.download]; })()"""),
           ["/data/candles.csv.gz?venue=binance&symbol=BTCUSDT&resolution=1h", "binance-BTCUSDT-1h.csv.gz"])


@check
def criteria_are_changed_and_a_refusal_stands_beside_its_field(at):
    at.go("criteria", "td")
    at.see("section[aria-label='From paper to live'] td", "25 %")
    at.dialog(("section[aria-label='From paper to live'] button", "Edit"), {"Drawdown of the backtest": "120"})
    at.see(".field:has([name=maximum_drawdown]) .field-error", "allowed are 0 to 1")
    at.fill({"Drawdown of the backtest": "12.5"})
    at.submit()
    at.gone("dialog")
    at.see("section[aria-label='From paper to live'] td", "12.5 %")
    expect([one for one in at.world.data.criteria["live"] if one["kind"] in ("maximum_drawdown", "startup_check")], [{"kind": "maximum_drawdown", "limit": "0.125"}, {"kind": "startup_check"}])


@check
def a_download_that_failed_says_why_and_goes_on(at):
    at.go("data", "td")
    at.see(".sub", "connection refused")
    at.click("button", "Go on")
    at.browser.until(lambda: len(at.world.data.downloads) == 4, "another download")
    at.click("button", "Cancel download 4")
    at.see(".badge", "Cancelled")


@check
def pages_are_reached_by_keyboard_alone(at):
    at.go("strategies", "tr[data-link]")
    at.browser.press("j")
    at.browser.press("j")
    at.browser.press("Enter")
    at.see(".page-head h1", "RSI mean reversion")
    at.browser.press("4")
    at.see(".tabs [aria-current=page]", "Orders")
    at.browser.press("g")
    at.browser.press("p")
    at.see("h1", "Positions")
    at.browser.press("k", modifiers=2)
    at.see(".palette li", "Grid")
    at.browser.call("Input.insertText", text="limits")
    at.browser.press("Enter")
    at.see("h1", "Limits")


@check
def an_answer_that_comes_after_its_chart_has_gone_breaks_nothing(at):
    at.browser.script("""import('/js/charts.js').then(async ({ chart }) => {
        const frames = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        const candles = [1, 2].map((one) => ({ time: one * 60000, open: '1', high: '2', low: '1', close: '2', volume: '1' }));
        const price = chart('price', { emptyText: '' });
        document.body.append(price.element);
        await price.ready;
        price.setCandles(candles);
        await frames();
        price.dispose();
        price.setCandles([...candles, { ...candles[1], time: 180000 }]);
        price.setFills([{ time: 60000, side: 'buy', quantity: '1' }]);
        price.setAverage('1.5');
        window.dispatchEvent(new Event('themechange'));
        await frames();
    })""")


@check
def the_theme_is_chosen_and_kept(at):
    at.go("strategies", "td")
    at.click("button", "Account and settings")
    at.click(".menu-list button", "Light theme")
    at.click("button", "Account and settings")
    at.click(".menu-list button", "Dark theme")
    at.go("positions")
    at.browser.open(at.base + "/")
    expect(at.browser.script("document.documentElement.dataset.theme + getComputedStyle(document.body).backgroundColor"), "darkrgb(15, 18, 23)")
    at.browser.script("localStorage.clear(); 0")


@check(user="ada")
def an_author_sees_his_own_things_only(at):
    at.go("strategies", "td")
    names = at.browser.script("[...document.querySelectorAll('td .name')].map((one) => one.textContent)")
    expect(sorted(names), ["First try", "Grid", "RSI mean reversion"])
    expect(at.browser.script("document.querySelector('.stop-all').checkVisibility()"), False)
    expect(at.browser.script("[...document.querySelectorAll('.side a')].some((one) => /Users|Audit/.test(one.textContent))"), False)
    at.go("users")
    at.see("h1", "Strategies")


@check
def the_emergency_stop_asks_then_shows_and_resumes(at):
    at.go("strategies", "td")
    at.click(".stop-all")
    at.see("dialog[open]")
    at.browser.press("Escape")
    at.gone("dialog")
    expect(at.world.halts, [])
    at.dialog(".stop-all", {"Reason": "test"})
    at.see(".halt-bar", "test")
    expect([one["reason"] for one in at.world.halts], ["test"])
    at.resume(".halt-bar button", "Resume trading")


@check
def a_drawdown_is_shown_and_its_peak_begun_anew(at):
    at.go("limits", "section[aria-label='Account paper']")
    at.see("section[aria-label='Account paper']", "4,900.00 of 104,000.00")
    at.dialog(("section[aria-label='Account paper'] button", "Begin the peak anew"))
    at.see("section[aria-label='Account paper']", "0.00 of 99,100.00")
    at.see("section[aria-label='Venue binance-testnet']", "40,000")


@check
def an_account_is_halted_and_closes_before_the_eyes(at):
    at.go("accounts", "div")
    at.click("section[aria-label=paper] button:not([title])", "Halt")
    at.click("dialog input[type=checkbox]")
    at.submit()
    at.see(".halt-bar", "Account paper is halted")
    at.see("section.panel td", "Closing")
    at.see("section.panel h2", "All positions are closed")
    expect(at.halted(), ["account:paper"])
    at.resume(".halt-bar button", "Let it trade again")


@check
def a_venue_is_halted_with_all_of_its_accounts(at):
    at.go("accounts", "div")
    at.click("section[aria-label=paper] button", "Halt venue")
    at.see("dialog", "Every new order on venue paper")
    at.submit()
    at.see(".halt-bar", "Venue paper is halted")
    expect(at.halted(), ["venue:paper"])
    at.resume("section[aria-label=india] button", "Resume venue")


@check
def a_strategy_s_page_says_who_halted_its_venue_and_why(at):
    one = at.strategy("RSI mean reversion")

    def halt(scope, reason):
        at.world.halts[:] = [{"scope": scope, "reason": reason, "by": "admin", "since": one.since}] if scope else []
        at.world.tell("halt", at.world.halt_view())

    halt("venue:elsewhere", "not here")
    at.go("strategies/" + one.id, "h1")
    at.see(".halt-bar", "Venue elsewhere is halted")
    expect(at.browser.script("document.querySelectorAll('.cause-place .callout').length"), 0)
    halt("venue:paper", "its prices stand still")
    for wanted in ("Its venue, paper, is halted", "By admin, ", "Reason: its prices stand still"):
        at.see(".cause-place .callout", wanted)
    halt(None, None)
    at.browser.gone(".cause-place .callout")


@check
def an_order_tells_its_story_with_what_the_venue_answered(at):
    order = next(one for strategy in at.world.strategies.values() for one in strategy.orders if one["status"] in ("open", "partially_filled", "pending", "unknown"))
    at.go("orders", f'tr[data-key="{order["id"]}"] button')
    at.click(f'tr[data-key="{order["id"]}"] button', "Story")
    for wanted in ("before anything leaves", "POST /api/v3/order", "answered 200", "took 42.1 ms"):
        at.see("dialog .story li", wanted)
    at.click("dialog .story li:last-child summary", "Word for word")
    at.see("dialog .story pre", '{"orderId":28}')


@check
def a_login_in_another_tab_does_not_break_this_one(at):
    at.go("users", "td")
    for session in at.world.sessions.values():
        session["csrf"] = "renewed"
    at.click("tr[data-key=grace] button", "Enable")
    at.see("tr[data-key=grace] .badge", "yes")


@check
def an_edit_becomes_a_new_version(at):
    strategy = at.strategy("First try")
    at.go(f"strategies/{strategy.id}/code", ".CodeMirror-line, .code li")
    before = len(strategy.versions)
    at.click("button", "Edit")
    at.browser.script("document.querySelector('.CodeMirror')?.CodeMirror.replaceRange('# mine\\n', { line: 0, ch: 0 }, undefined, '+input'); 0")
    at.click("button", "Save as new version")
    at.see(".toast", "Saved as a new version")
    expect(len(strategy.versions), before + 1)


@check
def a_dropped_zip_name_or_a_broken_file_never_leaves_the_page_stuck(at):
    at.go("upload", ".drop")
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "netty.py")
        file.write_text("import requests\n")
        at.browser.choose_file("input[type=file]", file)
        at.see(".problem", "requests is not in the profile")
        file.write_text("x = 1\n")
        at.browser.choose_file("input[type=file]", file)
        at.see(".callout.good")
        at.click("button", "Upload and start")
        at.see("dialog", "Start netty")
        at.submit()
        at.see(".page-head .badge", "Running")


def try_all(browser, only=""):
    failed = 0
    browser.expected_status = {400, 401, 403, 404}
    for function, user in CHECKS:
        name = function.__name__.replace("_", " ")
        if only not in name:
            continue
        browser.complaints.clear()
        at = Fixture(browser, user)
        try:
            function(at)
            unexpected = [one for one in browser.complaints if "ERR_INTERNET_DISCONNECTED" not in one]
            expect(unexpected, [])
            print(f"ok      {name}")
        except PageError as error:
            failed += 1
            browser.shoot(fake_api.ROOT / ".build/pages/FAILED.png")
            print(f"FAILED  {name}: {error}")
        at.server.shutdown()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(in_browser(lambda browser: try_all(browser, *sys.argv[1:2])))

"""The walk of a strategy's author and its operator: uploaded, started, crashed, halted, stopped, deleted."""

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
TABS = {
    "log": ".log-line", "signals": "tbody td", "orders": "tbody td", "fills": "tbody td", "code": ".CodeMirror-line, .code li, .empty",
    "settings": ".facts"}
PAGES = ("positions", "orders", "limits", "accounts", "feeds", "health", "users", "tokens", "audit")
RUNNING = (".page-head .badge", "Running")


def walk(at, user, password, folder, file=None):
    at.arrive()
    at.step("log in")
    at.enter(user, password)
    at.shows("the list", ".link-state.live", "tr[data-link], .empty")
    strategy = upload(at, folder, file)
    look_around(at, strategy)
    crash(at, strategy)
    halt(at)
    leave(at, strategy)


def upload(at, folder, file):
    """Uploads a broken file and a good one, and starts it. Its id."""
    is_own = file is None
    if is_own:
        file = folder / "walker.py"
        file.write_text(STRATEGY)
    at.browser.press("u")
    at.see(".drop")
    broken = folder / "broken.py"
    broken.write_text(STRATEGY.replace("if held > 0:", "if held > 0"))
    at.choose(broken)
    at.shows("a broken file is refused with its line", ".problem .hit, .problem .excerpt div")
    at.choose(file)
    at.see(".callout.good")
    if file.suffix == ".py":
        at.configure(CONFIG)
    at.shows("a good file is valid", ".callout.good", (".facts dd", "Walker" if file.suffix == ".py" else None))
    at.asked("the start form", (".actions button", "Upload and start"), "dialog select", ("dialog label", "Capital"), submit="Start")
    at.shows("it runs", RUNNING, ".log-line")
    at.shows("its first fill", ".recent-list li", "canvas, svg.plain")
    return at.strategy()


def look_around(at, strategy):
    for tab, wanted in TABS.items():
        at.go(f"strategies/{strategy}/{tab}", wanted)
        at.step(tab)
    for page in PAGES:
        at.go(page, "main .panel, main .empty")
        at.step("page " + page)


def crash(at, strategy):
    at.go(f"strategies/{strategy}")
    at.see(*RUNNING)
    at.click(".page-head button", "More")
    at.dialog(("dialog button", "Send it a signal"), {"Action": "CRASH"}, "Send")
    at.shows("it crashed and says why", (".cause-place .callout", "ZeroDivisionError"))
    at.shows("it came back", RUNNING)


def halt(at):
    at.dialog(".stop-all", {"Reason": "a walk through the pages"}, "Stop all trading")
    at.shows("trading is halted", (".halt-bar", "a walk through the pages"))
    at.dialog((".halt-bar button", "Resume"), submit="Resume")
    at.gone(".halt-bar")
    at.step("trading goes on")


def leave(at, strategy):
    at.click(".page-head button", "Stop")
    at.asked("stop and flatten", (".option-card", "close positions"), submit="Stop")
    at.shows("it stopped", (".page-head .badge", "Stopped"))
    at.click(".page-head button", "More")
    at.dialog(("dialog button", "Delete"), submit="Delete")
    at.gone("dialog")
    at.see("h1", "Strategies")
    row = f"[...document.querySelectorAll('tr[data-link]')].some((row) => row.dataset.link.endsWith('/{strategy}'))"
    at.browser.until(lambda: not at.browser.script(row), "the strategy to leave the list")
    at.step("it is deleted")

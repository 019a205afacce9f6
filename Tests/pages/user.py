"""What a user does on our pages, for checks, pictures and walks alike: arrives, logs in, goes about, fills in dialogs."""

import json

from browser import Browser

SUBMIT = "dialog button[type=submit]"


class User:
    """Someone before a browser. `base` is the host's address without a slash behind it."""

    def __init__(self, browser, base, patience=20):
        self.browser, self.base, self.patience = browser, base, patience

    def arrive(self):
        """Opens the host's first page, as nobody yet."""
        self.browser.call("Network.clearBrowserCookies")
        self.browser.open("about:blank")
        self.browser.open(self.base + "/")
        self.see("input[type=password]")

    def enter(self, name="admin", password="bullpen"):
        self.fill({"Name": name, "Password": password})
        self.browser.press("Enter")

    def go(self, address, wanted=None):
        """Goes to a page, and waits until something that matches `wanted` is there."""
        self.browser.open(f"{self.base}/#/{address}")
        if wanted:
            self.see(wanted)

    def see(self, selector, words=None):
        return self.browser.find(selector, words, self.patience)

    def see_all(self, *things):
        """Each is a selector, or a selector and words."""
        for thing in things:
            self.see(*each_of(thing))

    def gone(self, selector):
        self.browser.gone(selector, seconds=self.patience)

    def click(self, selector, words=None):
        self.browser.click(selector, words)

    def fill(self, fields):
        """Types into fields, by their labels."""
        for label, value in fields.items():
            self.browser.fill(label, value)

    def type(self, values):
        """Sets fields of a dialog that have a name and no label of their own."""
        self.browser.script("""((values) => {
            for (const [name, value] of Object.entries(values)) {
                const input = document.querySelector(`dialog input[aria-label="${name}"]`);
                input.value = value;
                input.dispatchEvent(new Event('input'));
            }
        })(%s)""" % json.dumps(values))

    def submit(self, words=None):
        """Presses the dialog's button."""
        self.click(SUBMIT, words)

    def dialog(self, opener, fields=None, submit=None):
        """Opens a dialog by a button, fills it in and submits it."""
        self.click(*each_of(opener))
        self.fill(fields or {})
        self.submit(submit)


def each_of(thing):
    return (thing,) if isinstance(thing, str) else thing


def in_browser(work, *size, **look):
    """What `work(browser)` returns, an exit status; 77 where there is no browser."""
    try:
        browser = Browser(*size, **look)
    except FileNotFoundError as error:
        print(f"skipped: {error}")
        return 77
    with browser:
        return work(browser)


def named(world, name):
    """A strategy of the pretended host."""
    return next(one for one in world.strategies.values() if one.name == name)

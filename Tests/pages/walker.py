"""Somebody who walks through the pages of a running host, and takes a picture of each step."""

import pathlib
import time

from user import User, each_of


class Walker(User):
    def __init__(self, browser, base, options):
        super().__init__(browser, base, options.patience)
        self.to, self.number = pathlib.Path(options.to), 0
        self.start, self.venue = options.door, options.venue
        self.began = time.monotonic()

    def step(self, words):
        self.number += 1
        print(f"{time.monotonic() - self.began:6.1f} s  {words}", flush=True)
        self.browser.script("window.scrollTo(0, 0)")
        self.browser.shoot(self.to / f"{self.number:02d}-{words.replace(' ', '-')}.png")

    def shows(self, words, *things):
        """Takes the picture of a step once all that it is to show is there: selectors, or selectors and words."""
        self.see_all(*things)
        self.step(words)

    def asked(self, words, opener, *things, fields=None, submit=None):
        """Opens a dialog, takes its picture, filled in, and submits it."""
        self.click(*each_of(opener))
        self.see_all(*things)
        self.fill(fields or {})
        self.step(words)
        self.submit(submit)

    def choose(self, path):
        """Gives the page a file."""
        self.browser.choose_file("input[type=file]", path)

    def pick(self, name, value):
        """Chooses from a list of the dialog."""
        self.browser.script(f"document.querySelector('dialog select[name={name}]').value = '{value}'")

    def configure(self, text):
        """Writes over the strategy.json of the file that was chosen."""
        self.click("summary")
        self.fill({"strategy.json": text})
        self.browser.script("document.activeElement.blur()")

    def strategy(self):
        """The id of the strategy whose page this is."""
        return self.browser.script("location.hash").split("/")[2]

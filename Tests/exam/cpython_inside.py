"""Runs tests of CPython itself, as a strategy: in the strategy's own process, behind the strategy's own walls.

The driver puts the task into the first line, uploads this file and reads the results from the strategy's log: one line
of JSON behind RESULT for each test, one behind BEGINS before it, so that a test that ends the process is known by name.
"""

import json
import os
import sys
import threading
import time
import traceback
import unittest

from bullpen import Strategy

TASK = json.loads("@TASK@")

log = os.dup(2)


def say(word, value):
    os.write(log, ("%s %s\n" % (word, json.dumps(value))).encode())


def has_descriptors():
    try:
        lowest = os.dup(log)
    except OSError:
        return False
    os.close(lowest)
    return lowest < 60


class Verdicts(unittest.TestResult):
    """Says how each test came out, as soon as it has."""

    def __init__(self):
        super().__init__()
        self.current = None
        self.worst = None
        self.told = set()

    def startTest(self, test):
        super().startTest(test)
        self.current = test.id()
        self.worst = ("passed", "")
        watch.begin(self.current)
        say("BEGINS", self.current)

    def stopTest(self, test):
        super().stopTest(test)
        watch.end()
        self.tell(self.current, *self.worst)
        self.current = None
        # A refused fork leaves the test's pipes open. The next test is to have descriptors again.
        if not has_descriptors():
            os._exit(0)

    def tell(self, name, outcome, why):
        self.told.add(name)
        say("RESULT", {"test": name, "outcome": outcome, "why": why[-300:]})

    def note(self, test, outcome, why):
        if self.current is None:
            # A fixture of a class or a module: what stands below it never runs.
            self.tell(test.id(), outcome, why)
        elif self.worst[0] != "failed":
            self.worst = (outcome, why)

    def addError(self, test, error):
        self.note(test, "failed", words(error))

    addFailure = addError

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.note(test, "failed", words(error))

    def addSkip(self, test, reason):
        self.note(test, "skipped", reason)

    def addExpectedFailure(self, test, error):
        pass

    def addUnexpectedSuccess(self, test):
        self.note(test, "failed", "it succeeded unexpectedly")


# What says that the walls were in the way, in an exception or in what it was raised from.
REFUSALS = (
    "Operation not permitted", "Permission denied", "Read-only file system", "Function not implemented",
    "Inappropriate ioctl", "can't start new thread", "/dev/", "/proc/", "No space left",
)


def words(error):
    """The end of a traceback in one line, with the refusal that led to it, if there was one."""
    text = "".join(traceback.format_exception(*error))
    last = text.strip().splitlines()[-1]
    for line in reversed(text.splitlines()):
        if any(refusal in line for refusal in REFUSALS) and "Error" in line and line.strip() != last.strip():
            return "%s | %s" % (line.strip()[:140], last[:140])
    return last[:280]


class Watch(threading.Thread):
    """Ends the process when a test takes too long; the driver goes on behind it."""

    def __init__(self, seconds):
        super().__init__(daemon=True)
        self.seconds = seconds
        self.running = None

    def begin(self, name):
        self.running = (name, time.monotonic())

    def end(self):
        self.running = None

    def run(self):
        while True:
            time.sleep(0.5)
            running = self.running
            if running and time.monotonic() - running[1] > self.seconds:
                say("RESULT", {"test": running[0], "outcome": "late", "why": "not done within %d s" % self.seconds})
                os._exit(0)


def cases(suite):
    for part in suite:
        if isinstance(part, unittest.TestSuite):
            yield from cases(part)
        else:
            yield part


def without(suite, done):
    left = []
    for part in suite:
        if isinstance(part, unittest.TestSuite):
            left.append(without(part, done))
        elif part.id() not in done:
            left.append(part)
    return type(suite)(left)


def let_multiprocessing_try():
    """Its tests all skip themselves when there are no semaphores, as here; they are to try, and to be refused."""
    import multiprocessing

    make = multiprocessing.RLock

    def pass_the_first_look():
        multiprocessing.RLock = make

    multiprocessing.RLock = pass_the_first_look


def run():
    global watch
    # Whatever a test writes to the standard streams is of no interest.
    quiet = open("/work/output.txt", "w", encoding="utf-8", errors="backslashreplace")
    sys.stdout = sys.stderr = quiet
    os.dup2(quiet.fileno(), 1)
    os.dup2(quiet.fileno(), 2)
    watch = Watch(TASK["seconds"])
    from test import support

    support.skip_if_broken_multiprocessing_synchronize = lambda: None
    support.use_resources = ["network", "subprocess", "cpu", "walltime"]
    suite = unittest.defaultTestLoader.loadTestsFromName(TASK["module"])
    if "multiprocessing" in TASK["module"]:
        let_multiprocessing_try()
    names = [case.id() for case in cases(suite)]
    for start in range(0, len(names), 40):
        say("TESTS", names[start:start + 40])
    watch.start()
    verdicts = Verdicts()
    without(suite, set(TASK["done"])).run(verdicts)
    say("DONE", len(verdicts.told))


class Examination(Strategy):
    def on_start(self):
        try:
            run()
        except BaseException as error:
            say("BROKEN", words((type(error), error, error.__traceback__)))
        os._exit(0)

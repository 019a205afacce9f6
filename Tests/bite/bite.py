"""Builds a copy of the sources in which every handling listed beside this file can be switched off, and runs its tests.

`scripts/bite` starts it. The lists have this form, with one paragraph for each handling:

    == NAME
    what is taken out, in words
    @@ Sources/Module/File.swift
     a line that stays
    -a line that goes
    +a line that comes, with bitten("NAME") in it
    ?? Suite: how the name of a test begins that must notice

Lines before `?? ` begin as in a patch, with a blank, a minus or a plus; an empty line is one that stays. What stays and
goes must stand in the file exactly once. `#` begins a comment between paragraphs.
"""

import argparse
import glob
import os
import re
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SWITCH = "BULLPEN_BITTEN"
# How long a run of tests may take, in seconds; one that comes to no end has noticed as well.
LONGEST = 120

# Dropped into every module in which something is switched.
SOURCE = """internal import Glibc

private let isOut: String? = unsafe getenv("%s").map { unsafe String(cString: $0) }

/// Whether this handling is taken out.
func bitten(_ name: String) -> Bool { isOut == name }
""" % SWITCH

# The targets that the tests need, and no others.
REDUCTION = """
var kept: Set<String> = []
@MainActor func keep(_ name: String) {
    guard kept.insert(name).inserted, let target = package.targets.first(where: { $0.name == name }) else { return }
    for case .byNameItem(let other, _) in target.dependencies { keep(other) }
}
for name in %s { keep(name) }
package.targets.removeAll { !kept.contains($0.name) }
package.products.removeAll()
"""


class Flaw(Exception):
    """A list that does not fit the sources."""


class Handling:
    """One handling that can be taken out."""

    def __init__(self, name, place):
        self.name = name
        self.place = place
        self.list = place.partition(".")[0]
        self.words = ""
        self.changes = []
        self.tests = []


def read_lists():
    """All handlings, in the order of the lists."""
    found = []
    for path in sorted(glob.glob(os.path.join(HERE, "*.txt"))):
        own = None
        change = None
        for number, line in enumerate(open(path, encoding="utf-8").read().split("\n"), 1):
            place = f"{os.path.basename(path)}:{number}"
            if line.startswith("== "):
                own, change = Handling(line[3:], place), None
                found.append(own)
            elif own is None or (change is None and (not line or line.startswith("#"))):
                continue
            elif line.startswith("@@ "):
                change = (line[3:], [], [])
                own.changes.append(change)
            elif line.startswith("?? "):
                suite, _, name = line[3:].partition(": ")
                own.tests.append((suite, name))
                change = None
            elif change is None:
                own.words = line
            elif not line or line[0] in " -+":
                if line[:1] != "+":
                    change[1].append(line[1:])
                if line[:1] != "-":
                    change[2].append(line[1:])
            else:
                raise Flaw(f"{place}: {line!r} is no line of a change")
    return found


def changed_sources(handlings):
    """The text of every file that something is switched in."""
    texts, changed = {}, {}
    for own in handlings:
        for path, before, after in own.changes:
            if path not in texts:
                texts[path] = changed[path] = open(os.path.join(ROOT, path), encoding="utf-8").read()
            old, new = "\n".join(before) + "\n", "\n".join(after) + "\n"
            if texts[path].count(old) != 1:
                raise Flaw(f"{own.place}: {own.name} does not fit {path}, or more than once")
            if changed[path].count(old) != 1:
                raise Flaw(f"{own.place}: {own.name} changes what another changes in {path}")
            changed[path] = changed[path].replace(old, new)
    everything = "\n".join(changed.values())
    for own in handlings:
        if not re.search(rf'bitten\([^)]*"{own.name}"', everything):
            raise Flaw(f"{own.place}: nothing asks whether {own.name} is taken out")
    return changed


class Test:
    """A test that is named by a list."""

    def __init__(self, target, suite, title, function):
        self.target = target
        self.suite = suite
        self.title = title
        # By what it is picked: its name in the source, which is its title unless it has one beside its name.
        self.function = function

    @property
    def pattern(self):
        """What picks it."""
        return f"{re.escape(self.suite)}`?/`?{re.escape(self.function)}"


SUITE = re.compile(r"(?:\s*@Suite.* )?(?:final )?(?:struct|class|enum|extension) (?:`(.*?)`|(\w+))")


def tests_there():
    """All tests."""
    there = []
    for path in glob.glob(os.path.join(ROOT, "Tests", "*Tests", "**", "*.swift"), recursive=True):
        target = os.path.relpath(path, os.path.join(ROOT, "Tests")).split(os.sep)[0]
        suite, displayed = "", None
        for line in open(path, encoding="utf-8"):
            # One at the margin, or one further in that says that it is a suite.
            if found := SUITE.match(line):
                suite, displayed = found[1] or found[2], None
                continue
            if "@Test" in line:
                displayed = ""
            if displayed == "" and (found := re.match(r'\s*(?:@Test\()?"(.*?)"', line)):
                displayed = found[1]
            # A long one stands on a line of its own.
            if found := re.search(r"(?:func |^\s+)`(.*?)`\(", line):
                there.append(Test(target, suite, found[1], found[1]))
                displayed = None
            elif displayed and (found := re.search(r"func (\w+\()", line)):
                there.append(Test(target, suite, displayed, found[1]))
                displayed = None
    return there


def check_tests(handlings):
    """Every test that is named must be there; gives them by suite and beginning of the title."""
    there = tests_there()
    known = {}
    for own in handlings:
        if not own.tests or not own.words:
            raise Flaw(f"{own.place}: {own.name} has no words or no test")
        for suite, title in own.tests:
            fitting = [test for test in there if test.suite == suite and test.title.startswith(title)]
            if len(fitting) != 1:
                raise Flaw(f"{own.place}: there is not one test {suite}: {title}")
            known[suite, title] = fitting[0]
    return known


def write(path, text):
    """Writes a file unless it is so already, so that only what changed is built."""
    if os.path.exists(path) and open(path, "rb").read() == text:
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(text)


# What tests look for beside the sources.
SURROUNDINGS = ("docs", "sandbox-profiles", "strategy-templates", ".build/stage-debug", ".build/test-runtimes")


def link_surroundings(folder):
    """Puts links to what tests look for into the copy."""
    os.makedirs(os.path.join(folder, ".build"), exist_ok=True)
    for name in SURROUNDINGS:
        place = os.path.join(folder, name)
        if os.path.exists(os.path.join(ROOT, name)) and not os.path.lexists(place):
            os.symlink(os.path.join(ROOT, name), place)


def copy(folder, handlings, targets):
    """Lays the copy out, with these targets of tests."""
    changed = changed_sources(handlings)
    link_surroundings(folder)
    wanted = {}
    for path in glob.glob(os.path.join(ROOT, "Sources", "**"), recursive=True):
        wanted[os.path.relpath(path, ROOT)] = path
    # With the server that misbehaves, which is not of the tests that are kept.
    for target in [*targets, "TestSupport", "NetTests"]:
        for path in glob.glob(os.path.join(ROOT, "Tests", target, "**"), recursive=True):
            wanted[os.path.relpath(path, ROOT)] = path
    texts = {name: open(path, "rb").read() for name, path in wanted.items() if os.path.isfile(path)}
    for name, text in changed.items():
        texts[name] = text.encode()
        texts["/".join(name.split("/")[:2]) + "/Bitten.swift"] = SOURCE.encode()
    names = ", ".join(f'"{name}"' for name in targets)
    manifest = open(os.path.join(ROOT, "Package.swift"), encoding="utf-8").read()
    texts["Package.swift"] = (manifest + REDUCTION % f"[{names}]").encode()
    for top in ("Sources", "Tests"):
        for path in glob.glob(os.path.join(folder, top, "**"), recursive=True):
            if os.path.isfile(path) and os.path.relpath(path, folder) not in texts:
                os.remove(path)
    for name, text in texts.items():
        write(os.path.join(folder, name), text)


class Outcome:
    """What a run of tests came to."""

    def __init__(self):
        self.text = ""
        self.issues = []
        self.code = 0
        self.is_late = False


def run(folder, tests, name=None, stops=False):
    """Runs tests, with one handling taken out, and up to the first issue where that is enough."""
    binary = os.path.join(folder, ".build/debug/bullpenPackageTests.xctest")
    pattern = "|".join(test.pattern for test in tests)
    environment = dict(os.environ, SWIFT_BACKTRACE="enable=no")
    environment.pop(SWITCH, None)
    if name:
        environment[SWITCH] = name
    process = subprocess.Popen(
        [binary, "--testing-library", "swift-testing", "--no-parallel", "--filter", pattern],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=environment,
        cwd=folder)
    outcome = Outcome()

    def give_up():
        outcome.is_late = True
        process.kill()

    # With nothing taken out all of them run, which takes its time.
    clock = threading.Timer(LONGEST if name else 10 * LONGEST, give_up)
    clock.start()
    for line in process.stdout:
        outcome.text += line
        if "recorded an issue" in line:
            outcome.issues.append(line.strip())
            if stops:
                process.kill()
                break
    outcome.code = process.wait()
    clock.cancel()
    return outcome


def told(outcome, test):
    """Who noticed, in short: the test's suite and its arguments."""
    noticed = []
    for issue in outcome.issues:
        suite = test.suite if test.title in issue else "?"
        found = re.search(r"with \d+ arguments? (.*?) at ", issue)
        values = re.findall(r"→ (.*?)(?=, \w+ →|$)", found[1]) if found else []
        noticed.append(suite + (f" ({', '.join(values)})" if values else ""))
    if not noticed and outcome.is_late:
        noticed.append(f"{test.suite} (it came to no end)")
    elif not noticed and outcome.code < 0:
        noticed.append(f"it died by signal {-outcome.code}")
    return "; ".join(dict.fromkeys(noticed))


def main():
    parser = argparse.ArgumentParser(prog="bite", add_help=False)
    parser.add_argument("--only", default="")
    parser.add_argument("--list", default="")
    parser.add_argument("--all-tests", action="store_true")
    parser.add_argument("--folder", default=os.path.join(ROOT, ".build/bite"))
    parser.add_argument("--no-build", action="store_true")
    parser.add_argument("--check", action="store_true", help="only whether the lists fit the sources")
    options = parser.parse_args()
    try:
        everything = read_lists()
        changed_sources(everything)
        known = check_tests(everything)
        if options.check:
            return
        lists = [name for name in options.list.split(",") if name]
        chosen = [own for own in everything if not lists or own.list in lists]
        if unknown := set(lists) - {own.list for own in everything}:
            raise Flaw(f"there is no list {', '.join(sorted(unknown))}")
        if not options.no_build:
            targets = sorted({known[test].target for own in chosen for test in own.tests})
            copy(options.folder, chosen, targets)
    except Flaw as flaw:
        sys.exit(f"bite: {flaw}")
    if not options.no_build:
        subprocess.run(["swift", "build", "--build-tests"], cwd=options.folder, check=True, stdout=sys.stderr)
    only = [name for name in options.only.split(",") if name]
    wanted = [
        own for own in chosen
        if not only or any(own.name == name or own.name.startswith(name + "-") for name in only)]
    if not wanted:
        sys.exit(f"bite: nothing is called {options.only}")
    tests = {known[test] for own in wanted for test in own.tests}
    # With everything in its place all must pass, or a failure would prove nothing.
    outcome = run(options.folder, tests)
    ran = {line.partition('Test "')[2] for line in outcome.text.split("\n") if " skipped" not in line}
    absent = [
        f"{test.suite}: {test.title} did not run"
        for test in tests if not any(line.startswith(test.title) for line in ran)]
    if outcome.issues or outcome.code != 0 or absent:
        sys.exit("bite: with nothing taken out not all is well:\n" + "\n".join(absent + outcome.issues))
    missed = 0
    for own in wanted:
        outcomes = []
        for test in (known[test] for test in own.tests):
            outcome = run(options.folder, [test], own.name, stops=not options.all_tests)
            outcomes.append((test, told(outcome, test)))
            if outcomes[-1][1] and not options.all_tests:
                break
        who = "; ".join(words for _, words in outcomes if words)
        slept = [f"{test.suite}: {test.title}" for test, words in outcomes if not words]
        missed += bool(slept) if options.all_tests else not who
        line = f"{own.name}: {own.words} — " + (f"noticed by {who}" if who else "NOBODY NOTICED")
        if slept and (options.all_tests or not who):
            line += f" (slept: {', '.join(slept)})"
        print(line, flush=True)
    print(f"{len(wanted)} handlings taken out, {missed} missed")
    sys.exit(1 if missed else 0)


main()

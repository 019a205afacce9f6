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

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TESTS = ("TradingTests", "ExchangesTests")
SWITCH = "BULLPEN_BITTEN"

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
        if f'bitten("{own.name}")' not in everything:
            raise Flaw(f"{own.place}: nothing asks whether {own.name} is taken out")
    return changed


def check_tests(handlings):
    """Every test that is named must be there."""
    there = []
    for target in TESTS:
        for path in glob.glob(os.path.join(ROOT, "Tests", target, "**", "*.swift"), recursive=True):
            suite = ""
            for line in open(path, encoding="utf-8"):
                if found := re.match(r"(?:final )?(?:struct|class|enum|extension) (\w+)", line):
                    suite = found[1]
                elif found := re.search(r"func `(.*?)`", line):
                    there.append((suite, found[1]))
    for own in handlings:
        if not own.tests or not own.words:
            raise Flaw(f"{own.place}: {own.name} has no words or no test")
        for suite, title in own.tests:
            if sum(suite == own_suite and name.startswith(title) for own_suite, name in there) != 1:
                raise Flaw(f"{own.place}: there is not one test {suite}: {title}")


def write(path, text):
    """Writes a file unless it is so already, so that only what changed is built."""
    if os.path.exists(path) and open(path, "rb").read() == text:
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(text)


def copy(folder, handlings):
    """Lays the copy out."""
    changed = changed_sources(handlings)
    wanted = {}
    for path in glob.glob(os.path.join(ROOT, "Sources", "**"), recursive=True):
        wanted[os.path.relpath(path, ROOT)] = path
    # With the server that misbehaves, which is not of the tests that are kept.
    for target in TESTS + ("TestSupport", "NetTests"):
        for path in glob.glob(os.path.join(ROOT, "Tests", target, "**"), recursive=True):
            wanted[os.path.relpath(path, ROOT)] = path
    texts = {name: open(path, "rb").read() for name, path in wanted.items() if os.path.isfile(path)}
    for name, text in changed.items():
        texts[name] = text.encode()
        texts["/".join(name.split("/")[:2]) + "/Bitten.swift"] = SOURCE.encode()
    names = ", ".join(f'"{name}"' for name in TESTS)
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


def run(folder, tests, name=None, stops=False):
    """Runs tests, with one handling taken out, and up to the first issue where that is enough."""
    binary = os.path.join(folder, ".build/debug/bullpenPackageTests.xctest")
    pattern = "|".join(rf"{suite}/.?{re.escape(title)}" for suite, title in tests)
    environment = dict(os.environ, SWIFT_BACKTRACE="enable=no")
    environment.pop(SWITCH, None)
    if name:
        environment[SWITCH] = name
    process = subprocess.Popen(
        [binary, "--testing-library", "swift-testing", "--no-parallel", "--filter", pattern],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=environment,
        cwd=folder)
    outcome = Outcome()
    for line in process.stdout:
        outcome.text += line
        if "recorded an issue" in line:
            outcome.issues.append(line.strip())
            if stops:
                process.kill()
                break
    outcome.code = process.wait()
    return outcome


def told(outcome, tests):
    """Who noticed, in short: the test's suite and its arguments."""
    noticed = []
    for issue in outcome.issues:
        suite = next((suite for suite, title in tests if title in issue), "?")
        found = re.search(r"with \d+ arguments? (.*?) at ", issue)
        values = re.findall(r"→ (.*?)(?=, \w+ →|$)", found[1]) if found else []
        noticed.append(suite + (f" ({', '.join(values)})" if values else ""))
    if not noticed and outcome.code < 0:
        noticed.append(f"it died by signal {-outcome.code}")
    return "; ".join(dict.fromkeys(noticed))


def main():
    parser = argparse.ArgumentParser(prog="bite", add_help=False)
    parser.add_argument("--only", default="")
    parser.add_argument("--all-tests", action="store_true")
    parser.add_argument("--folder", default=os.path.join(ROOT, ".build/bite"))
    parser.add_argument("--no-build", action="store_true")
    parser.add_argument("--check", action="store_true", help="only whether the lists fit the sources")
    options = parser.parse_args()
    try:
        everything = read_lists()
        changed_sources(everything)
        check_tests(everything)
        if options.check:
            return
        if not options.no_build:
            copy(options.folder, everything)
    except Flaw as flaw:
        sys.exit(f"bite: {flaw}")
    if not options.no_build:
        subprocess.run(["swift", "build", "--build-tests"], cwd=options.folder, check=True, stdout=sys.stderr)
    only = [name for name in options.only.split(",") if name]
    wanted = [
        own for own in everything
        if not only or any(own.name == name or own.name.startswith(name + "-") for name in only)]
    if not wanted:
        sys.exit(f"bite: nothing is called {options.only}")
    tests = sorted({test for own in wanted for test in own.tests})
    # With everything in its place all must pass, or a failure would prove nothing.
    outcome = run(options.folder, tests)
    absent = [f"{suite}: {title} did not run" for suite, title in tests if f'Test "{title}' not in outcome.text]
    if outcome.issues or outcome.code != 0 or absent:
        sys.exit("bite: with nothing taken out not all is well:\n" + "\n".join(absent + outcome.issues))
    missed = 0
    for own in wanted:
        outcomes = []
        for test in own.tests:
            outcome = run(options.folder, [test], own.name, stops=not options.all_tests)
            outcomes.append((test, told(outcome, [test])))
            if outcomes[-1][1] and not options.all_tests:
                break
        who = "; ".join(words for _, words in outcomes if words)
        slept = [f"{suite}: {title}" for (suite, title), words in outcomes if not words]
        missed += bool(slept) if options.all_tests else not who
        line = f"{own.name}: {own.words} — " + (f"noticed by {who}" if who else "NOBODY NOTICED")
        if slept and (options.all_tests or not who):
            line += f" (slept: {', '.join(slept)})"
        print(line, flush=True)
    print(f"{len(wanted)} handlings taken out, {missed} missed")
    sys.exit(1 if missed else 0)


main()

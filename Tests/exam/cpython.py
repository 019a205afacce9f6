"""Runs CPython's own test suite inside the sandbox, and compares with what must come of each test.

Each module of tests runs as a strategy of the profile "python", in its own process: nothing of the walls is different
from any strategy's, and the runtime differs only in holding the tests. `cpython-expectations.txt` says of each test
whether it must pass, must be refused, or is not applicable.
"""

import json
import os
import re
import shutil
import subprocess
import time

import outside
from place import HERE, RESULTS, exam_host
from live_host import demand

MODULES = (
    "test.test_os", "test.test_socket", "test.test_subprocess", "test.test_multiprocessing_fork",
    "test.test_multiprocessing_spawn", "test.test_ctypes", "test.test_mmap", "test.test_signal", "test.test_resource",
    "test.test_pty",
)
EXPECTATIONS = os.path.join(HERE, "cpython-expectations.txt")
SECONDS = 20

# Words in a failure that name the wall it ran into.
REFUSED = re.compile(
    r"Operation not permitted|Permission denied|Read-only file system|Function not implemented|PermissionError"
    r"|Inappropriate ioctl|can't start new thread|Too many open files|Errno 1\b|Errno 13\b|/dev/"
    # Semaphores and shared memory have no place: there is no /dev/shm. Their names are all that the error tells, or none.
    r"|No such file or directory: '/(psm_|test0)|^FileNotFoundError: \[Errno 2\] No such file or directory$"
    # Callbacks of ctypes want memory that is writable and executable; there is no terminal, no name service, no higher limit.
    r"|^MemoryError|out of pty devices|name resolution|name lookup|not allowed to raise")


def runtime(runtimes):
    """The bare runtime with the test package beside it, in a folder of runtimes of its own."""
    folder = os.path.join(RESULTS, "runtimes-cpython")
    tests = os.path.join(RESULTS, "testsuite")
    bare = os.path.realpath(os.path.join(runtimes, "bare"))
    mark = os.path.join(folder, "made-from")
    if os.path.exists(mark) and outside.read(mark) == bare:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(tests, ignore_errors=True)
    os.makedirs(tests)
    # Unpacked and not installed: the machine's own Python, from which runtimes are made, stays as it is.
    subprocess.run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", "libpython3.11-testsuite"], cwd=tests, check=True)
    package = [name for name in os.listdir(tests) if name.endswith(".deb")][0]
    subprocess.run(["dpkg-deb", "-x", package, "."], cwd=tests, check=True)
    shutil.copytree(bare, os.path.join(folder, "bare"), symlinks=True)
    library = os.path.join(folder, "bare", "root", "usr", "lib", "python3.11")
    # The package holds the tests; what they share lies in the interpreter's own package.
    for source in ("/usr/lib/python3.11/test", os.path.join(tests, "usr", "lib", "python3.11")):
        place = library if source.startswith(tests) else os.path.join(library, "test")
        shutil.copytree(source, place, dirs_exist_ok=True, symlinks=True)
    subprocess.run(
        ["/usr/bin/python3", "-m", "compileall", "-q", "-s", os.path.join(folder, "bare", "root"), "-p", "/",
         os.path.join(library, "test"), os.path.join(library, "ctypes")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)  # Some tests are files that do not compile.
    subprocess.run(["chmod", "-R", "go+rX", folder], check=True)
    with open(mark, "w", encoding="utf-8") as file:
        file.write(bare)
    return folder


def run_module(host, module, strategy, start):
    """Runs one module to its end, however often a test ends the process. Returns its results by test."""
    with open(os.path.join(HERE, "cpython_inside.py"), encoding="utf-8") as file:
        template = file.read()
    results = {}
    known = []
    # By the second door it is the same strategy, whose log goes on.
    seen = len(host.logged(strategy)) if strategy else 0
    for attempt in range(200):
        task = json.dumps({"module": module, "seconds": SECONDS, "done": sorted(results)})
        source = template.replace('"@TASK@"', repr(task), 1)
        config = {
            "restart": {"policy": "temporary"}, "cpu_share": 2, "memory_mb": 512, "pair": "BTCUSDT",
            "name": module.replace(".", "-").replace("_", "-"), **start}
        strategy = host.upload("strategy.py", source.encode(), config, to=strategy)
        host.begin(strategy, feed="injected")
        pid = host.status(strategy)["pid"]
        if pid and not host.group:
            host.learn_group(pid)
        status = host.wait(strategy, ("stopped", "quarantined", "backing_off"), 900)
        lines = host.wait_for_end(strategy, seen)
        new, seen = lines[seen:], len(lines)
        running = None
        is_done = False
        for line in new:
            if line["source"] != "stderr":
                continue
            word, _, value = line["message"].partition(" ")
            if word == "BEGINS":
                running = json.loads(value)
            elif word == "RESULT":
                result = json.loads(value)
                results[result["test"]] = (result["outcome"], result["why"])
                running = None
            elif word == "TESTS":
                known += json.loads(value)
            elif word == "BROKEN":
                results[module] = ("failed", json.loads(value))
                is_done = True
            elif word == "DONE":
                is_done = True
        if is_done:
            break
        demand(
            running or (new and status["state"] == "stopped"), "%s ended without a word: %s", module, status["reason"])
        if running:
            results[running] = ("died", status["reason"] or "")
    inherit(results, known)
    return results, strategy, attempt


def inherit(results, known):
    """A test whose class or module could not be set up shares that fate."""
    holders = {}
    for name in list(results):
        match = re.fullmatch(r"(setUpClass|setUpModule|tearDownClass|tearDownModule) \((.*)\)", name)
        if match:
            fate = results.pop(name)
            if match[1].startswith("setUp"):
                holders[match[2]] = fate
            else:
                results[match[2] + "." + match[1]] = fate
    for test in known:
        if test not in results:
            for holder, fate in holders.items():
                if test.startswith(holder + "."):
                    results[test] = fate


def verdict(outcome, why):
    """How the expectations call it: pass, refused, or n/a."""
    if outcome == "passed":
        return "pass"
    # A test may try, be refused, and call that a reason to skip itself.
    if outcome == "skipped":
        return "refused" if "not permitted" in why else "n/a"
    if outcome in ("died", "late") or REFUSED.search(why):
        return "refused"
    return "n/a"


class Expectations:
    """The list. A line is a word and a test; `*` stands for the tests of a class that have no line of their own."""

    def __init__(self, path):
        self.exact = {}
        self.classes = {}
        for line in outside.read(path).splitlines():
            line = line.split("#")[0].split()
            if len(line) == 2:
                if line[1].endswith(".*"):
                    self.classes[line[1][:-2]] = line[0]
                else:
                    self.exact[line[1]] = line[0]

    def of(self, test):
        return self.exact.get(test) or self.classes.get(test.rpartition(".")[0])


def compare(results, expectations):
    """What came out otherwise than the list says."""
    differences = []
    for test, (outcome, why) in sorted(results.items()):
        wanted, found = expectations.of(test), verdict(outcome, why)
        # Either word: it depends on the machine's load whether it gets that far.
        if wanted is None or found not in wanted.split("|"):
            differences.append({"test": test, "expected": wanted, "outcome": outcome, "verdict": found, "why": why})
    for test in expectations.exact:
        if test not in results:
            differences.append({"test": test, "expected": expectations.exact[test], "outcome": "never ran"})
    return differences


def write_list(results, path):
    """Rewrites the list from what came out by each door, a class whose tests all came out alike in one line."""
    words, why = {}, {}
    for found in results:
        for test, result in found.items():
            word = verdict(*result)
            words[test] = word if word in words.get(test, word).split("|") else words[test] + "|" + word
            why[test] = why.get(test) or result[1]
    classes = {}
    for test in words:
        classes.setdefault(test.rpartition(".")[0], []).append(test)
    lines = []
    for name in sorted(classes):
        tests = sorted(classes[name])
        found = {words[test] for test in tests}
        reasons = [reason(why[test]) for test in tests]
        if len(found) == 1 and len(tests) > 1:
            word = found.pop()
            common = max(sorted(set(reasons)), key=reasons.count) if word != "pass" else ""
            lines.append("%-8s %s.*%s" % (word, name, "  # " + common if common else ""))
        else:
            for test, words_of_it in zip(tests, reasons):
                end = "  # " + words_of_it if words[test] != "pass" and words_of_it else ""
                lines.append("%-8s %s%s" % (words[test], test, end))
    with open(path, encoding="utf-8") as file:
        head = [line for line in file.read().splitlines() if line.startswith("#")]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(head + [""] + lines) + "\n")


def reason(why):
    """What a line of the list says of the why: short, and the same on every machine."""
    why = re.sub(r"0x[0-9a-f]+|\b\d{4,}\b", "…", why.split(" | ")[0])
    why = re.sub(r"b?'?(/tmp/|/work/|/psm_|@test_)[^']*'?", "a file", why)
    return why.replace("#", "")[:90].strip()


def run(options):
    began = time.time()
    runtimes = runtime(options.runtimes)
    results = {}
    modules = []
    starts = [("launcher", {"start": "cold"} if options.has_doors else {})]
    if options.has_doors:
        starts.append(("nursery", {}))
    with exam_host(options, runtimes) as host:
        before = outside.snapshot(host)
        # The watcher of the namespaces apart, a strategy is one process: nothing in here may make it two.
        watch = outside.Watch(host, most_processes=1)
        watch.start()
        strategies = {}
        for door, start in starts:
            for module in options.modules or MODULES:
                at = time.time()
                found, strategies[module], again = run_module(host, module, strategies.get(module), start)
                counts = {}
                for result in found.values():
                    counts[verdict(*result)] = counts.get(verdict(*result), 0) + 1
                modules.append({
                    "module": module, "door": door, "tests": len(found), "seconds": round(time.time() - at),
                    "deaths": again, **counts})
                print(json.dumps(modules[-1]), flush=True)
                results.setdefault(door, {}).update(found)
        outside.wait_until_gone(host)
        seen = watch.end()
        outside.compare(before, outside.snapshot(host))
    with open(os.path.join(RESULTS, "cpython-results%s.json" % ("" if options.user in ("root", "own") else "-" + options.user)), "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1, sort_keys=True)
    if options.write_expectations:
        write_list(list(results.values()), EXPECTATIONS)
    expectations = Expectations(EXPECTATIONS)
    if options.modules:
        for test in list(expectations.exact):
            if not any(test.startswith(module) for module in options.modules):
                del expectations.exact[test]
    differences = []
    for door, found in results.items():
        differences += [{"door": door, **difference} for difference in compare(found, expectations)]
    return {
        "modules": modules, "tests": sum(map(len, results.values())), "differences": differences, "outside": seen,
        "seconds": round(time.time() - began), "is_good": not differences}

"""The exam: how a case is described, carried out, and judged from outside."""

import contextlib
import fcntl
import io
import json
import os
import re
import socket
import tempfile
import threading
import time
import traceback
import zipfile
from concurrent.futures import ThreadPoolExecutor

import calls
import native
import outside
from live_host import RUNTIMES, STAGE, Failed, LiveHost

HERE = os.path.dirname(os.path.abspath(__file__))
SECRET = "exam-secret-%d-%s" % (os.getpid(), os.urandom(8).hex())
"""Stands in the host's environment, as a careless operator's key would."""
INSIDE = os.path.join(HERE, "inside")

USERS = ("root", "user", "lent", "alone")
"""Whom a host under exam runs as; LiveHost tells what each is."""
PYTHON_PROFILES = ("python", "python-pandas", "python-scientific")
OVER = ("stopped", "quarantined", "backing_off")


class Case:
    """One attack, tried by one strategy.

    row       the row of the list of attacks, or "+" for those beyond it
    tries     what the strategy does, in words
    sees      what it must come to, in words
    attack    "list:NAME" of `inside/calls.py`, or the name of a deed
    must      for deeds: {what was tried: outcomes it may have}; a callable judges for itself
    ends      "stop": it is stopped after its result and must have lived till then; "dies": it ends by itself or is killed
    reason    what the reason of its end must say, a regular expression
    config    members of its strategy.json
    known     parameters for the attack
    outside   called with (exam, run) when it is over; gives complaints
    during    called with (exam, run) as soon as the result is there, before it is stopped; gives complaints
    control   how it goes without walls: a callable that gives {what was tried: "done" or why not}; None to run the attack
    bites     for controls of deeds: {what was tried: outcomes that show that it works}
    traits    {what was tried: why the kernel may refuse it even to root without walls}
    speaks    the languages that it is written in
    alone     whether nothing else may run meanwhile
    is_long   whether it is left out where time is short, as its like is tried there
    is_alike  whether it comes out alike whomever the host runs as, so that root will do where time is short
    waits     whether most of its time is waiting, which is alike too
    is_idle   whether it does nothing at all until it is over, so that even those that run alone may run meanwhile
    promised  for which hosts it is promised; on others it is tried and reported
    """

    def __init__(
        self, name, row, tries, sees, attack=None, must=None, ends="stop", reason=None, config=None, known=None,
        outside=None, during=None, control=None, bites=None, traits=None, speaks=("python", "native"), alone=False,
        promised=USERS, when="start", seconds=30, whole=None,
        is_long=False, is_alike=False, waits=False, is_idle=False,
    ):
        self.name, self.row, self.tries, self.sees, self.attack = name, row, tries, sees, attack
        self.must, self.ends, self.reason, self.config, self.known = must or {}, ends, reason, config or {}, known or {}
        self.outside, self.during, self.control, self.bites = outside, during, control, bites or {}
        self.traits, self.speaks, self.alone, self.promised, self.when = traits or {}, speaks, alone, promised, when
        self.seconds, self.whole, self.is_long, self.is_alike, self.waits = seconds, whole, is_long, is_alike or waits, waits
        self.is_idle = is_idle
        if attack and attack.startswith("list:"):
            for call in calls.LISTS[attack[5:]]:
                self.must.setdefault(call.name, ("done",) if call.help else call.must)
                if call.trait:
                    self.traits.setdefault(call.name, call.trait)
            # A call that only makes the next one possible is no attack.
            self.helps = {call.name for call in calls.LISTS[attack[5:]] if call.help}
        else:
            self.helps = set()


def language_of(case, profile):
    """Whether a case is tried in Python or in C."""
    return "native" if profile == "native" or "python" not in case.speaks else "python"


class Run:
    """One strategy's run, as the exam saw it."""

    def __init__(self, case, language):
        self.case, self.language = case, language
        self.id = None
        self.pid = self.birth = None
        self.found = None
        self.status = {}
        self.lines = []
        self.began = self.told = self.over = None
        self.complaints = []
        self.before = {}

    def says(self, text):
        return any(text in line["message"] for line in self.lines)


class Exam:
    """All cases on one host."""

    def __init__(self, door, user, profile, only=None):
        self.door, self.user, self.profile, self.only = door, user, profile, only
        # On a machine with much else to do some attacks take long.
        patience = 40 if os.getloadavg()[0] > 2 * os.cpu_count() else 20
        settings = {
            "market.symbols": "BTCUSDT", "market.speed": 60, "limits.price_distance": "0.9",
            "strategy.start_timeout": "%ds" % patience,
            "strategy.heartbeat_interval": "500ms", "strategy.heartbeat_timeout": "6s", "strategy.stop_timeout": "2s",
        }
        if has_nurseries():
            settings["nursery.enabled"] = "true" if door == "warm" else "false"
        self.host = LiveHost(STAGE, RUNTIMES, settings, user=user, environment={"EXAM_SECRET": SECRET})
        self.listeners = Listeners()
        self.neighbour = None
        self.lock = threading.Lock()
        self.results = []
        self.figures = {}

    def run(self, cases):
        begin = time.time()
        before = self._look_around()
        try:
            self.host.start()
            self._start_neighbour()
            # Those that mostly wait come first, so that others run meanwhile.
            together = sorted((case for case in cases if not case.alone and not case.whole), key=lambda case: not case.waits)
            with ThreadPoolExecutor(1) as aside:
                idle = aside.map(self._sit, [case for case in together if case.is_idle])
                with held(fcntl.LOCK_SH), ThreadPoolExecutor(6) as pool:
                    list(pool.map(self._sit, [case for case in together if not case.is_idle]))
                with held(fcntl.LOCK_EX):
                    for case in cases:
                        if case.alone and not case.whole:
                            self.lateness()
                            self._sit(case)
                for case in cases:
                    if case.whole and case.name != "host-killed":
                        self._sit_whole(case)
                list(idle)
            complaints = self._check_neighbour()
            for case in cases:
                if case.name == "host-killed":
                    self._sit_whole(case)
            self._close(before, complaints)
        finally:
            self.listeners.close()
            self.host.remove()
        return {
            "door": self.door, "user": self.user, "profile": self.profile, "seconds": round(time.time() - begin, 1),
            "figures": self.figures, "cases": self.results,
        }

    # MARK: One case

    def _sit(self, case):
        language = language_of(case, self.profile)
        if language not in case.speaks:
            return
        run = Run(case, language)
        began = time.time()
        try:
            self._carry_out(run)
            complaints = self._judge(run)
        except (Failed, OSError, KeyError, TypeError, ValueError, AttributeError):
            complaints = ["the exam could not go on: %s" % traceback.format_exc()[-1500:]]
        self._note(case, language, run.found, complaints, began)

    def _sit_whole(self, case):
        began = time.time()
        try:
            complaints = case.whole(self)
        except (Failed, OSError, KeyError, TypeError, ValueError, AttributeError):
            complaints = ["the exam could not go on: %s" % traceback.format_exc()[-1500:]]
        self._note(case, "host", None, complaints, began)

    def side_run(self, name, attack, known, language):
        return self.side_runs([(name, attack, known)], language)[0]

    def side_runs(self, attacks, language, follow=True):
        """Strategies beside the cases proper: (name, attack, what it is told), all at once."""
        runs = []
        for name, attack, known in attacks:
            run = Run(Case(name, "", "", "", attack, known=known, when="start"), language)
            self._begin(run)
            runs.append(run)
        if follow:
            for run in runs:
                self._follow(run)
        return runs

    def _note(self, case, language, found, complaints, began):
        is_promised = self.user in case.promised
        with self.lock:
            self.results.append({
                "name": case.name, "row": case.row, "language": language, "promised": is_promised, "found": found,
                "seconds": round(time.time() - began, 2), "complaints": complaints, "passed": not complaints})

    def known(self, run):
        """What the strategy is told: where the exam listens, and whom it may try to reach."""
        folder = "/bundle"
        file = folder + ("/strategy" if run.language == "native" else "/strategy.py")
        known = {
            "attack": run.case.attack, "when": run.case.when, "first": 1, "host": self.host.process.pid,
            "sibling": self.neighbour["pid"], "sibling_strategy": self.neighbour["id"],
            "sibling_order": self.neighbour["order"], "sibling_request": self.neighbour["request"], "file": file,
            "folder": folder, "writable": "/work", "scratch": "/tmp/exam", "new": "/bundle/new", "sub": "/bundle/sub",
            "link": "/bundle/link", "moved": "/bundle/moved", "other": "/other", "fifo": "/tmp/fifo", "device": "/tmp/device",
            **self.listeners.addresses,
        }
        known.update(run.case.known)
        if self.user == "alone":
            # Nothing but the host's own watching ends it, and the machine shall not suffer meanwhile.
            known["touch"] = 1 << 30
        return known

    def _carry_out(self, run):
        self._begin(run)
        self._follow(run)

    def _begin(self, run):
        case = run.case
        if run.language == "native":
            file, content = "main", native.program()
        else:
            file, content = "attack.zip", bundle()
        config = {"restart": {"policy": "temporary"}, "memory_mb": 96, "lookback_period": 3, "cpu_share": 0.5, **case.config}
        config["profile"] = "native" if run.language == "native" else self.profile
        run.id = self.host.upload(file, content, config, name="%s-%s" % (case.name, run.language))
        run.began = time.time()
        self.host.begin(run.id, parameters=self.known(run))

    def _follow(self, run):
        """Waits for its result and its end. Looks while it lives."""
        case = run.case
        deadline = time.time() + case.seconds
        pause = 0.03
        is_asked = False
        while True:
            status = self.host.status(run.id)
            self._read(run)
            if run.found is not None and not run.pid:
                # It may have been started, and have told all, since the status was asked for.
                status = self.host.status(run.id)
            if status["pid"] and not run.pid:
                run.pid = status["pid"]
                run.birth = outside.birth(run.pid)
                run.seen = time.time()
            if run.found is not None and not is_asked:
                run.told = run.told or time.time()
                if case.during and status["state"] not in OVER:
                    run.complaints += case.during(self, run)
                if case.ends != "dies":
                    status = self.host.status(run.id)
                    if status["state"] in OVER and case.ends == "stop":
                        run.complaints.append("it ended before it was stopped: %s" % status["reason"])
                    elif status["state"] not in OVER:
                        self.host.ask("POST", "/strategies/%s/stop" % run.id, {})
                is_asked = True
            if status["state"] in OVER and status["since"] >= run.began * 1000 - 5000:
                run.over = time.time()
                run.status = status
                self._read(run)
                return
            if time.time() > deadline:
                run.complaints.append(
                    "after %d s it is still %s: %s" % (case.seconds, status["state"], [l["message"] for l in run.lines[-5:]]))
                self.host.ask("POST", "/strategies/%s/stop" % run.id, {})
                run.status = status
                return
            time.sleep(pause)
            pause = min(pause * 1.4, 0.25)

    def _read(self, run):
        last = run.lines[-1]["seq"] if run.lines else 0
        for line in self.host.lines(run.id, last):
            run.lines.append(line)
            if line["message"].startswith("RESULT "):
                run.found = json.loads(line["message"][7:])

    def _judge(self, run):
        case = run.case
        complaints = list(run.complaints)
        if has_nurseries() and run.language == "python" and not run.says("started %s in " % self.door):
            complaints.append("it did not come in by the %s door" % self.door)
        if run.found is None and not all(None in must for must in case.must.values() if not callable(must)):
            last = [line["message"][:300] for line in run.lines[-4:]]
            complaints.append("it told nothing: %s, %s" % (run.status.get("reason"), last))
        for name, must in case.must.items():
            if callable(must):
                complaints += must(run)
                continue
            outcome = (run.found or {}).get(name)
            if outcome is None and (None in must or name in case.helps):
                continue
            if outcome not in must:
                complaints.append("%s: %s instead of %s" % (name, outcome, " or ".join(map(str, must))))
        if case.reason and not re.search(case.reason, run.status.get("reason") or ""):
            complaints.append("the reason is %r" % run.status.get("reason"))
        complaints += self._look_for_remains(run)
        if case.outside:
            complaints += case.outside(self, run)
        return complaints

    def _look_for_remains(self, run):
        """Nothing of a run may outlive it: no process, no control group."""
        status = self.host.status(run.id)
        deadline = time.time() + 5
        while True:
            left = []
            # Another exam beside this one gives numbers away again.
            if run.birth is not None and outside.birth(run.pid) == run.birth:
                left.append("process %d" % run.pid)
            for group in self.host.groups(nurseries=True):
                if status["run"] and os.path.basename(group) == status["run"]:
                    left.append(group)
            if not left or time.time() > deadline:
                return ["left behind: " + ", ".join(left)] if left else []
            time.sleep(0.02)

    # MARK: Around all cases

    def _start_neighbour(self):
        """A strategy that behaves, beside all others, from the first to the last."""
        with open(os.path.join(INSIDE, "neighbour.py"), "rb") as file:
            source = file.read()
        profile = "python" if self.profile == "native" else self.profile
        config = {
            "restart": {"policy": "temporary"}, "lookback_period": 3, "memory_mb": 96, "cpu_share": 1, "leverage": 1,
            "profile": profile}
        strategy = self.host.upload("neighbour.py", source, config, name="neighbour")
        self.host.begin(strategy)
        deadline = time.time() + 40
        while True:
            status = self.host.status(strategy)
            told = [line["message"][7:] for line in self.host.lines(strategy) if line["message"].startswith("RESULT ")]
            if status["state"] == "running" and told and '"open"' in told[-1]:
                break
            if time.time() > deadline or status["state"] in OVER:
                raise Failed("the neighbour did not start: %s, %s" % (status, self.host.lines(strategy)))
            time.sleep(0.05)
        order = json.loads(told[-1])
        self.neighbour = {"id": strategy, "pid": status["pid"], "run": status["run"], **order}
        self.host.learn_group(status["pid"])
        self.host_descriptors = outside.descriptors(self.host.process.pid)
        self.host_memory = outside.memory(self.host.process.pid)
        self.neighbour_namespaces = outside.namespaces(status["pid"])
        if self.door == "warm" and self.warm_up():
            raise Failed("the nursery does not start: %s" % self.host.said()[-1000:])
        self.lateness()
        time.sleep(1)
        self.quiet = self.lateness()

    def warm_up(self):
        """Starts strategies until one comes from the nursery, which is made ready behind the first."""
        if self.profile == "native":
            return []
        deadline = time.time() + 60
        while time.time() < deadline:
            run = self.side_run("warms-up-%d" % time.monotonic_ns(), "threads", {}, "python")
            if run.says("started warm in "):
                return []
        return ["no nursery came to be"]

    def lateness(self, since=0):
        """How late the neighbour's timers came since the last time it was asked."""
        mark = "at-%d" % time.monotonic_ns()
        self.host.ask("POST", "/strategies/%s/signals" % self.neighbour["id"], {"action": mark})
        deadline = time.time() + 15
        while time.time() < deadline:
            for line in self.host.ask("GET", "/strategies/%s/logs?limit=200" % self.neighbour["id"])["items"]:
                if line["message"].startswith("LATE %s " % mark):
                    return json.loads(line["message"].split(" ", 2)[2])
            time.sleep(0.05)
        raise Failed("the neighbour does not answer")

    def neighbour_order(self):
        items = self.host.ask("GET", "/strategies/%s/orders?limit=200" % self.neighbour["id"])["items"]
        return next(order for order in items if order["id"] == self.neighbour["order"])

    def _look_around(self):
        return {
            "objects": outside.objects(), "mounts": outside.mounts(), "launcher": outside.hash_of(self.host.launcher),
            "program": outside.hash_of(self.host.program),
        }

    def _check_neighbour(self):
        """The neighbour never noticed, the host holds nothing more than before, nothing was sent."""
        complaints = []
        status = self.host.status(self.neighbour["id"])
        if status["state"] != "running" or status["pid"] != self.neighbour["pid"]:
            complaints.append("the neighbour is %s: %s" % (status["state"], status["reason"]))
        if self.user == "alone" and not status["limits"]["not_promised"]:
            complaints.append("without control groups the host does not say what it does not promise")
        if self.neighbour_order()["status"] != "open":
            complaints.append("the neighbour's order is %s" % self.neighbour_order()["status"])
        complaints += self._compare_descriptors()
        complaints += ["a packet came: %s" % what for what in self.listeners.heard()]
        return complaints

    def _close(self, before, complaints):
        """What must hold when all is over: nothing is left."""
        odd = [path for path in outside.odd_files(self.host.data) if not path.endswith("/runtimes") and "/runtimes/" not in path]
        complaints += ["in the data folder lies %s" % path for path in odd]
        code = self.host.end()
        if code != 0:
            complaints.append("the host ended with %s: %s" % (code, self.host.said()[-500:]))
        complaints += ["left behind: process %s (%s)" % one for one in outside.processes_of(self.host).items()]
        complaints += ["left behind: %s" % group for group in self.host.groups(nurseries=True)]
        after = self._look_around()
        complaints += ["left behind: %s" % what for what in sorted(after["objects"] - before["objects"])]
        complaints += ["key left: %s" % line for line in outside.keys()]
        complaints += ["mounted: %s" % what for what in sorted(after["mounts"] - before["mounts"])]
        for name in ("launcher", "program"):
            if after[name] != before[name]:
                complaints.append("the %s was changed" % name)
        self.results.append({
            "name": "remains", "row": "all", "language": "host", "promised": True, "found": None, "seconds": 0,
            "complaints": complaints, "passed": not complaints})

    def _compare_descriptors(self):
        """The host holds no more than at the beginning, but for each strategy's log, a network for the next one and the four
        pipes of one that was made ahead, and its own streams are as they were."""
        complaints = []
        deadline = time.time() + 5
        while True:
            now = outside.descriptors(self.host.process.pid)
            extra = [what for number, (what, _) in now.items()
                     if number not in self.host_descriptors and not what.startswith(("socket:", "net:"))
                     and not what.endswith("/log.jsonl")]
            networks = [what for what, _ in now.values() if what.startswith("net:")]
            if len(networks) > 1:
                extra += networks
            pipes = [what for what in extra if what.startswith("pipe:")]
            if self.door == "warm":
                extra = [what for what in extra if what not in pipes[:4]]
            if not extra or time.time() > deadline:
                break
            time.sleep(0.1)
        if len(extra) > 2:
            complaints.append("the host holds %d descriptors more: %s" % (len(extra), extra[:10]))
        for number in (0, 1, 2):
            if now.get(number) != self.host_descriptors[number]:
                complaints.append("the host's stream %d was %s and is %s" % (
                    number, self.host_descriptors[number], now.get(number)))
        return complaints


class Listeners:
    """Sockets of the exam's own, outside, at which nothing may ever arrive."""

    def __init__(self):
        name = "bullpen-exam-%d-%d" % (os.getpid(), time.monotonic_ns())
        self.folder = tempfile.mkdtemp(prefix="exam-doors-")
        os.chmod(self.folder, 0o755)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.abstract = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.abstract.bind("\0" + name)
        self.named = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.named.bind(self.folder + "/door")
        os.chmod(self.folder + "/door", 0o777)
        self.addresses = {
            "udp": self.udp.getsockname()[1], "tcp": self.tcp.getsockname()[1], "abstract": name,
            "named": self.folder + "/door"}
        for door in (self.udp, self.tcp, self.abstract, self.named):
            door.setblocking(False)

    def heard(self):
        found = []
        for name in ("udp", "abstract", "named"):
            try:
                while True:
                    found.append("%s %r" % (name, getattr(self, name).recv(100)))
            except BlockingIOError:
                pass
        try:
            connection, _ = self.tcp.accept()
            connection.close()
            found.append("tcp")
        except BlockingIOError:
            pass
        return found

    def close(self):
        for door in (self.udp, self.tcp, self.abstract, self.named):
            door.close()
        os.unlink(self.folder + "/door")
        os.rmdir(self.folder)


@contextlib.contextmanager
def held(how):
    """Keeps those that run alone, in one exam, from running beside the many of another."""
    with open(os.path.join(HERE, "exam.py"), encoding="utf-8") as file:
        fcntl.flock(file, how)
        yield


def has_nurseries():
    """Whether this host has a warm door at all."""
    return os.path.exists(os.path.join(STAGE, "libexec", "bullpen", "nursery.so"))


def bundle():
    """The Python attacker, as an author would upload it."""
    if not hasattr(bundle, "bytes"):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in ("strategy.py", "attempts.py", "calls.py", "deeds.py"):
                archive.write(os.path.join(INSIDE, name), name)
        bundle.bytes = stream.getvalue()
    return bundle.bytes

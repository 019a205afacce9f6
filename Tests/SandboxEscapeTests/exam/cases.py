"""The cases: every row of the list of attacks, and what goes beyond it.

What must be seen stands here twice: in words for people, and as what the exam demands.
"""

import os
import subprocess
import time

import calls
import outside
import controls
import wholes
from exam import SECRET, Case
from live_host import LENT

KILLED_BY_HOST = r"refused|violation|sandbox|signal|killed"


# MARK: Looking from outside

def walls_stand(exam, run):
    """What the kernel itself says of the strategy's process."""
    complaints = []
    status = outside.identity(run.pid)
    uids = set(status["uids"])
    if len(uids) != 1 or uids == {"0"}:
        complaints.append("its users are %s" % status["uids"])
    if exam.user not in OWN_USERS and uids != {str(exam.host.uid)}:
        complaints.append("its user is %s, and the host's %d" % (uids, exam.host.uid))
    if exam.user in OWN_USERS and str(exam.host.uid) in uids:
        complaints.append("it has the host's user")
    if exam.user == "lent" and not all(int(uid) in LENT for uid in uids):
        complaints.append("its user is %s, which nobody lent" % uids)
    if status["capabilities"] != {"0" * 16}:
        complaints.append("its capabilities are %s" % status["capabilities"])
    if status["no_new_privs"] != "1" or status["seccomp"] != "2" or status["filters"] not in ("2", "3", "4", "?"):
        complaints.append("no_new_privs %(no_new_privs)s, seccomp %(seccomp)s, %(filters)s filters" % status)
    own = outside.namespaces(os.getpid())
    for name, which in outside.namespaces(run.pid).items():
        if which == own[name]:
            complaints.append("it is in the machine's %s namespace" % name)
        if which == exam.neighbour_namespaces[name]:
            complaints.append("it shares the %s namespace with its neighbour" % name)
    if exam.user in OWN_USERS:
        neighbour = outside.identity(exam.neighbour["pid"])["uids"]
        if set(neighbour) & uids:
            complaints.append("it shares user %s with its neighbour" % neighbour)
    for number, (what, _) in outside.descriptors(run.pid).items():
        if not (what.startswith("pipe:") or what.startswith(("/usr/", "/sdk/", "/bundle/", "/work/", "/tmp/"))):
            complaints.append("its descriptor %d is %s" % (number, what))
    return complaints


def knows_no_secret(exam, run):
    """The memory of the strategy, and of the watcher beside it, read from outside."""
    complaints = walls_stand(exam, run)
    found = run.found
    if set(found["environment"]) - ALLOWED_ENVIRONMENT:
        complaints.append("its environment has %s" % sorted(set(found["environment"]) - ALLOWED_ENVIRONMENT))
    if set(found["hello"]) - HELLO:
        complaints.append("hello has %s" % sorted(set(found["hello"]) - HELLO))
    for word in (exam.host.folder, exam.host.data, SECRET, exam.host.token, exam.host.password):
        if word in found["text"]:
            complaints.append("hello says %r" % word)
    if found["name"] != "bullpen" or found["pids"][0] != 2 or found["user"] != [1000, 1000, 1000, []]:
        complaints.append("it is %s, %s, on %s" % (found["user"], found["pids"], found["name"]))
    if set(found["root"]) - {"bundle", "sdk", "tmp", "usr", "work", "lib", "lib64", "bin", "etc"}:
        complaints.append("its root has %s" % found["root"])
    for pid in {run.pid, *outside.watchers_of(run.pid), *outside.processes_of(exam.host)}:
        for secret in (SECRET, exam.host.token, exam.host.password):
            try:
                where = outside.holds(pid, secret.encode())
            except OSError:
                continue  # Another's, which has ended meanwhile.
            if where:
                complaints.append("a secret of the host is in the memory of process %d: %s" % (pid, where[:3]))
    return complaints


ALLOWED_ENVIRONMENT = {
    "HOME", "LANG", "LC_ALL", "LC_CTYPE", "PATH", "TMPDIR", "TZ", "PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED", "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "PYTHONUTF8", "JOBLIB_MULTIPROCESSING",
}
HELLO = {
    "type", "protocol", "strategy", "run", "mode", "time", "entry", "parameters", "config", "instruments", "account", "positions",
    "orders", "state", "heartbeat_ms",
}


def alone_in_its_namespace(exam, run):
    """Only the watcher is beside it."""
    pids = outside.watchers_of(run.pid)
    return [] if len(pids) == 1 else ["beside it in its namespace are %s" % [(pid, outside.command(pid)) for pid in pids]]


def nothing_heard(exam, run):
    return ["outside arrived %s" % what for what in exam.listeners.heard()]


def no_objects(exam, run):
    return ["a key was made: %s" % line for line in outside.keys()]


def host_is_small(limit_mb):
    def look(exam, run):
        grown = (outside.memory(exam.host.process.pid) - exam.host_memory) / 1024
        return [] if grown < limit_mb else ["the host has grown by %d MB" % grown]

    return look


def fast_end(seconds):
    """Its end is noticed soon: nothing that it leaves keeps the host from reaping it."""
    def look(exam, run):
        if not run.told or not run.over:
            return ["it did not end"]
        late = run.status["since"] / 1000 - next(
            line["time"] for line in run.lines if line["message"].startswith("RESULT ")) / 1000
        return [] if late < seconds else ["its end was noticed after %.1f s" % late]

    return look


def time_bounded(seconds):
    def look(exam, run):
        took = (run.over or time.time()) - run.began
        return [] if took < seconds else ["it lived for %.1f s" % took]

    return look


def says(*texts):
    def look(exam, run):
        return ["its log does not say %r" % text for text in texts if not run.says(text)]

    return look


def order_stands(exam, run):
    order = exam.neighbour_order()
    complaints = [] if order["status"] == "open" and order["quantity"] == "0.01" else ["the neighbour's order is now %s" % order]
    orders = exam.host.ask("GET", "/strategies/%s/orders?limit=200" % run.id)["items"]
    complaints += ["it has an order %s of %s" % (order["request"], order["symbol"]) for order in orders
                   if order["symbol"] != "BTCUSDT"]
    return complaints


def neighbour_keeps_time(times, least):
    """The neighbour's timers come as they did before, but for what the bound gives."""
    def look(exam, run):
        late = exam.lateness()
        bound = max(times * exam.quiet["p99"], least)
        run.found["neighbour"] = {"quiet": exam.quiet, "now": late}
        return [] if late["p99"] <= bound else [
            "the neighbour's timers came %.0f ms late (p99), before %.0f ms" % (late["p99"] * 1000, exam.quiet["p99"] * 1000)]

    return look


def no_escapes(exam, run):
    """What an operator's terminal would take for a command does not come through `bullpen logs`."""
    ending = subprocess.run(
        [exam.host.program, "logs", run.id], capture_output=True, timeout=30,
        env={"PATH": "/usr/bin:/bin", "BULLPEN_SERVER": "http://127.0.0.1:%d" % exam.host.port, "BULLPEN_TOKEN": exam.host.token})
    if ending.returncode or b"half" not in ending.stdout:
        return ["`bullpen logs` ended with %d: %r" % (ending.returncode, ending.stderr)]
    return ["an escape comes through `bullpen logs`: %r" % ending.stdout] if b"\x1b" in ending.stdout or b"\x07" in ending.stdout else []


def both(*looks):
    return lambda exam, run: [complaint for look in looks for complaint in look(exam, run)]


# MARK: What must be

def at_most(limit, name):
    def judge(run):
        figure = (run.found or {}).get(name)
        return [] if isinstance(figure, (int, float)) and figure <= limit else [
            "%s is %s, and must be at most %s" % (name, figure, limit)]

    return judge


def all_of(*allowed, but=()):
    """Every outcome but some is one of these."""
    def judge(run):
        return ["%s: %s" % (name, outcome) for name, outcome in (run.found or {}).items()
                if name not in but and outcome not in allowed]

    return judge


REFUSED = ("EPERM", "EACCES")
PYTHON = ("python",)
BOTH = ("python", "native")
WITH_GROUPS = ("root", "user", "lent")
OWN_USERS = ("root", "lent")

CASES = [
    # Row 1
    Case("terminal", "1", "pushes characters into a terminal: TIOCSTI, also with high bits set; TIOCLINUX",
         "EPERM, ENOENT; there is no terminal", "list:terminal"),
    # Row 2
    Case("executable", "2", "opens and executes the launcher through /proc/self/exe",
         "ENOENT, EPERM; the launcher's hash is unchanged at the end", "list:executable"),
    # Row 3
    Case("descriptors", "3", "looks for descriptors it was left, and opens ../.. through each",
         "nothing but pipes, no folder behind any; seen from outside too", "descriptors",
         {"folders": ("none",)}, during=walls_stand, bites={"folders": lambda it: it != "none"}, control=controls.with_open_folder),
    # Row 4
    Case("trace-me", "4", "lets its parent trace a thread, and ends", "EPERM; its end is noticed at once", "trace_me",
         {"PTRACE_TRACEME in a thread": REFUSED}, ends="dies", reason="exit code 3", outside=fast_end(2),
         control=controls.unreaped, bites={"PTRACE_TRACEME in a thread": ("done",), "its parent": ("waits in vain",)}),
    # Row 5
    Case("processes", "5", "traces, reads, signals and limits the host, a neighbour and the watcher", "EPERM, ENOENT",
         "list:processes", during=alone_in_its_namespace),
    # Row 6
    Case("objects", "6", "makes keys, System V objects and message queues", "EPERM; nothing is left", "list:objects",
         during=no_objects),
    # Row 7
    Case("kernel", "7", "io_uring, bpf, perf, userfaultfd, file handles and other doors to the kernel", "EPERM",
         "list:kernel"),
    # Row 8
    Case("new-processes", "8", "makes processes and namespaces in every way that clone knows", "EPERM; clone3: ENOSYS",
         "list:new_processes", during=alone_in_its_namespace),
    Case("spawn", "8", "starts programs in every way that Python knows", "PermissionError", "spawn",
         {"all": all_of("EPERM", "EACCES", "ENOENT", "ECONNREFUSED", "OSError")}, speaks=PYTHON, during=alone_in_its_namespace,
         bites={"execv in a thread": ("done",)}),
    Case("threads", "8", "starts eight threads", "they run", "threads", {"threads": ("done",)}),
    # Row 9
    Case("x32", "9", "calls by a number of x32", "killed by SIGSYS", "foreign_numbers", ends="dies",
         reason="SIGSYS|system call", traits={"x32 getpid": "the kernel may have been built without x32; then it is no call"},
         must={"x32 getpid": (None,)}),
    Case("int-80", "9", "calls by the old gate of 32-bit programs, int 0x80", "killed by SIGSYS", "old_gate", ends="dies",
         reason="SIGSYS|system call", traits={"int 0x80 getpid": "the kernel may have been built without it"},
         must={"int 0x80 getpid": (None,)}, bites={"int 0x80 getpid": ("done",)}, speaks=("native",)),
    # Row 10
    Case("code", "10", "brings new code to run: memfd, /tmp, writable and executable memory",
         "EPERM or EACCES", "list:code"),
    # Row 11
    Case("filters", "11", "loads filters of its own, with a listener", "EPERM", "list:filters"),
    # Row 12
    Case("sockets", "12", "makes sockets of every family", "EPERM", "list:sockets"),
    Case("network", "12", "sends to sockets that listen outside: by IP, abstract, by path, through a socket pair",
         "EPERM; nothing arrives outside", "network", {"all": all_of("EPERM", "EACCES", "ENOENT", "ECONNREFUSED", "OSError")},
         speaks=PYTHON, outside=nothing_heard, control=controls.with_listeners,
         bites={**{name: ("done",) for name in ("internet", "stream", "abstract", "named", "paired", "carried")},
                "packets outside": ("done",)}),
    # Row 13
    Case("locks", "13", "locks, leases, notices, marks and futexes on a file that two strategies see", "EPERM",
         "list:locks"),
    # Row 14
    Case("fork-bomb", "14", "forks without end", "EPERM at the first", "fork_bomb", {"processes": REFUSED},
         during=alone_in_its_namespace, control=controls.fifty_processes, bites={"processes": ("50",)}),
    Case("thread-bomb", "14", "starts 10,000 threads, which all stay", "the profile's number of processes; the neighbour keeps time",
         "thread_bomb", {"threads": at_most(64, "threads")}, known={"stay": 2}, during=neighbour_keeps_time(3, 0.3), alone=True,
         promised=WITH_GROUPS, control=controls.hundred_threads, bites={"threads": (100,)}),
    # Row 15
    Case("daemon", "15", "leaves a grandchild in a session of its own behind", "EPERM; nothing is left", "daemon",
         {"daemon": REFUSED}, control=controls.survives_its_group, bites={"daemon": ("done",)}),
    # Row 16
    Case("stops-itself", "16", "stops itself with SIGSTOP, and sleeps", "EPERM; killed when it does not answer",
         "stop_itself", waits=True, must={"SIGSTOP to itself": REFUSED, "SIGSTOP to its thread": REFUSED}, ends="dies", when="later",
         reason="did not answer|did not take", control=controls.stopped, bites={"SIGSTOP to itself": ("done",)}),
    Case("sleeps", "16", "sleeps for an hour before it says that it is ready", "killed at the deadline", "sleeper", waits=True,
         is_idle=True, ends="dies", reason="ready", seconds=120, control=controls.sleeps, bites={"asleep": ("yes",)}),
    Case("deaf", "16", "ignores every signal and the wish to stop", "killed at the deadline", "deaf", waits=True, when="later",
         outside=time_bounded(25), control=controls.deaf, bites={"ignores": ("yes",)}),
    # Row 17
    Case("big-mapping", "17", "maps 6 GB and touches them", "killed, the cause names limit and peak", "big_mapping", ends="dies",
         reason="memory: limit 96 MiB", promised=WITH_GROUPS, must={"touched": (None,)}, control=controls.maps_much,
         bites={"touched": ("done",)}),
    Case("eats", "17", "touches twice its limit", "killed, the cause names limit and peak", "eat", ends="dies",
         reason="memory: limit 96 MiB", promised=WITH_GROUPS, known={"mb": 192}, control=controls.eats_fifty, bites={"eaten": ("done",)}),
    Case("fills-work", "17", "fills /work with bytes, then with files, then with a sparse file", "ENOSPC at its size; EFBIG",
         "fill", {"bytes": ("ENOSPC",), "files": ("ENOSPC",), "sparse": ("EFBIG", "ENOSPC"), "truncate to 1 TB": ("EFBIG",),
                  "megabytes": at_most(64, "megabytes"), "made": at_most(4096, "made")},
         known={"writable": "/work", "mb": 100, "files": 5000}, config={"memory_mb": 200}, seconds=90, control=controls.fills,
         bites={"bytes": ("done",), "files": ("done",), "sparse": ("done",), "truncate to 1 TB": ("done",)}),
    Case("fills-tmp", "17", "fills /tmp the same way", "ENOSPC at its size; EFBIG", "fill",
         {"bytes": ("ENOSPC",), "files": ("ENOSPC",), "sparse": ("EFBIG", "ENOSPC"), "truncate to 1 TB": ("EFBIG",),
          "megabytes": at_most(32, "megabytes"), "made": at_most(1024, "made")},
         known={"writable": "/tmp", "mb": 60, "files": 1500}, config={"memory_mb": 200}, seconds=90, control=controls.fills,
         bites={"bytes": ("done",)}),
    # Row 18
    Case("endless-line", "18", "writes without ever ending a line, up to 1 GB", "the host does not grow; the log says why",
         "endless_line", waits=True, known={"mb": 1024}, when="later", during=None, ends="dies", seconds=60, must={"written": (None, "done")},
         reason="", outside=both(host_is_small(60), says("was passed over")), control=controls.naive_reader, bites={"reader": ("grows",)}),
    Case("nonsense", "18", "half characters, NULs, numbers that are none, escapes for a terminal",
         "each line is refused, and it goes on", "nonsense", {"said": ("done",)}, when="later", speaks=PYTHON, during=wholes.refused_lines(4),
         outside=no_escapes,
         control=controls.naive_json, bites={"a careless reader takes NaN": ("done",)}),
    Case("deaf-ears", "18", "never reads what the host says", "killed when it does not answer; the host does not grow", "sleeper", waits=True,
         when="later", ends="dies", reason="did not answer|did not take", outside=host_is_small(60), control=controls.full_pipe,
         bites={"pipe": ("full",)}),
    # Row 19
    Case("streams", "19", "makes its pipes non-blocking, resizes, re-opens and owns them",
         "only its own ends change; the host's streams are as they were", "streams",
         {"streams": wholes.streams_refused}, speaks=PYTHON, ends="either", control=controls.shared_stream, bites={"the other end's flags": ("changed",)}),
    # Row 20
    Case("files", "20", "changes the bundle, makes links, pipes and devices", "EPERM, EROFS or EACCES", "list:files"),
    Case("links", "20", "leaves links, pipes and sockets where a careless host would follow them", "EPERM; nothing is left",
         "links", {"all": all_of("EPERM", "EACCES", "EROFS", but=("deep folders",))}, known={"writable": "/work"}, speaks=PYTHON,
         control=controls.links, bites={"symlink": ("done",), "fifo": ("done",), "socket": ("done",)}),
    # Row 21
    Case("hidden", "21", "opens what tells of the machine: /proc, /sys, /dev, /etc", "ENOENT", "list:hidden"),
    Case("secrets", "+", "tells all that it was told; its whole memory is read from outside",
         "no secret of the host, no path, no environment", "secrets", during=knows_no_secret, speaks=PYTHON,
         control=controls.inherits_secret, bites={"the host's secret": ("in its memory",)}),
    # Row 22
    Case("ends-while-signalled", "22", "ends at the moment when the host signals it, thirty times",
         "no stranger with its number is ever hit", "sleeper", whole=wholes.ends_while_signalled, control=controls.number_again,
         bites={"kill by number": ("a stranger",), "kill by descriptor": ("ESRCH",)}),
    # Row 23
    Case("self", "23", "takes more for itself: priority, limits, users, capabilities, prctl in all its forms", "EPERM",
         "list:self"),
    # Row 24
    Case("host-killed", "24", "the host is killed while strategies run that ignore everything",
         "all dead within 1 s; the next host removes their control groups", "deaf", whole=wholes.host_killed,
         control=controls.orphan, bites={"orphan": ("lives on",)}),
    # Row 25
    Case("busy", "25", "loops in four threads beside a neighbour", "its share of a processor; the neighbour keeps time", "busy",
         known={"loops": 4, "seconds": 3}, config={"cpu_share": 0.1}, must={"share": at_most(0.12, "share")}, alone=True,
         promised=WITH_GROUPS, during=neighbour_keeps_time(4, 0.3), control=controls.busy, bites={"share": lambda it: it > 0.15}),
    # Row 26
    Case("exhausts", "26", "takes all pipes, events and descriptors that it gets, and keeps them full",
         "its own number of descriptors; a neighbour still gets its own", "exhaust",
         {"pipes": at_most(128, "pipes")}, known={"most": 100000, "stay": 5}, promised=OWN_USERS, during=wholes.others_get_theirs,
         control=controls.exhausts, bites={"pipes": lambda it: it > 200}),
    # Beyond the list
    Case("race-notice", "+", "changes a call's arguments while the host reads them, 400 times",
         "EPERM, then ENOSYS; it still is the program that it was", "race_notice", {"execve": ("EPERM", "ENOSYS,EPERM", "EPERM,ENOSYS")},
         during=wholes.same_program, bites={"execve": ("done", "failed")}),
    Case("aborts-watcher", "+", "sends the one signal it may send to the watcher, process 1", "the watcher lives, and so does it",
         "abort_first", {"survived": ("yes",)}, during=alone_in_its_namespace, control=controls.aborts,
         bites={"tgkill(1, 1, SIGABRT)": ("done",)}),
    Case("shared-futex", "+", "talks to another strategy through a futex on a file of the runtime", "nobody is woken", "wait",
         whole=wholes.shared_futex, control=controls.shared_futex_outside, bites={"heard": lambda it: it > 0}),
    Case("same-dice", "+", "throws dice of every kind, three strategies of one profile", "all differ", "dice",
         whole=wholes.same_dice, speaks=PYTHON, control=controls.same_dice, bites={"forked alike": ("the same",)}),
    Case("nursery-killed", "+", "its nursery is killed while it runs (warm door)",
         "it runs on; others start cold meanwhile, and warm again", "sleeper", whole=wholes.nursery_killed, speaks=PYTHON,
         control=controls.orphan_of_init, bites={"the first of a namespace": ("takes all along",)}),
    Case("meddles", "+", "cancels, amends and answers for orders of its neighbour; speaks in its name", "refused or its own id",
         "meddle", {"said": ("done",)}, when="later", speaks=PYTHON, outside=order_stands, control=controls.no_owner,
         bites={"a desk without owners": ("cancels",)}),
    Case("zip-slip", "+", "uploads archives with ../, absolute names, links, devices, bombs and names that collide",
         "refused; nothing outside its folder", None, whole=wholes.evil_archives, is_alike=True, control=controls.naive_unzip,
         bites={"a careless reader": ("writes outside",)}),
]
for kind, lines in (("metric", 100000), ("log", 100000), ("timer", 100000), ("subscribe", 100000), ("signal", 100000),
                    ("state", 2000), ("order", 20000), ("stderr", 100000)):
    CASES.append(Case(
        "flood-" + kind, "+" if kind != "stderr" else "18", "floods the host with %s lines, as fast as it can" % kind,
        "the host does not grow, the neighbour keeps its order", "flood", {}, when="later",
        known={"kind": kind, "lines": lines, "seconds": 2}, ends="stop" if kind in ("metric", "log", "stderr") else "either",
        outside=host_is_small(80), config={"restart": {"policy": "temporary"}}, seconds=60, control=controls.floods,
        bites={"bytes": lambda it: it > 100000}, speaks=PYTHON if kind in ("subscribe", "signal", "order") else BOTH, is_alike=True,
        is_long=kind in ("subscribe", "signal", "log")))
for call in calls.FATAL:
    CASES.append(Case(
        "fatal-" + call.name, "+", "calls %s, which only an attacker does" % call.name, "killed and quarantined",
        "list:fatal_" + call.name, {call.name: (None, "EPERM")}, ends="dies", reason=call.name, control=controls.reaches_the_kernel,
        bites={call.name: controls.reached}, is_alike=True,
        is_long=call.name not in ("mount", "chroot", "setns", "init_module", "reboot", "open_by_handle_at")))

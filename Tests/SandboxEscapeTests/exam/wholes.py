"""Cases that take more than one strategy, and looks at one while it lives."""

import io
import os
import signal
import stat
import time
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor

import outside
from controls import take_number
from exam import INSIDE, OVER, Case, Run, bundle


# MARK: While it lives

def same_program(exam, run):
    """It still is what was started."""
    program = os.readlink("/proc/%d/exe" % run.pid)
    expected = "python" if run.language == "python" else "strategy"
    return [] if expected in os.path.basename(program) else ["it is now %s" % program]


def refused_lines(least):
    def look(exam, run):
        deadline = time.time() + 10
        while True:
            exam._read(run)
            refused = [line["message"] for line in run.lines if "a line was refused" in line["message"]]
            if len(refused) >= least or time.time() > deadline:
                return [] if len(refused) >= least else ["only %d lines were refused: %s" % (len(refused), refused)]
            time.sleep(0.05)

    return look


def others_get_theirs(exam, run):
    """While one keeps all that it gets, another gets what it asks for."""
    other = exam.side_run("other", "exhaust", {"most": 20, "stay": 0}, run.language)
    return [] if other.found and other.found.get("pipes") == 20 else ["beside it another got only %s" % other.found]


def streams_refused(run):
    complaints = []
    for name, outcome in (run.found or {}).items():
        if name.startswith("O_"):
            continue
        if outcome not in ("EPERM", "EACCES", "ENOENT", "EINVAL"):
            complaints.append("%s: %s" % (name, outcome))
    return complaints


# MARK: Two strategies

def shared_futex(exam):
    """One waits, the other wakes, on the same file of the runtime. Nobody must hear anything."""
    if exam.profile == "native":
        return []
    known = {"file": "/sdk/start.py", "seconds": 1.5}
    runs = exam.side_runs([("futex-waits", "wait", known), ("futex-wakes", "wake", known)], "python")
    complaints = []
    for run in runs:
        if run.found is None:
            complaints.append("it told nothing: %s" % run.status)
        elif run.found.get("heard") or run.found.get("woken"):
            complaints.append("one heard the other: %s" % run.found)
    return complaints


def same_dice(exam):
    """What two strategies of one profile throw differs, in everything."""
    if exam.profile == "native":
        return []
    runs = exam.side_runs([("dice-%d" % n, "dice", {}) for n in range(3)], "python")
    complaints = ["it told nothing: %s" % run.status for run in runs if not run.found]
    for name in (runs[0].found or {}):
        thrown = [run.found.get(name) for run in runs if run.found]
        if len(set(thrown)) < len(thrown):
            complaints.append("%s gave %s" % (name, thrown))
    return complaints


# MARK: The nursery

def nursery_killed(exam):
    """A nursery that dies takes nobody along; strategies start cold meanwhile, and warm again later."""
    if exam.door != "warm" or exam.profile == "native":
        return []
    before = exam.host.status(exam.neighbour["id"])
    nurseries = [pid for pid, what in outside.processes_of(exam.host).items() if "nursery.py" in what and outside.is_nursery(pid)]
    if not nurseries:
        return ["no nursery was found"]
    for pid in nurseries:
        os.kill(pid, signal.SIGKILL)
    first = exam.side_run("after-the-nursery", "threads", {}, "python")
    complaints = [] if first.found == {"threads": "done"} else ["after its death none starts: %s" % first.status]
    after = exam.host.status(exam.neighbour["id"])
    if after["pid"] != before["pid"] or after["state"] != "running":
        complaints.append("the neighbour is %s: %s" % (after["state"], after["reason"]))
    complaints += exam.warm_up()
    return complaints


# MARK: The host and its signals

def ends_while_signalled(exam):
    """Each ends while the host signals it; a stranger then takes its number, and must live."""
    language = "python" if exam.profile != "native" else "native"

    def one(number):
        run = exam.side_runs([("signalled-%d" % number, "ends_soon", {})], language, follow=False)[0]
        deadline = time.time() + 20
        while run.found is None and time.time() < deadline:
            run.pid = run.pid or exam.host.status(run.id)["pid"]
            exam._read(run)
            time.sleep(0.01)
        # It ends when it has slept for a while; stop and end meet, or nearly.
        time.sleep(0.05 * number)
        exam.host.ask("POST", "/strategies/%s/stop" % run.id, {}, fails=True)
        while run.pid and os.path.exists("/proc/%d" % run.pid) and time.time() < deadline:
            time.sleep(0.0005)
        return run, take_number(run.pid) if run.pid else None

    with ThreadPoolExecutor(4) as pool:
        pairs = list(pool.map(one, range(4)))
    # Longer than the host waits before it kills.
    time.sleep(2.5)
    complaints = []
    for run, stranger in pairs:
        if stranger is not None and stranger.poll() is not None:
            complaints.append("a stranger with the number %d was killed" % stranger.pid)
        elif stranger is not None:
            stranger.kill()
            stranger.wait()
        status = exam.host.status(run.id)
        if status["state"] not in OVER:
            complaints.append("%s is %s" % (run.id, status["state"]))
    exam.figures["strangers"] = sum(stranger is not None for _, stranger in pairs)
    return complaints


def host_killed(exam):
    """The host dies at once; so must all that it had started. The next one clears away their groups."""
    language = "native" if exam.profile == "native" else "python"
    runs = exam.side_runs([("orphan-%d" % n, "deaf", {}) for n in range(2)], language, follow=False)
    deadline = time.time() + 30
    for run in runs:
        while run.found is None and time.time() < deadline:
            run.pid = exam.host.status(run.id)["pid"]
            exam._read(run)
            time.sleep(0.02)
    doomed = set(outside.processes_of(exam.host))
    for run in runs:
        doomed |= {run.pid, *outside.watchers_of(run.pid)}
    births = {pid: outside.birth(pid) for pid in doomed if pid}
    # The next host makes its own place anew at once, under the same name.
    groups = {group for group in exam.host.groups(nurseries=True) if os.path.basename(group) != "host"}
    exam.host.kill()
    killed = time.time()
    while True:
        left = [pid for pid, birth in births.items() if outside.birth(pid) == birth and _lives(pid)]
        if not left or time.time() - killed > 1:
            break
        time.sleep(0.01)
    exam.figures["dead_after_ms"] = round((time.time() - killed) * 1000)
    complaints = ["1 s after the host's death %d lives: %s" % (pid, outside.command(pid)) for pid in left]
    exam.host.start()
    deadline = time.time() + 10
    while True:
        # A run that goes on has its group made anew under the same name.
        names = {exam.host.status(id)["run"] for id in [run.id for run in runs] + [exam.neighbour["id"]]}
        old = [group for group in groups & set(exam.host.groups(nurseries=True)) if os.path.basename(group) not in names]
        if not old or time.time() > deadline:
            return complaints + ["the next host left %s" % group for group in old]
        time.sleep(0.05)


def _lives(pid):
    """Whether it has memory. The first of a namespace may wait, long dead, for others to be reaped by process 1."""
    try:
        with open("/proc/%d/statm" % pid, encoding="ascii") as file:
            return file.read().split()[0] != "0"
    except OSError:
        return False


# MARK: Uploads

def evil_archives(exam):
    """Every archive that would leave its folder is refused, and leaves nothing."""
    target = "/tmp/exam-slipped-%d" % os.getpid()
    source = b"from bullpen import Strategy\nclass A(Strategy):\n    pass\n"

    def archive(*entries):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("strategy.py", source)
            # Two of one name are meant.
            warnings.simplefilter("ignore")
            for name, content, mode in entries:
                info = zipfile.ZipInfo(name)
                info.external_attr = mode << 16
                info.create_system = 3
                info.compress_type = zipfile.ZIP_DEFLATED
                file.writestr(info, content)
        return stream.getvalue()

    plain = stat.S_IFREG | 0o644
    archives = {
        "..": archive(("../../../../../.." + target, b"x", plain)),
        "absolute": archive((target, b"x", plain)),
        "backslashes": archive(("..\\..\\..\\tmp\\exam", b"x", plain)),
        "link": archive(("link", target.encode(), stat.S_IFLNK | 0o777)),
        "link to a folder, then through it": archive(("out", b"/tmp", stat.S_IFLNK | 0o777), ("out/exam", b"x", plain)),
        "device": archive(("null", b"", stat.S_IFCHR | 0o666)),
        "pipe": archive(("pipe", b"", stat.S_IFIFO | 0o666)),
        "bomb": archive(("zeros", bytes(300 << 20), plain)),
        "many files": archive(*[("f/%d" % n, b"", plain) for n in range(20000)]),
        "deep": archive(("d/" * 500 + "x", b"x", plain)),
        "a name with a line's end": archive(("a\nb.py", b"x", plain)),
        "a name too long": archive(("n" * 300, b"x", plain)),
        "a name of its own twice": archive(("strategy.py", b"import os\n", plain)),
        "a dot": archive(("./././.", b"x", plain)),
    }
    complaints = []
    for name, content in archives.items():
        status, answer = exam.host.upload("evil.zip", content, {}, name="evil", fails=True)
        if status < 400 or status >= 500:
            complaints.append("the archive with %s was answered with %d %s" % (name, status, str(answer)[:200]))
    for file in ("../../evil.py", "/etc/evil.py", "..", "a/b.py", "strategy.py\0.zip"):
        status, answer = exam.host.upload(file, source, {}, name="evil name", fails=True)
        if status >= 500:
            complaints.append("the file name %r was answered with %d" % (file, status))
    for path in (target, "/tmp/exam", "/etc/evil.py"):
        if os.path.lexists(path):
            complaints.append("%s was written" % path)
    return complaints

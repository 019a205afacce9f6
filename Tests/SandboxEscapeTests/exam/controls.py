"""Controls: the same attempts without walls, bounded so that they harm nothing. What does not work there proves nothing."""

import ctypes
import json
import os
import pty
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zipfile

import native
import outside
from exam import HERE, SECRET

ATTEMPTS = os.path.join(HERE, "inside", "attempts.py")


def judge(case, found):
    """(complaints, traits): what a control did not show, and what this machine's kernel refuses to everybody."""
    complaints, traits = [], {}
    names = case.bites if case.bites else {name: ("done",) for name in case.must if name not in case.helps}
    for name, bites in names.items():
        outcome = found.get(name)
        works = bites(outcome) if callable(bites) and outcome is not None else not callable(bites) and outcome in bites
        if works:
            continue
        if name in case.traits:
            traits[name] = "%s: %s" % (outcome, case.traits[name])
        else:
            complaints.append("without walls, %s came to %s" % (name, outcome))
    return complaints, traits


def run(case, language="python"):
    return (case.control or plain)(case, language)


def plain(case, language="python", more=None, **settings):
    """The attack itself, by a process of root's with a terminal and neighbours of its own."""
    with Place() as place:
        # Whatever the case says: a control writes in its own folder and nowhere else.
        known = {**case.known, **place.known, "attack": case.attack, **(more or {})}
        return place.run(known, language, **settings)


class Place:
    """A folder, two sleeping processes and a terminal, for one control."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="exam-control-")
        os.chmod(self.folder, 0o755)
        bundle = os.path.join(self.folder, "bundle")
        os.mkdir(bundle)
        with open(bundle + "/strategy.py", "wb") as file:
            file.write(b"# a file of the bundle\n" * 1000)
        self.sleepers = [subprocess.Popen(["/bin/sleep", "60"]) for _ in range(3)]
        names = ("new", "sub", "link", "moved")
        self.known = {
            "first": self.sleepers[0].pid, "host": self.sleepers[1].pid, "sibling": self.sleepers[2].pid,
            "file": bundle + "/strategy.py", "folder": bundle, "writable": self.folder, "scratch": self.folder + "/scratch",
            "other": self.folder + "/other", "fifo": self.folder + "/fifo", "device": self.folder + "/device",
            **{name: bundle + "/" + name for name in names}}
        self.before = outside.objects()
        return self

    def __exit__(self, *_):
        for sleeper in self.sleepers:
            sleeper.kill()
            sleeper.wait()
        libc = ctypes.CDLL(None, use_errno=True)
        # The keys of `calls.OBJECTS`; a control leaves nothing behind either.
        for number, get, control, remove in ((0x45584101, 29, 31, (0,)), (0x45584102, 64, 66, (0, 0)), (0x45584103, 68, 71, (0,))):
            identity = libc.syscall(get, number, 0, 0)
            if identity >= 0:
                if get == 64:
                    libc.syscall(control, identity, 0, 0)
                else:
                    libc.syscall(control, identity, 0, 0)
        libc.syscall(241, b"bullpen-exam")
        for path in ("/bullpen-exam", "/usr/bullpen-exam"):
            if os.path.exists(path):
                os.unlink(path)
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, known, language="python", seconds=30, wait=True, **settings):
        """Runs the attempt to its end and gives what it told."""
        arguments = [sys.executable, "-B", ATTEMPTS] if language == "python" else [native.path()]
        primary, secondary = pty.openpty()
        try:
            child = subprocess.Popen(
                arguments + [json.dumps(known)], stdin=secondary, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                cwd=self.folder, start_new_session=True, preexec_fn=_take_terminal, **settings)
            try:
                _, said = child.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                _, said = child.communicate(timeout=10)
        finally:
            os.close(primary)
            os.close(secondary)
        return told(said)


def _take_terminal():
    import fcntl

    fcntl.ioctl(0, 0x540E, 0)  # TIOCSCTTY


def told(said):
    found = {}
    for line in said.decode("utf-8", "replace").splitlines():
        if line.startswith("RESULT "):
            found = json.loads(line[7:])
    return found or {"nothing": said.decode("utf-8", "replace")[-500:]}


# MARK: Controls that need more around them

def with_open_folder(case, language):
    """A careless launcher leaves a folder open."""
    folder = os.open("/usr/lib", os.O_RDONLY)
    os.set_inheritable(folder, True)
    try:
        return plain(case, language, pass_fds=(folder,))
    finally:
        os.close(folder)


def with_listeners(case, language):
    from exam import Listeners

    listeners = Listeners()
    try:
        found = plain(case, language, listeners.addresses)
        found["heard"] = len(listeners.heard())
        return {**found, "packets outside": "done" if found["heard"] >= 4 else "%d" % found["heard"]}
    finally:
        listeners.close()


def fifty_processes(case, language):
    return plain(case, language, {"most": 50})


def hundred_threads(case, language):
    return plain(case, language, {"most": 100})


def unreaped(case, language):
    """A parent that waits for it waits in vain until it also waits for the thread that it traces."""
    with Place() as place:
        arguments = [sys.executable, "-B", ATTEMPTS] if language == "python" else [native.path()]
        child = subprocess.Popen(
            arguments + [json.dumps({**place.known, "attack": case.attack})], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        found = told(child.stderr.readline())
        threads = {int(name) for name in os.listdir("/proc/%d/task" % child.pid)} - {child.pid}
        time.sleep(1)
        with open("/proc/%d/stat" % child.pid, encoding="ascii") as file:
            has_ended = file.read().rsplit(")", 1)[1].split()[0] == "Z"
        found["its parent"] = "waits in vain" if has_ended and child.poll() is None else "reaps it"
        for thread in threads:
            try:
                os.waitpid(thread, 0x40000000)  # __WALL
            except ChildProcessError:
                continue
        child.stderr.close()
        child.wait(10)
        return found


def survives_its_group(case, language):
    """The grandchild outlives the killing of its group, as the row says."""
    before = set(_sleepers())

    def look(child):
        found = _first_line(child)
        child.wait(10)
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # Nobody is left in its group; the grandchild has one of its own.
        left = [pid for pid in _sleepers() if pid not in before and "daemon" in outside.command(pid)]
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        return found if left else {"daemon": "it did not outlive its group"}

    return _alone("daemon", 5, look, language)


def _sleepers():
    for name in os.listdir("/proc"):
        if name.isdigit() and ("attempts.py" in outside.command(int(name)) or native.NAME in outside.command(int(name))):
            yield int(name)


def _alone(deed, seconds, action, language="python", more=None):
    """Starts a deed, acts on it from outside when it has begun, and ends it."""
    with Place() as place:
        known = {**place.known, "attack": deed, **(more or {})}
        arguments = [sys.executable, "-B", ATTEMPTS] if language == "python" else [native.path()]
        child = subprocess.Popen(
            arguments + [json.dumps(known)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            cwd=place.folder, start_new_session=True)
        try:
            return action(child)
        finally:
            child.send_signal(signal.SIGKILL)
            child.communicate(timeout=10)


def _first_line(child):
    return told(child.stderr.readline())


def stopped(case, language):
    """It does stop itself, and nothing wakes it."""
    def look(child):
        deadline = time.time() + 10
        while time.time() < deadline:
            with open("/proc/%d/stat" % child.pid, encoding="ascii") as file:
                if file.read().rsplit(")", 1)[1].split()[0] == "T":
                    return {"SIGSTOP to itself": "done"}
            time.sleep(0.02)
        return {"SIGSTOP to itself": "it went on"}

    return _alone("stop_itself", 5, look, language)


def sleeps(case, language):
    return _alone("sleeper", 5, _first_line, language)


def deaf(case, language):
    """SIGTERM does not end it."""
    def look(child):
        found = _first_line(child)
        for number in (signal.SIGTERM, signal.SIGXCPU, signal.SIGHUP):
            child.send_signal(number)
        time.sleep(0.2)
        return found if child.poll() is None else {"ignores": "it ended"}

    return _alone("deaf", 5, look, language)


def maps_much(case, language):
    """6 GB may be mapped; touched are 50 MB."""
    return plain(case, language, {"touch": 50 << 20})


def eats_fifty(case, language):
    return plain(case, language, {"mb": 50})


def fills(case, language):
    """50 MB and 5,000 files go where there is no quota."""
    return plain(case, language, {"mb": 50, "files": 5000})


def naive_reader(case, language):
    """Whoever reads lines without a bound holds all of an endless one."""
    def look(child):
        before = outside.memory(os.getpid())
        text = child.stdout.read(50 << 20)
        grown = outside.memory(os.getpid()) - before
        return {"reader": "grows" if grown > 40 << 10 or len(text) == 50 << 20 and b"\n" not in text else "does not grow"}

    return _alone("endless_line", 20, look, language, {"mb": 50})


def naive_json(case, language):
    """A parser that is not strict takes numbers that are none."""
    value = json.loads('{"type":"metric","name":"x","value":NaN}')["value"]
    return {"a careless reader takes NaN": "done" if value != value else "refused"}


def full_pipe(case, language):
    """A writer that waits would wait forever for one that never reads."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        for _ in range(1000):
            os.write(writing, bytes(65536))
        return {"pipe": "takes all"}
    except BlockingIOError:
        return {"pipe": "full"}
    finally:
        os.close(reading)
        os.close(writing)


def shared_stream(case, language):
    """Where two processes hold one end, as a terminal or an inherited file, one changes it for both."""
    reading, writing = os.pipe()
    try:
        subprocess.run(
            [sys.executable, "-c", "import os; os.set_blocking(%d, False)" % reading], pass_fds=(reading,), check=True)
        return {"the other end's flags": "unchanged" if os.get_blocking(reading) else "changed"}
    finally:
        os.close(reading)
        os.close(writing)


def links(case, language):
    return plain(case, language)


def inherits_secret(case, language):
    """A child that is started without care has its parent's environment, and whoever reads its memory finds it."""
    child = subprocess.Popen(["/bin/sleep", "20"], env={**os.environ, "EXAM_SECRET": SECRET})
    try:
        deadline = time.time() + 5
        while "sleep" not in outside.command(child.pid) and time.time() < deadline:
            time.sleep(0.01)
        return {"the host's secret": "in its memory" if outside.holds(child.pid, SECRET.encode()) else "not found"}
    finally:
        child.kill()
        child.wait()


def number_again(case, language):
    """A number that is used again is hit by kill; a descriptor of the dead process is not."""
    found = {}
    for _ in range(20):
        first = subprocess.Popen(["/bin/true"])
        descriptor = os.pidfd_open(first.pid)
        first.wait()
        stranger = take_number(first.pid)
        if stranger is None:
            os.close(descriptor)
            continue
        try:
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            found["kill by descriptor"] = "a stranger"
        except ProcessLookupError:
            found["kill by descriptor"] = "ESRCH"
        os.close(descriptor)
        os.kill(first.pid, signal.SIGKILL)
        found["kill by number"] = "a stranger" if stranger.wait() == -signal.SIGKILL else "nobody"
        return found
    return {"kill by number": "the number could not be had again"}


def take_number(pid, seconds=60):
    """A stranger with this process id, or None when somebody else was faster."""
    try:
        with open("/proc/sys/kernel/ns_last_pid", "w", encoding="ascii") as file:
            file.write(str(pid - 1))
    except OSError:
        return None
    stranger = subprocess.Popen(["/bin/sleep", str(seconds)])
    if stranger.pid == pid:
        return stranger
    stranger.kill()
    stranger.wait()
    return None


def orphan(case, language):
    """What a plain parent leaves behind when it is killed lives on."""
    parent = subprocess.Popen(
        [sys.executable, "-c", "import subprocess,time; print(subprocess.Popen(['/bin/sleep','30']).pid, flush=True); time.sleep(30)"],
        stdout=subprocess.PIPE)
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    return {"orphan": "lives on" if lives_on(pid, 0.3) else "died"}


def lives_on(pid, seconds):
    """Whether a process is still there after so long; then it is killed."""
    time.sleep(seconds)
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def busy(case, language):
    # A machine with other work may give it little once; not again and again.
    for _ in range(5):
        found = plain(case, language, {"seconds": 1, "loops": 4})
        if found["share"] > 0.15:
            break
    return found


def exhausts(case, language):
    return plain(case, language, {"most": 300})


def aborts(case, language):
    """The signal reaches a process that is not the first of its namespace."""
    return plain(case, language)


def shared_futex_outside(case, language):
    """Two processes, one file, one word: one wakes the other."""
    with Place() as place:
        results = []

        def act(deed):
            results.append(place.run({**place.known, "attack": deed, "seconds": 1.0}, "python"))

        acts = [threading.Thread(target=act, args=(deed,)) for deed in ("wait", "wake")]
        for thread in acts:
            thread.start()
        for thread in acts:
            thread.join()
        return {name: value for found in results for name, value in found.items()}


def orphan_of_init(case, language):
    """Children of a process that is the first of its namespace die with it."""
    parent = subprocess.Popen(
        ["unshare", "--pid", "--fork", "--kill-child", sys.executable, "-c",
         "import subprocess,time; subprocess.Popen(['/bin/sleep','31']); print('ready', flush=True); time.sleep(31)"],
        stdout=subprocess.PIPE)
    parent.stdout.readline()
    first = int(subprocess.run(["pgrep", "-P", str(parent.pid)], capture_output=True, check=True).stdout.split()[0])
    child = int(subprocess.run(["pgrep", "-P", str(first)], capture_output=True, check=True).stdout.split()[0])
    os.kill(first, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    return {"the first of a namespace": "takes nobody along" if lives_on(child, 0.2) else "takes all along"}


def same_dice(case, language):
    """Two processes that were forked from one, and nothing more, throw the same."""
    import random

    dice = random.Random(1)
    thrown = []
    for _ in range(2):
        reading, writing = os.pipe()
        if os.fork() == 0:
            os.write(writing, b"%d" % dice.getrandbits(62))
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as file:
            thrown.append(file.read())
        os.wait()
    return {"forked alike": "the same" if thrown[0] == thrown[1] else "not the same"}


def no_owner(case, language):
    """A desk that looks an order up by its id alone lets anybody cancel it."""
    orders = {"1": {"owner": "neighbour", "status": "open"}}
    orders["1"]["status"] = "cancelled"
    return {"a desk without owners": "cancels" if orders["1"]["status"] == "cancelled" else "refuses"}


def naive_unzip(case, language):
    """Joining a folder and a name is enough to leave the folder."""
    folder = tempfile.mkdtemp(prefix="exam-control-")
    try:
        os.mkdir(folder + "/in")
        path = os.path.join(folder + "/in", "../out")
        with open(path, "w", encoding="ascii") as file:
            file.write("x")
        return {"a careless reader": "writes outside" if os.path.exists(folder + "/out") else "stays inside"}
    finally:
        shutil.rmtree(folder)


def floods(case, language):
    return plain(case, language, {"seconds": 1, "lines": 20000})


def reaches_the_kernel(case, language):
    """Not done for real: its arguments make it fail, but in the kernel and not before."""
    return plain(case, language)


def reached(outcome):
    return outcome not in ("ENOSYS", "killed")

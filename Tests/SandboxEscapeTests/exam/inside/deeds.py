"""Attacks that are more than single calls. Each gets the `Attempt` that it reports to; `is_control` is without walls."""

import ctypes
import errno
import json
import mmap
import os
import resource
import signal
import socket
import stat
import struct
import sys
import threading
import time


# MARK: Descriptors

def descriptors(it):
    """What is open, and whether a folder can be reached through it."""
    odd = []
    for number in range(1024):
        try:
            status = os.fstat(number)
        except OSError:
            continue
        if not (stat.S_ISFIFO(status.st_mode) or stat.S_ISREG(status.st_mode) and number == it.known.get("allowed")):
            odd.append("%d is %o" % (number, status.st_mode))
        outcome = it.outcome(257, number, "../..", 0o200000, 0)
        if outcome == "done":
            odd.append("through %d a folder opens" % number)
    it.tell(folders="none" if not odd else ", ".join(odd))


def streams(it):
    """Spoils the flags of its own ends, and opens them anew."""
    import fcntl

    for number in range(10):
        try:
            flags = fcntl.fcntl(number, fcntl.F_GETFL)
        except OSError:
            continue
        it.note("O_NONBLOCK on %d" % number, fcntl.fcntl, number, fcntl.F_SETFL, flags | os.O_NONBLOCK | os.O_ASYNC)
        it.note("O_NONBLOCK on %d" % number, fcntl.fcntl, number, fcntl.F_SETFL, flags | os.O_NONBLOCK)
        if number > 2:
            it.note("O_DIRECT on %d" % number, fcntl.fcntl, number, fcntl.F_SETFL, flags | os.O_DIRECT)
        it.note("size of %d" % number, fcntl.fcntl, number, 1031, 1 << 20)
        it.note("owner of %d" % number, fcntl.fcntl, number, 8, os.getpid())
        it.note("seals of %d" % number, fcntl.fcntl, number, 1034)
        for folder in ("/proc/self/fd", "/dev/fd"):
            it.note("%s/%d" % (folder, number), os.open, "%s/%d" % (folder, number), os.O_RDWR)
    it.tell()
    # What it says while its ends do not wait must not get lost or hurt the host.
    for count in range(2000):
        try:
            os.write(2, b"not waiting %d\n" % count)
        except BlockingIOError:
            time.sleep(0.001)


# MARK: Processes

def trace_me(it):
    """Lets its parent trace a thread, and ends: a supervisor that waits for it then waits forever."""
    outcomes = []
    ready = threading.Event()

    def trace():
        outcomes.append(it.outcome(101, 0, 0, 0, 0))
        ready.set()
        if it.is_control:
            time.sleep(1)

    threading.Thread(target=trace, daemon=True).start()
    ready.wait()
    it.tell(**{"PTRACE_TRACEME in a thread": outcomes[0]})
    if not it.is_control:
        time.sleep(0.1)
    os._exit(3)


def threads(it):
    """What is refused for processes works for threads."""
    numbers = []
    crowd = [threading.Thread(target=numbers.append, args=(n,)) for n in range(8)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    it.tell(threads="done" if sorted(numbers) == list(range(8)) else "lost")


def fork_bomb(it):
    """As many processes as it gets; every one stays."""
    count = 0
    limit = it.known.get("most", 100000)
    try:
        while count < limit:
            if os.fork() == 0:
                if it.is_control:
                    time.sleep(2)
                    os._exit(0)
                continue
            count += 1
        it.tell(processes=str(count))
    except OSError as error:
        it.tell(processes=errno.errorcode[error.errno] if count == 0 else str(count))


def thread_bomb(it):
    """Ten thousand threads, which all stay."""
    gate = threading.Event()
    count = 0
    threading.stack_size(64 << 10)
    limit = it.known.get("most", 10000)
    try:
        while count < limit:
            threading.Thread(target=gate.wait, daemon=True).start()
            count += 1
        it.tell(threads=count)
    except (RuntimeError, MemoryError):
        it.tell(threads=count)
    if it.is_control:
        gate.set()
    else:
        time.sleep(it.known.get("stay", 1))


def daemon(it):
    """Leaves a grandchild in a session of its own behind."""
    try:
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(5 if it.is_control else 3600)
            os._exit(0)
        it.tell(daemon="done")
    except OSError as error:
        it.tell(daemon=errno.errorcode[error.errno])


def spawn(it):
    """Every way that Python has to start a program."""
    import _posixsubprocess  # noqa: F401
    import subprocess

    it.note("posix_spawn", os.posix_spawn, "/bin/true", ["true"], {})
    it.note("subprocess", subprocess.run, ["/bin/true"])
    it.note("vfork by subprocess", lambda: subprocess.Popen(["/bin/true"], close_fds=False).wait())
    it.note("execv in a thread", lambda: None if it.is_control else os.execv("/bin/true", ["true"]))
    try:
        import pty

        it.note("a terminal", pty.openpty)
    except ImportError:
        pass
    it.tell()


def race_notice(it):
    """Changes a call's arguments while the host looks at them."""
    buffer = ctypes.create_string_buffer(b"/bin/true\0", 64)
    names = (b"/bin/true\0", b"/usr/bin/python3\0")
    is_over = []

    def flip():
        turn = 0
        while not is_over:
            turn ^= 1
            ctypes.memmove(buffer, names[turn], len(names[turn]))

    thread = threading.Thread(target=flip, daemon=True)
    if not it.is_control:
        # Without walls there is nobody to race with, and what forks has one thread.
        thread.start()
    arguments = (ctypes.c_void_p * 3)()
    outcomes = set()
    for _ in range(1 if it.is_control else 400):
        if it.is_control:
            child = os.fork()
            if child == 0:
                from attempts import libc

                libc.syscall(59, ctypes.byref(buffer), arguments, arguments)
                os._exit(9)
            outcomes.add("done" if os.waitpid(child, 0)[1] == 0 else "failed")
        else:
            outcomes.add(it.outcome(59, ctypes.addressof(buffer), ctypes.addressof(arguments), ctypes.addressof(arguments)))
    is_over.append(True)
    it.tell(execve=",".join(sorted(outcomes)))


def abort_first(it):
    """The one signal that it may send, to the watcher of its namespace."""
    it.tell(**{"tgkill(1, 1, SIGABRT)": it.outcome(234, it.known["first"], it.known["first"], 6)})
    time.sleep(0.3)
    it.tell(survived="yes")


def foreign_numbers(it):
    """A call by a number of x32."""
    it.tell(begun="yes")
    it.tell(**{"x32 getpid": it.outcome(0x4000_0000 | 39)})


# MARK: Time

def stop_itself(it):
    """Stops itself, so that nothing runs that could answer."""
    it.note("SIGSTOP to itself", os.kill, os.getpid(), signal.SIGSTOP)
    it.found["SIGSTOP to its thread"] = it.outcome(234, os.getpid(), threading.get_native_id(), signal.SIGSTOP)
    it.tell()
    time.sleep(60)


def sleeper(it):
    """Never comes back."""
    it.tell(asleep="yes")
    time.sleep(3600 if not it.is_control else 5)


def deaf(it):
    """Hears no signal that can be ignored, and no wish."""
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            continue
    it.tell(ignores="yes")
    end = time.monotonic() + (5 if it.is_control else 3600)
    while time.monotonic() < end:
        time.sleep(0.05)


def busy(it):
    """Uses a processor, and says what it got of it."""
    begin, used = time.monotonic(), time.process_time()
    crowd = []
    for _ in range(it.known.get("loops", 1) - 1):
        thread = threading.Thread(target=_turn, args=(begin + it.known["seconds"],), daemon=True)
        thread.start()
        crowd.append(thread)
    _turn(begin + it.known["seconds"])
    it.tell(share=round((time.process_time() - used) / (time.monotonic() - begin), 3))


def _turn(end):
    while time.monotonic() < end:
        for _ in range(10000):
            pass


def ends_soon(it):
    """Ends by itself when somebody is about to end it."""
    it.tell(begun="yes")
    end = time.monotonic() + 1
    while time.monotonic() < end:
        time.sleep(0.01)
    os._exit(0)


# MARK: Memory and files

def big_mapping(it):
    """Asks for 6 GB and touches some of it."""
    try:
        memory = mmap.mmap(-1, 6 << 30)
        it.tell(mapped="done")
        for offset in range(0, it.known.get("touch", 6 << 30), 4096):
            memory[offset] = 1
        it.tell(touched="done")
    except (OSError, ValueError, MemoryError) as error:
        it.tell(mapped=type(error).__name__)
        os._exit(4)


def eat(it):
    """Touches twice its limit."""
    eaten = []
    for number in range(it.known["mb"]):
        eaten.append(b"x" * (1 << 20))
    it.tell(eaten="done")
    time.sleep(0 if it.is_control else 60)


def fill(it):
    """Fills what can be written to: bytes, then files."""
    root = it.known["writable"]
    written = 0
    outcome = "done"
    try:
        for number in range(it.known["mb"]):
            with open("%s/bytes-%d" % (root, number), "wb", buffering=0) as file:
                file.write(bytes(1 << 20))
            written += 1
    except OSError as error:
        outcome = errno.errorcode[error.errno]
    it.found.update(bytes=outcome, megabytes=written)
    for number in range(written + 1):
        try:
            os.unlink("%s/bytes-%d" % (root, number))
        except OSError:
            break
    made = 0
    outcome = "done"
    try:
        for number in range(it.known["files"]):
            os.close(os.open("%s/%d" % (root, number), os.O_CREAT | os.O_WRONLY, 0o600))
            made += 1
    except OSError as error:
        outcome = errno.errorcode[error.errno]
    it.found.update(files=outcome, made=made)
    for number in range(made):
        os.unlink("%s/%d" % (root, number))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        file = os.open(root + "/sparse", os.O_CREAT | os.O_RDWR, 0o600)
        os.lseek(file, 10 << 30, os.SEEK_SET)
        os.write(file, b"x")
        it.found["sparse"] = "done"
    except OSError as error:
        it.found["sparse"] = errno.errorcode[error.errno]
    it.note("truncate to 1 TB", os.ftruncate, file, 1 << 40)
    it.tell()


def links(it):
    """Leaves things behind that a careless supervisor would follow."""
    root = it.known["writable"]
    it.note("symlink", os.symlink, "/etc/passwd", root + "/link")
    it.note("fifo", os.mkfifo, root + "/fifo")
    it.note("hard link", os.link, it.known["file"], root + "/hard")
    it.note("device", os.mknod, root + "/device", 0o20600, os.makedev(1, 3))
    it.note("symlink in the bundle", os.symlink, "/etc/passwd", it.known["folder"] + "/link")
    it.note("socket", _bind, root + "/socket")
    it.note("deep folders", _deep, root, 200)
    it.tell()


def _bind(path):
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(path)


def _deep(root, depth):
    descriptor = os.open(root, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d" * 100, dir_fd=descriptor)
        descriptor, above = os.open("d" * 100, os.O_RDONLY, dir_fd=descriptor), descriptor
        os.close(above)


def exhaust(it):
    """All the pipes, events and descriptors that it gets, kept."""
    kept = []
    found = {"pipes": 0, "epolls": 0, "eventfds": 0}
    for name, make in (
        ("pipes", os.pipe), ("epolls", lambda: it.call(291, 0)), ("eventfds", lambda: it.call(290, 0, 0))):
        for _ in range(it.known["most"]):
            try:
                made = make()
            except OSError:
                break
            if isinstance(made, int) and made < 0:
                break
            kept.append(made)
            found[name] += 1
        if name == "pipes":
            for reader, writer in kept:
                os.set_blocking(writer, False)
                try:
                    while os.write(writer, bytes(65536)):
                        pass
                except BlockingIOError:
                    pass
    it.tell(**found)
    time.sleep(0 if it.is_control else it.known["stay"])


# MARK: Network

def network(it):
    """Sends to the exam's own sockets, which listen outside."""
    def internet():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
            door.sendto(b"out", ("127.0.0.1", it.known["udp"]))

    def stream():
        socket.create_connection(("127.0.0.1", it.known["tcp"]), 2).close()

    def abstract():
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
            door.sendto(b"out", "\0" + it.known["abstract"])

    def named():
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
            door.sendto(b"out", it.known["named"])

    def paired():
        # A socket of a pair may name another receiver.
        left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        left.sendto(b"out", "\0" + it.known["abstract"])

    def carried():
        left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        socket.send_fds(left, [b"x"], [2])

    for action in (internet, stream, abstract, named, paired, carried):
        it.note(action.__name__, action)
    
    it.tell()


# MARK: The futex of a shared file, a channel between two strategies

def wake(it):
    """Wakes whoever waits at the same place of the same shared file, for a while."""
    it.prepare()
    end = time.monotonic() + it.known["seconds"]
    woken = 0
    while time.monotonic() < end:
        woken += max(0, it.call(202, it.known["shared"], 1, 10, 0, 0, 0))
        time.sleep(0.002)
    it.tell(woken=woken)


def wait(it):
    """Waits at a place of a shared file until somebody wakes it."""
    it.prepare()
    value = ctypes.c_uint32.from_address(it.known["shared"]).value
    end = time.monotonic() + it.known["seconds"]
    woken = 0
    pause = struct.pack("qq", 0, 100_000_000)
    while time.monotonic() < end:
        woken += it.call(202, it.known["shared"], 0, value, pause, 0, 0) == 0
    it.tell(heard=woken)


# MARK: What it knows

def secrets(it):
    """All that it was told: names of its variables, its arguments, and what the host said first."""
    hello = it.known["strategy"]._session.hello if not it.is_control else {}
    it.tell(
        environment=sorted(os.environ), arguments=list(getattr(sys, "orig_argv", sys.argv)), hello=sorted(hello),
        text=json.dumps(hello, default=str)[:20000], user=[os.getuid(), os.geteuid(), os.getgid(), os.getgroups()],
        pids=[os.getpid(), os.getppid()], name=os.uname().nodename, folder=os.getcwd(), root=sorted(os.listdir("/")))


def dice(it):
    """All that ought to differ from strategy to strategy."""
    import random
    import tempfile
    import uuid

    thrown = {
        "random": random.getrandbits(62), "new Random": random.Random().getrandbits(62), "urandom": os.urandom(8).hex(),
        "uuid": str(uuid.uuid4()), "name": next(tempfile._get_candidate_names())}
    try:
        import numpy

        thrown["numpy"] = int(numpy.random.randint(1 << 62))
        thrown["new generator"] = int(numpy.random.default_rng().integers(1 << 62))
    except ImportError:
        pass
    it.tell(**thrown)


# MARK: What it says

def _say(it, text):
    """A line of the protocol, as it is."""
    if it.is_control:
        os.write(1, text)
        return
    from bullpen import runtime

    runtime._pipe.write(text)


def endless_line(it):
    """A line that never ends."""
    it.tell(begun="yes")
    chunk = b"x" * (1 << 20)
    for _ in range(it.known["mb"]):
        _say(it, chunk)
    it.tell(written="done")
    time.sleep(0 if it.is_control else 60)


def nonsense(it):
    """Half characters, NULs, numbers that are none."""
    _say(it, b'{"type":"log","level":"info","message":"half \xc3"}\n\0\0\0\0\n')
    _say(it, b'{"type":"metric","name":"x","value":NaN}\n{"type":"metric","name":"x","value":1e999}\n')
    _say(it, b'{"type":"metric","name":"x","value":"-Infinity"}\n{"type":"log","message":"\\ud800"}\n' + b"[" * 5000 + b"\n")
    os.write(2, b"half \xc3 and \x1b[2J\x1b]0;title\x07 and \0 and \xff\xfe\n")
    it.tell(said="done")


def flood(it):
    """As many lines of one kind as it can write."""
    it.tell(begun="yes")
    kind, count = it.known["kind"], it.known["lines"]
    make = {
        "metric": lambda n: b'{"type":"metric","name":"m%d","value":"%d"}\n' % (n, n),
        "log": lambda n: b'{"type":"log","level":"error","message":"%s %d"}\n' % (b"y" * 400, n),
        "timer": lambda n: b'{"type":"timer","id":"t%d","after_ms":1,"repeat":true}\n' % n,
        "subscribe": lambda n: b'{"type":"subscribe","symbol":"BTCUSDT","resolution":"%dm","trades":true,"quotes":true}\n' % (n % 500 + 1),
        "signal": lambda n: b'{"type":"signal","action":"BUY","data":{"n":%d}}\n' % n,
        "state": lambda n: b'{"type":"state","state":{"n":%d,"x":"%s"}}\n' % (n, b"z" * 40000),
        "order": lambda n: b'{"type":"order","request":"f-%d","symbol":"BTCUSDT","side":"buy","order_type":"limit","quantity":"0.001","price":"100"}\n' % n,
        "stderr": None,
    }[kind]
    begin = time.monotonic()
    size = 0
    for start in range(0, count, 50):
        if kind == "stderr":
            text = b"noise\n" * 5000
            os.write(2, text)
        else:
            text = b"".join(make(n) for n in range(start, start + 50))
            _say(it, text)
        size += len(text)
        if time.monotonic() - begin > it.known.get("seconds", 3):
            break
    it.tell(**{"bytes": size, "seconds": round(time.monotonic() - begin, 3)})
    time.sleep(0 if it.is_control else 60)


def meddle(it):
    """Speaks of what belongs to its neighbour."""
    other, order, request = it.known["sibling_strategy"], it.known["sibling_order"], it.known["sibling_request"]
    lines = [
        {"type": "cancel", "request": request}, {"type": "cancel", "request": order},
        {"type": "amend", "request": request, "quantity": "9"}, {"type": "cancel", "request": request, "strategy": other},
        {"type": "signal", "action": "BUY", "strategy": other}, {"type": "state", "state": 1, "strategy": other},
        {"type": "order", "request": request, "symbol": "BTCUSDT", "side": "sell", "order_type": "limit", "quantity": "0.01",
         "price": "90"},
        {"type": "order", "request": "m-1", "symbol": "BTCUSDT", "side": "buy", "order_type": "limit", "quantity": "0.001",
         "price": "100", "account": "paper"},
        {"type": "order", "request": "../../x", "symbol": "../../../etc", "side": "buy", "order_type": "market", "quantity": "1"},
        {"type": "subscribe", "symbol": "../../../etc/passwd"}, {"type": "hello", "protocol": 1},
        {"type": "state", "state": "s" * 50000}, {"type": "fill", "order": order, "quantity": "100"},
    ]
    _say(it, "".join(json.dumps(line) + "\n" for line in lines).encode())
    it.tell(said="done")
    time.sleep(2)

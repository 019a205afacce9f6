"""What the machine shows of the sandbox from outside: processes, files, sockets, control groups.

Everything here is told apart from the rest of a busy machine by the strategies' user ids and the host's control group.
"""

import os
import subprocess
import threading
import time

from live_host import LENT, demand, until

OWN_USERS = range(50_000, 60_000)
NAMESPACES = ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup")


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def users(host):
    """The user ids of a host's strategies: their own, or that of a host that is an ordinary user."""
    if host.user == "lent":
        return LENT
    return range(host.uid, host.uid + 1) if host.uid else OWN_USERS


def files_of_strategies(host):
    """Files anywhere on the machine, but for the host's own, that belong to a strategy's user."""
    found = subprocess.run(
        ["find", "/", "-path", "/proc", "-prune", "-o", "-path", "/sys", "-prune", "-o", "-path", host.folder, "-prune", "-o",
         "-uid", "+%d" % (users(host)[0] - 1), "-uid", "-%d" % (users(host)[-1] + 1), "-print"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)  # A file may go while it is looked at.
    return set(os.fsdecode(found.stdout).splitlines())


def shared_memory_of_strategies(host):
    """System V objects outside any sandbox that belong to a strategy's user."""
    found = []
    for kind in ("shm", "sem", "msg"):
        for line in read("/proc/sysvipc/" + kind).splitlines()[1:]:
            numbers = [int(word) for word in line.split() if word.isdigit()]
            if any(number in users(host) for number in numbers[2:]):
                found.append("%s %s" % (kind, line.strip()))
    return set(found)


def sockets_of_strategies(host):
    """Internet sockets of the machine's own network that belong to a strategy's user, but for the host's own."""
    found = []
    own = socket_inodes(host.process.pid)
    for kind in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
        for line in read("/proc/self/net/" + kind).splitlines()[1:]:
            words = line.split()
            if len(words) > 9 and words[7].isdigit() and int(words[7]) in users(host) and words[9] not in own:
                found.append("%s %s" % (kind, words[1]))
    return set(found)


def socket_inodes(pid):
    """The inodes of the sockets that a process holds."""
    found = set()
    for number in os.listdir("/proc/%d/fd" % pid):
        try:
            link = os.readlink("/proc/%d/fd/%s" % (pid, number))
        except OSError:
            continue  # Closed meanwhile.
        if link.startswith("socket:["):
            found.add(link[8:-1])
    return found


def own_sockets():
    """The inodes of every socket in the machine's own network."""
    found = set()
    for kind in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6", "unix", "packet", "netlink"):
        for line in read("/proc/self/net/" + kind).splitlines()[1:]:
            words = line.split()
            column = {"unix": 6, "packet": 8, "netlink": 9}.get(kind, 9)
            if len(words) > column:
                found.add(words[column])
    return found


def snapshot(host):
    return {
        "file": files_of_strategies(host), "shared memory": shared_memory_of_strategies(host),
        "socket": sockets_of_strategies(host),
    }


def compare(before, after):
    for kind in before:
        new = sorted(after[kind] - before[kind])
        demand(not new, "outside the sandbox there is a new %s of a strategy: %s", kind, new[:5])


class Watch(threading.Thread):
    """Looks at the processes of a host's strategies twice a second. What is wrong is raised by `end`."""

    def __init__(self, host, most_processes, may_make_sockets=False):
        super().__init__(daemon=True)
        self.host = host
        self.most = most_processes
        self.may_make_sockets = may_make_sockets
        self.own = {name: os.readlink("/proc/self/ns/" + name) for name in NAMESPACES}
        self.faults = []
        self.looks = 0
        self.peak = 0
        self.is_over = threading.Event()

    def run(self):
        while not self.is_over.wait(0.5):
            self.look()

    def look(self):
        self.looks += 1
        pids = self.strategies()
        sockets = None
        count = 0
        for pid in pids:
            try:
                differs = {name: os.readlink("/proc/%s/ns/%s" % (pid, name)) != self.own[name] for name in NAMESPACES}
                uid = int(read("/proc/%s/status" % pid).split("Uid:")[1].split()[0])
                program = os.readlink("/proc/%s/exe" % pid)
                links = [os.readlink("/proc/%s/fd/%s" % (pid, fd)) for fd in os.listdir("/proc/%s/fd" % pid)]
                program_now = os.readlink("/proc/%s/exe" % pid)
            except (OSError, IndexError):
                continue
            if program.endswith(("/confine", "/watcher")) or program_now != program:
                continue  # The walls are still being built, or it is the watcher, which runs nothing of the strategy.
            shared = sorted(name for name, is_other in differs.items() if not is_other)
            # A nursery's launcher, which is the nursery's own program in the nursery's pid namespace, lives for milliseconds.
            if "pid" in shared and self.is_soon_gone(pid):
                continue
            count += 1
            if shared:
                self.faults.append("process %s (%s) shares the machine's namespaces %s" % (pid, program, shared))
            if os.geteuid() == 0 and uid not in users(self.host):
                self.faults.append("process %s (%s) is user %d" % (pid, program, uid))
            inodes = {link[8:-1] for link in links if link.startswith("socket:[")}
            if inodes:
                sockets = own_sockets() if sockets is None else sockets
                if inodes & sockets:
                    self.faults.append("process %s (%s) holds a socket of the machine's own network" % (pid, program))
            for kind in () if self.may_make_sockets else ("tcp", "tcp6", "udp", "udp6", "raw", "packet"):
                if len(read("/proc/%s/net/%s" % (pid, kind)).splitlines()) > 1:
                    self.faults.append("process %s (%s) has a %s socket" % (pid, program, kind))
        self.peak = max(self.peak, count)
        if count > self.most:
            self.faults.append("%d processes of strategies run; %d may" % (count, self.most))

    def is_soon_gone(self, pid):
        deadline = time.time() + 2
        while time.time() < deadline:
            try:
                if os.readlink("/proc/%s/ns/pid" % pid) != self.own["pid"]:
                    return True
            except OSError:
                return True
            time.sleep(0.02)
        return False

    def strategies(self):
        """Who stands in the groups of runs. Where there are none, the host's children that are not in its pid namespace."""
        pids = set()
        for folder in self.host.groups():
            pids |= set(read(folder + "/cgroup.procs").split())
        host = self.host.process.pid
        for task in () if self.host.group else os.listdir("/proc/%d/task" % host):
            for pid in read("/proc/%d/task/%s/children" % (host, task)).split():
                try:
                    if os.readlink("/proc/%s/ns/pid" % pid) != self.own["pid"]:
                        pids.add(pid)
                except OSError:
                    continue
        return pids

    def end(self):
        self.is_over.set()
        self.join()
        demand(not self.faults, "seen from outside: %s", "; ".join(self.faults[:5]))
        return {"looks": self.looks, "most_processes": self.peak}


def wait_until_gone(host, seconds=5):
    """After the last stop no process and no control group of a strategy is left."""
    until(lambda: not host.groups(), seconds, lambda: "control groups are left behind: %s" % host.groups()[:5])


class Favoured:
    """Gives this process, and whatever it starts, the processors before everybody else on the machine.

    What others do meanwhile is not to show in figures of latency. Only where version 1 keeps processor time apart from
    the rest; elsewhere nothing happens.
    """

    FOLDER = "/sys/fs/cgroup/cpu/exam-favoured-%d" % os.getpid()

    def __enter__(self):
        try:
            os.mkdir(self.FOLDER)
            self.write("/cpu.shares", "262144")
            # Where real time is kept apart too, a group has none of its own, and the host's floor wants some.
            if os.path.exists(self.FOLDER + "/cpu.rt_runtime_us"):
                self.write("/cpu.rt_runtime_us", "900000")
            self.write("/cgroup.procs", str(os.getpid()))
        except OSError:
            pass  # The figures say with which load they were taken.
        return self

    def __exit__(self, kind, error, trace):
        try:
            with open("/sys/fs/cgroup/cpu/cgroup.procs", "w", encoding="ascii") as file:
                file.write(str(os.getpid()))
            for path, _, _ in os.walk(self.FOLDER, topdown=False):
                os.rmdir(path)
        except OSError:
            pass

    def write(self, file, text):
        with open(self.FOLDER + file, "w", encoding="ascii") as group:
            group.write(text)

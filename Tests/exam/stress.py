"""Runs stress-ng's stressors inside the sandbox: the limits hold, and a neighbour hardly notices.

No shipped profile lets a strategy fork, so that stress-ng, which forks each of its workers, ends in all of them at once;
this is looked at first. Then it runs in profiles derived from "native" that let its processes, signals, timers and
sockets through, so that limits, namespaces and control groups stand alone.
"""

import copy
import json
import os
import shutil
import statistics
import subprocess
import time

import outside
from place import HERE, RESULTS, exam_host
from live_host import demand, until

# What the derived profiles allow beside what "native" does.
MORE_CALLS = (
    "fork", "vfork", "wait4", "waitid", "kill", "getpgid", "getpgrp", "setpgid", "getsid", "setsid", "pause", "alarm",
    "setitimer", "getitimer", "timer_create", "timer_settime", "timer_gettime", "timer_getoverrun", "timer_delete",
    "sched_getscheduler", "sched_getparam", "sched_get_priority_max", "sched_get_priority_min", "getpriority",
    "msync", "mincore", "mlock", "munlock", "getgroups", "umask", "chdir", "fchdir", "fallocate", "truncate", "link",
    "symlink", "chmod", "fchmod", "statfs", "fstatfs", "sync", "syncfs", "creat", "utime", "utimensat", "socket", "connect",
    "bind", "listen", "accept", "accept4", "getpeername", "setsockopt", "getsockopt", "shutdown", "sendmsg", "recvmsg",
    "sendmmsg", "recvmmsg", "getrlimit", "getcpu", "rt_sigsuspend", "rt_sigpending", "rt_sigqueueinfo", "memfd_create",
    "capget", "getuid", "getresuid", "getresgid", "getrusage", "setpriority", "sched_setaffinity",
)
MEMORY, SHARE, PROCESSES, DESCRIPTORS = 192, 0.5, 48, 128
WORK = {"at": "/work", "mb": 32, "files": 2048}

# stress-ng's words for each group of the exam. Each asks for far more than the profile gives.
STRESSORS = {
    "memory": ["--vm", "2", "--vm-bytes", "120m", "--malloc", "1", "--malloc-bytes", "512k", "--malloc-max", "32"],
    # Each of these is killed for it and does not come back.
    "memory beyond the limit": ["--oomable", "--vm", "1", "--vm-bytes", "1g", "--bigheap", "1", "--brk", "1"],
    "fork": ["--fork", "2", "--fork-max", "1000", "--daemon", "1"],
    "inode": ["--dirmany", "1", "--dentry", "1", "--dentries", "100000", "--filename", "1", "--touch", "1"],
    "descriptor": ["--open", "1", "--dup", "1", "--pipe", "1", "--eventfd", "1"],
    "timer": ["--timer", "1", "--timer-freq", "100000", "--timerfd", "1", "--itimer", "1", "--itimer-freq", "100000"],
    "socket": ["--sockpair", "1", "--sockfd", "1", "--sock", "1", "--udp", "1"],
}


def profile_name(stressor):
    return "native-stress-" + stressor.replace(" ", "-")


def runtime(runtimes):
    """The native runtime with stress-ng and its libraries in it, in a folder of runtimes of its own."""
    folder = os.path.join(RESULTS, "runtimes-stress")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(os.path.join(runtimes, "bare"), os.path.join(folder, "bare"), symlinks=True)
    root = os.path.join(folder, "native", "root")
    shutil.copytree(os.path.join(runtimes, "native"), os.path.join(folder, "native"), symlinks=True)
    listing = subprocess.run(["ldd", "/usr/bin/stress-ng"], stdout=subprocess.PIPE, text=True, check=True).stdout
    files = [word for line in listing.splitlines() for word in line.split() if word.startswith("/")]
    for path in files + ["/usr/bin/stress-ng"]:
        place = root + (path if path.startswith("/usr/") else "/usr" + path)
        if not os.path.exists(place):
            os.makedirs(os.path.dirname(place), exist_ok=True)
            shutil.copy(os.path.realpath(path), place)
    return folder


def profiles(stage, seconds):
    """The profile of each stressor, and the shipped one that only differs in what is started."""
    with open(os.path.join(stage, "share", "bullpen", "profiles", "native.json"), encoding="utf-8") as file:
        native = json.load(file)
    for group in native["system_calls"]["allow"]:
        demand("fork" not in group["calls"], "the profile native allows fork")
    made = {}
    for name, words in {"shipped": ["--fork", "1"], **STRESSORS}.items():
        profile = copy.deepcopy(native)
        profile["name"] = profile_name(name)
        profile["command"] = [
            "/usr/bin/stress-ng", "--timeout", "%ds" % seconds, "--metrics-brief", "--temp-path", "/work", "--no-rand-seed", *words]
        profile["environment"] = {"LD_PRELOAD": "/bundle/strategy"}
        if name != "shipped":
            profile["limits"] = {
                "memory_mb": MEMORY, "cpu_share": SHARE, "processes": PROCESSES, "open_files": DESCRIPTORS, "file_mb": 16,
                "stack_mb": 8}
            profile["writable"] = [WORK, {"at": "/tmp", "mb": 8, "files": 512}]
            calls = profile["system_calls"]
            calls["name"] = [call for call in calls["name"] if call not in MORE_CALLS]
            listed = {call for group in calls["allow"] for call in group["calls"]}
            more = [call for call in MORE_CALLS if call not in listed]
            calls["allow"].append({"group": "stress", "why": "what stress-ng lives on", "calls": more})
        made[profile["name"]] = profile
    return made


class Delivery:
    """A strategy that is told something 120 times a second, and how late it was."""

    def __init__(self, host):
        self.host = host
        with open(os.path.join(HERE, "neighbour.py"), "rb") as file:
            config = {"name": "neighbour", "pair": "BTCUSDT", "restart": {"policy": "temporary"}, "cpu_share": 0.5}
            self.strategy = host.upload("strategy.py", file.read(), config)
        host.begin(self.strategy, feed="injected")
        host.wait(self.strategy, ("running",), 30)
        self.seen = 0

    def measure(self, seconds, meanwhile=lambda: None):
        """The delivery's count, p50, p99 and longest, in microseconds."""
        # What was before does not count.
        self.told()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            meanwhile()
            time.sleep(max(0, min(1, end - time.monotonic())))
        return self.told()

    def told(self):
        self.host.ask("POST", "/strategies/%s/signals" % self.strategy, {"action": "REPORT"})

        def reports():
            lines = [line["message"] for line in self.host.logged(self.strategy)]
            return [line for line in lines if line.startswith("DELIVERY")][self.seen:]

        new = until(reports, 30, lambda: "the neighbour does not tell its figures")
        self.seen += len(new)
        return dict(zip(("count", "p50", "p99", "max"), map(int, new[-1].split()[1:])))


class Bounds:
    """Looks at one run from outside, once a second, and keeps the most of everything."""

    def __init__(self, host, run):
        self.folders = [folder for folder in host.groups() if os.path.basename(folder) == run]
        demand(self.folders, "no control group of the run %s was found", run)
        self.most = {"descriptors": 0, "bytes": 0, "inodes": 0, "processes": 0, "memory_mib": 0}
        self.cpu = None
        self.share = 0.0

    def number(self, file):
        for folder in self.folders:
            text = outside.read(os.path.join(folder, file)).strip()
            if text.isdigit():
                return int(text)
        return 0

    def processor_seconds(self):
        usage = self.number("cpuacct.usage")
        if usage:
            return usage / 1e9
        for folder in self.folders:
            for line in outside.read(folder + "/cpu.stat").splitlines():
                if line.startswith("usage_usec"):
                    return int(line.split()[1]) / 1e6
        return 0

    def look(self):
        most = self.most
        now = (time.monotonic(), self.processor_seconds())
        if self.cpu is None:
            self.cpu = now
        else:
            self.share = (now[1] - self.cpu[1]) / (now[0] - self.cpu[0])
        most["processes"] = max(most["processes"], self.number("pids.current") - 1)
        memory = max(self.number(name) for name in ("memory.max_usage_in_bytes", "memory.peak", "memory.usage_in_bytes"))
        most["memory_mib"] = max(most["memory_mib"], round(memory / 2 ** 20, 1))
        for pid in set(word for folder in self.folders for word in outside.read(folder + "/cgroup.procs").split()):
            try:
                if os.readlink("/proc/%s/exe" % pid).endswith(("/confine", "/watcher")):
                    continue
                most["descriptors"] = max(most["descriptors"], len(os.listdir("/proc/%s/fd" % pid)))
                space = os.statvfs("/proc/%s/root/work" % pid)
                most["bytes"] = max(most["bytes"], (space.f_blocks - space.f_bfree) * space.f_frsize)
                most["inodes"] = max(most["inodes"], space.f_files - space.f_ffree - 1)
            except OSError:
                continue

    def settle(self):
        """Waits until the processor time is within its limit, at most 8 s.

        The kernel holds a process back only where it leaves the kernel (since Linux 6.18), so that long work in there, such
        as freeing what a killed process had, runs ahead of the limit and is paid back afterwards.
        """
        for _ in range(16):
            self.look()
            if self.share <= SHARE * 1.05:
                return
            time.sleep(0.5)

    def judge(self, name):
        limits = {
            "memory_mib": MEMORY, "processes": PROCESSES, "descriptors": DESCRIPTORS, "bytes": WORK["mb"] << 20,
            "inodes": WORK["files"]}
        for what, limit in limits.items():
            demand(
                self.most[what] <= limit * 1.05, "%s: %s %s were taken, %s are the limit", name, self.most[what], what, limit)
        demand(self.share <= SHARE * 1.05, "%s: %.3f cores were used, %.2f are the limit", name, self.share, SHARE)
        return {**self.most, "cores": round(self.share, 3)}


def stressor(host, bundle, name):
    config = {
        "name": profile_name(name), "kind": "native", "profile": profile_name(name), "pair": "BTCUSDT", "cpu_share": SHARE,
        "memory_mb": MEMORY, "restart": {"policy": "temporary"}}
    return host.upload("main", bundle, config)


def shipped_profile_refuses(host, bundle):
    strategy = stressor(host, bundle, "shipped")
    host.begin(strategy, feed="injected")
    status = host.wait(strategy, ("stopped", "quarantined"), 60)
    messages = [line["message"] for line in host.wait_for_end(strategy, 0)]
    demand(any("fork" in line and "refused" in line for line in messages), "no refused fork is told of: %s", messages[-5:])
    return {"reason": status["reason"], "refused": sorted({
        line.split("refused by the sandbox: ")[1].split(":")[0].split(" ")[0] for line in messages
        if line.startswith("refused by the sandbox: ")})}


def run_stressor(host, delivery, bundle, name, seconds):
    """One stressor between two quiet times. Delivery must at most double; a busy machine gets three tries."""
    strategy = stressor(host, bundle, name)
    ratios = []
    for _ in range(3):
        before = delivery.measure(seconds / 2)
        host.begin(strategy, feed="injected")
        # It answers no ping, and so is never called running.
        host.wait(strategy, ("ready", "running"), 30)
        run = host.status(strategy)["run"]
        bounds = Bounds(host, run)
        during = delivery.measure(seconds - 3, bounds.look)
        bounds.settle()
        taken = bounds.judge(name)
        ended = host.status(strategy)
        if ended["state"] == "stopped":
            # Some stressors give up where a limit has no end.
            demand(ended["usage"]["cpu_seconds"] > 0.2, "%s did nothing: %s", name, ended["reason"])
        else:
            host.ask("POST", "/strategies/%s/stop" % strategy, {})
            host.wait(strategy, ("stopped",), 60)
        after = delivery.measure(seconds / 2)
        quiet = max(1, (before["p99"] + after["p99"]) / 2)
        ratios.append(during["p99"] / quiet)
        if ratios[-1] <= 2:
            break
    said = [line["message"] for line in host.logged(strategy) if line["source"] == "stderr"]
    demand(
        ratios[-1] <= 2 or statistics.median(ratios) <= 2, "%s: the neighbour's p99 rose to %s times the quiet figure", name,
        ["%.1f" % ratio for ratio in ratios])
    return {
        "stressor": name, "taken": taken, "p99_quiet_us": round(quiet), "p99_us": during["p99"], "samples": during["count"],
        "ratio": round(ratios[-1], 2), "tries": len(ratios), "said": said[-12:]}


def run(options):
    with outside.Favoured():
        return examine(options)


def examine(options):
    began = time.time()
    runtimes = runtime(options.runtimes)
    library = os.path.join(RESULTS, "stressor")
    subprocess.run(
        ["cc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-Wl,-e,main", "-o", library, os.path.join(HERE, "stressor.c")], check=True)
    with open(library, "rb") as file:
        bundle = file.read()
    with exam_host(options, runtimes, profiles(options.stage, 2 * options.seconds)) as host:
        before = outside.snapshot(host)
        shipped = shipped_profile_refuses(host, bundle)
        delivery = Delivery(host)
        host.learn_group(host.status(delivery.strategy)["pid"])
        watch = outside.Watch(host, most_processes=PROCESSES + 2, may_make_sockets=True)
        watch.start()
        stressors = []
        for name in STRESSORS:
            stressors.append(run_stressor(host, delivery, bundle, name, options.seconds))
            print(json.dumps(stressors[-1]), flush=True)
        host.ask("POST", "/strategies/%s/stop" % delivery.strategy, {})
        host.wait(delivery.strategy, ("stopped",), 30)
        outside.wait_until_gone(host)
        seen = watch.end()
        outside.compare(before, outside.snapshot(host))
    return {
        "shipped": shipped, "stressors": stressors, "outside": seen, "seconds": round(time.time() - began),
        "limits": {"memory_mib": MEMORY, "cores": SHARE, "processes": PROCESSES, "descriptors": DESCRIPTORS,
                   "bytes": WORK["mb"] << 20, "inodes": WORK["files"]},
        "is_good": True}

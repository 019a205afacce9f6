"""What can be seen from outside the walls: processes, control groups, kernel objects, descriptors, memory."""

import glob
import hashlib
import os


def processes_of(host):
    """Every process that stands in one of the host's control groups or comes of its launcher: {pid: what}."""
    found = {}
    for folder in glob.glob("/proc/[0-9]*"):
        pid = int(folder[6:])
        if pid == host.process.pid:
            continue
        try:
            with open(folder + "/stat", encoding="utf-8", errors="replace") as file:
                words = file.read().rsplit(")", 1)[1].split()
            # One that has ended and waits to be reaped counts only when it is the host that does not reap it.
            if words[0] in "ZX" and int(words[1]) == host.process.pid:
                found[pid] = "not reaped"
            if words[0] not in "ZX" and (is_below(host, int(words[1])) or host.group in groups_of(pid)):
                found[pid] = command(pid)
        except OSError:
            continue
    return found


def is_below(host, parent):
    while parent > 1:
        if parent == host.process.pid:
            return True
        try:
            with open("/proc/%d/stat" % parent, encoding="utf-8", errors="replace") as file:
                parent = int(file.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            return False
    return False


def command(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            return file.read().replace(b"\0", b" ").decode("utf-8", "replace").strip() or "?"
    except OSError:
        return "?"


def birth(pid):
    """When a process began, in the kernel's ticks, which tells it from a later one of its number; None when there is none."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as file:
            return int(file.read().rsplit(")", 1)[1].split()[19])
    except OSError:
        return None


def groups_of(pid):
    with open("/proc/%d/cgroup" % pid, encoding="utf-8") as file:
        return {part for line in file for part in line.strip().split("/") if part.startswith("bullpen-")}


def objects():
    """What outlives processes: System V objects, message queues, keys, shared memory files."""
    found = set()
    for kind in ("shm", "sem", "msg"):
        try:
            with open("/proc/sysvipc/" + kind, encoding="ascii") as file:
                found |= {"%s %s" % (kind, line.split()[0]) for line in file.readlines()[1:]}
        except OSError:
            continue
    for folder in ("/dev/shm", "/dev/mqueue"):
        if os.path.isdir(folder):
            found |= {"%s/%s" % (folder, name) for name in os.listdir(folder)}
    return found


def keys():
    """Keys by their description, as far as root sees them."""
    try:
        with open("/proc/keys", encoding="utf-8", errors="replace") as file:
            return [line for line in file if "bullpen-exam" in line]
    except OSError:
        return []


def descriptors(pid):
    """{number: (what, flags)} of a process."""
    found = {}
    for name in os.listdir("/proc/%d/fd" % pid):
        try:
            what = os.readlink("/proc/%d/fd/%s" % (pid, name))
            with open("/proc/%d/fdinfo/%s" % (pid, name), encoding="ascii") as file:
                flags = next((line.split()[1] for line in file if line.startswith("flags:")), "?")
        except OSError:
            continue
        found[int(name)] = (what, flags)
    return found


def memory(pid, field="VmRSS"):
    """KiB."""
    with open("/proc/%d/status" % pid, encoding="utf-8") as file:
        return next((int(line.split()[1]) for line in file if line.startswith(field + ":")), 0)


def identity(pid):
    """Users, capabilities and filters of a process, as the kernel shows them."""
    with open("/proc/%d/status" % pid, encoding="utf-8") as file:
        fields = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    return {
        "uids": fields["Uid"].split(), "gids": fields["Gid"].split(), "groups": fields["Groups"].split(),
        "capabilities": {fields[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")},
        "no_new_privs": fields["NoNewPrivs"], "seccomp": fields["Seccomp"], "filters": fields.get("Seccomp_filters", "?"),
    }


def namespaces(pid):
    return {name: os.readlink("/proc/%d/ns/%s" % (pid, name)) for name in ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup")}


def watchers_of(pid):
    """The other processes of a strategy's pid namespace."""
    own = os.readlink("/proc/%d/ns/pid" % pid)
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != pid:
            try:
                if os.readlink("/proc/%s/ns/pid" % name) == own:
                    found.append(int(name))
            except OSError:
                continue
    return found


def holds(pid, needle):
    """Whether the memory of a process holds these bytes anywhere."""
    found = []
    with open("/proc/%d/maps" % pid, encoding="utf-8") as maps, open("/proc/%d/mem" % pid, "rb", 0) as file:
        for line in maps:
            words = line.split()
            if "r" not in words[1] or words[-1] in ("[vvar]", "[vsyscall]", "[vvar_vclock]"):
                continue
            begin, end = (int(text, 16) for text in words[0].split("-"))
            while begin < end:
                try:
                    file.seek(begin)
                    piece = file.read(min(end - begin, 16 << 20))
                except (OSError, OverflowError, ValueError):
                    break
                if not piece:
                    break
                if needle in piece:
                    found.append(words[-1] if len(words) > 5 else "memory")
                begin += len(piece)
    return found


def is_nursery(pid):
    """Whether it is what strategies are forked from, and not one of them: it stands in no pid namespace of its own."""
    return os.readlink("/proc/%d/ns/pid" % pid) == os.readlink("/proc/self/ns/pid")


def hash_of(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return {line.split(" - ")[0].split(None, 4)[4].split()[0] for line in file}


def odd_files(folder):
    """Links, pipes, devices and sockets below a folder, without following any."""
    found = []
    for path, folders, files in os.walk(folder):
        for name in folders + files:
            whole = os.path.join(path, name)
            mode = os.lstat(whole).st_mode & 0o170000
            if mode not in (0o040000, 0o100000):
                found.append(whole)
    return found

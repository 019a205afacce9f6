"""Single system calls that a strategy tries: what each is, and what it must see.

The same table drives Python (by ctypes), C (`exam/native.py` writes it out) and the control without walls. Numbers are
those of x86-64, the machine that the profiles are for.
"""

class Buffer:
    """A pointer to this many zero bytes."""

    def __init__(self, size):
        self.size = size


class Words:
    """A pointer to 64-bit words; each may be a pointer in turn."""

    def __init__(self, *words):
        self.words = words


class Known:
    """A number or a text that only the exam knows: a parameter of the run."""

    def __init__(self, name):
        self.name = name


class Result:
    """What an earlier call of the same list returned."""

    def __init__(self, call):
        self.call = call


class Call:
    """One system call.

    must   what it may come to inside the walls: names of errors, or "done"
    trait  why this machine's kernel may refuse it even to root without walls; then the control need not succeed
    apart  the control makes it in a process of its own: it changes its caller
    forks  its success is a new process
    help   not judged: it only makes ready what the next call needs
    """

    def __init__(self, name, number, *arguments, must=("EPERM", "EACCES"), trait=None, apart=False, forks=False, help=False):
        self.name, self.number, self.arguments = name, number, arguments
        self.must, self.trait, self.apart, self.forks, self.help = must, trait, apart, forks, help


def _words(*numbers, size=4):
    return b"".join(number.to_bytes(size, "little", signed=number < 0) for number in numbers)


HERE = -100  # AT_FDCWD
NOTHING_THERE = ("ENOENT",)
REFUSED_FILE = ("EACCES", "ENOENT", "EPERM", "EROFS")

# A filter of one instruction: let everything through.
LET_THROUGH = Words(1, _words(0x7FFF0000_00000006, size=8))


def look(path, flags=0, trait=None, must=NOTHING_THERE):
    return Call("open %s" % path, 257, HERE, path, flags, 0, must=must, trait=trait)


def prctl(name, option, *arguments, trait=None):
    return Call("prctl %s" % name, 157, option, *arguments, trait=trait, apart=True)


def socket(name, family, kind=2, protocol=0, trait=None):
    return Call("socket %s" % name, 41, family, kind, protocol, trait=trait)


NEEDS_MODULE = "the kernel may have been built without it"
FIRST = "process 1 of the machine may be kept even from root"
READ_ONLY = "the control's file is open to be read only"
BY_SETTING = "a setting of the kernel may keep it from everybody"

TERMINAL = [
    Call("ioctl TIOCSTI", 16, 0, 0x5412, b"x", trait="Linux 6.2 and newer can switch it off (dev.tty.legacy_tiocsti)"),
    Call("ioctl TIOCSTI with high bits", 16, 0, 0x1_0000_5412, b"x", trait="as TIOCSTI"),
    Call("ioctl TIOCLINUX", 16, 0, 0x541C, b"\2\0", trait="only a virtual console knows it, and a test has none"),
    Call("ioctl TIOCSCTTY", 16, 0, 0x540E, 1, trait="the control's terminal is its own already"),
    Call("ioctl TIOCGWINSZ", 16, 0, 0x5413, Buffer(64)),
    look("/dev/tty", 2),
    look("/dev/ptmx", 2),
]

EXECUTABLE = [
    look("/proc/self/exe", 1, trait="a program that runs cannot be written to (ETXTBSY), but it was reached"),
    look("/proc/self/exe"),
    Call("execve /proc/self/exe", 59, "/proc/self/exe", Words("python3", "-V", 0), Words(0), forks=True),
]

PROCESSES = [
    Call("ptrace SEIZE of the host", 101, 0x4206, Known("host"), 0, 0, apart=True),
    Call("ptrace SEIZE of a sibling", 101, 0x4206, Known("sibling"), 0, 0, apart=True),
    Call("ptrace SEIZE of process 1", 101, 0x4206, Known("first"), 0, 0, apart=True),
    Call("process_vm_readv", 310, Known("sibling"), Words(Buffer(8), 8), 1, Words(Known("address"), 8), 1, 0),
    Call("process_vm_readv of process 1", 310, Known("first"), Words(Buffer(8), 8), 1, Words(Known("address"), 8), 1, 0),
    Call("process_vm_writev", 311, Known("sibling"), Words(Buffer(8), 8), 1, Words(Known("address"), 8), 1, 0),
    Call("pidfd_open", 434, Known("sibling"), 0),
    Call("pidfd_open of process 1", 434, Known("first"), 0),
    Call("pidfd_getfd", 438, Result("pidfd_open"), 0, 0),
    Call("pidfd_send_signal", 424, Result("pidfd_open"), 0, 0, 0),
    Call("process_madvise", 440, Result("pidfd_open"), Words(Known("address"), 4096), 1, 20, 0,
         trait="only whole pages of the other's memory"),
    Call("process_mrelease", 448, Result("pidfd_open"), 0, trait="only for a process that is dying"),
    Call("kcmp", 312, Known("sibling"), Known("first"), 0, 0, 0, trait=NEEDS_MODULE),
    Call("kill of the host", 62, Known("host"), 0),
    Call("kill of a sibling", 62, Known("sibling"), 0),
    Call("kill of process 1", 62, Known("first"), 0),
    Call("kill of everybody", 62, -1, 0),
    Call("tkill", 200, Known("sibling"), 18),
    Call("tgkill", 234, Known("sibling"), Known("sibling"), 18),
    Call("rt_sigqueueinfo", 129, Known("first"), 18, _words(18, 0, -1) + bytes(116)),
    Call("rt_tgsigqueueinfo", 297, Known("first"), Known("first"), 18, _words(18, 0, -1) + bytes(116)),
    Call("get_robust_list of a sibling", 274, Known("sibling"), Buffer(8), Buffer(8), must=("EPERM", "ESRCH")),
    Call("prlimit64 of a sibling", 302, Known("sibling"), 7, 0, Buffer(16)),
    Call("setpriority of a sibling", 141, 0, Known("sibling"), 1),
    Call("sched_setaffinity of a sibling", 203, Known("sibling"), 8, _words(1, size=8)),
    Call("ioprio_set of a sibling", 251, 1, Known("sibling"), 2 << 13),
    Call("migrate_pages", 256, Known("sibling"), 1, _words(1, size=8), _words(1, size=8), trait=NEEDS_MODULE),
    Call("move_pages", 279, Known("sibling"), 0, 0, 0, 0, 0, trait=NEEDS_MODULE),
    look("/proc/1/mem", 2, trait=FIRST),
    look("/proc/self/mem", 2),
]

OBJECTS = [
    Call("add_key", 248, "user", "bullpen-exam", b"secret", 6, -2, trait=NEEDS_MODULE),
    Call("keyctl", 250, 0, -3, 0, trait=NEEDS_MODULE),
    Call("request_key", 249, "user", "bullpen-exam", 0, -2, trait=NEEDS_MODULE),
    Call("shmget", 29, 0x45584101, 4096, 0o1600),
    Call("semget", 64, 0x45584102, 1, 0o1600),
    Call("msgget", 68, 0x45584103, 0o1600),
    Call("mq_open", 240, "bullpen-exam", 0o102, 0o600, 0, trait=NEEDS_MODULE),
    Call("memfd_create", 319, "exam", 0),
]

KERNEL = [
    Call("io_uring_setup", 425, 4, Buffer(120), trait=BY_SETTING),
    Call("io_uring_register", 427, 0, 8, Buffer(256), 1, trait="only with a ring"),
    Call("bpf", 321, 0, _words(2, 4, 4, 1) + bytes(104), 120, trait=NEEDS_MODULE),
    Call("perf_event_open", 298, _words(1, 112) + bytes(104), 0, -1, -1, 0, trait=BY_SETTING),
    Call("userfaultfd", 323, 1, trait=BY_SETTING),
    Call("name_to_handle_at", 303, HERE, "/", _words(128) + bytes(132), Buffer(8), 0,
         trait="not every file system has handles"),
    Call("fanotify_init", 300, 0x200, 0, trait=NEEDS_MODULE),
    Call("memfd_secret", 447, 0, trait=BY_SETTING),
    Call("landlock_create_ruleset", 444, _words(1, size=8), 8, 0, trait=NEEDS_MODULE),
    Call("pidfd_open of itself", 434, Known("self"), 0),
    Call("sysfs", 139, 3, trait=NEEDS_MODULE),
    Call("openat2", 437, HERE, "/", Words(0, 0, 0), 24),
    Call("statfs", 137, "/", Buffer(256)),
    Call("mincore", 27, Known("page"), 4096, Buffer(64)),
    Call("cachestat", 451, 0, Buffer(16), Buffer(64), 0, trait="Linux 6.5 brought it, for files only"),
    Call("sync", 162),
]

NEW_PROCESSES = [
    Call("clone3", 435, Buffer(88), 88, must=("ENOSYS",), forks=True),
    Call("clone3 with a new user namespace", 435, _words(0x1000_0000, size=8) + bytes(80), 88, must=("ENOSYS",),
         forks=True, trait=BY_SETTING),
    Call("clone3 as a thread would", 435, _words(0x3D0F00, size=8) + bytes(80), 88, must=("ENOSYS",), forks=True,
         trait="without a stack the kernel refuses it"),
    Call("clone as fork", 56, 17, 0, 0, 0, 0, forks=True),
    Call("clone without a signal", 56, 0, 0, 0, 0, 0, forks=True),
    Call("clone as vfork", 56, 0x4000 | 17, 0, 0, 0, 0, forks=True),
    Call("clone CLONE_PARENT", 56, 0x8000 | 17, 0, 0, 0, 0, forks=True),
    Call("clone CLONE_FILES and CLONE_FS", 56, 0x600 | 17, 0, 0, 0, 0, forks=True),
    Call("clone CLONE_UNTRACED", 56, 0x0080_0000 | 17, 0, 0, 0, 0, forks=True),
    Call("clone with a new user namespace", 56, 0x1000_0000 | 17, 0, 0, 0, 0, forks=True, trait=BY_SETTING),
    Call("clone with a new network namespace", 56, 0x4000_0000 | 17, 0, 0, 0, 0, forks=True),
    Call("clone with a new pid namespace", 56, 0x2000_0000 | 17, 0, 0, 0, 0, forks=True),
    Call("fork", 57, forks=True),
    Call("unshare of the user namespace", 272, 0x1000_0000, apart=True, trait=BY_SETTING),
    Call("unshare of the mount namespace", 272, 0x2_0000, apart=True),
    Call("unshare of descriptors", 272, 0x400, apart=True),
]

CODE = [
    Call("memfd_create", 319, "code", 0),
    Call("memfd_create MFD_EXEC", 319, "code", 0x10, trait="Linux 6.3 brought it"),
    Call("execveat", 322, HERE, "/bin/true", Words("true", 0), Words(0), 0, forks=True),
    Call("execveat of a descriptor", 322, Result("memfd_create"), "", Words("true", 0), Words(0), 0x1000,
         trait="an empty file is no program (ENOEXEC)"),
    Call("execve", 59, "/bin/true", Words("true", 0), Words(0), forks=True),
    Call("a file in /tmp", 257, HERE, Known("scratch"), 0o102, 0o700, must=("done",), help=True),
    Call("some bytes in it", 1, Result("a file in /tmp"), b"#!/bin/true\n", 12, must=("done",), help=True),
    Call("chmod of a file in /tmp", 90, Known("scratch"), 0o755),
    Call("execve of a file in /tmp", 59, Known("scratch"), Words("true", 0), Words(0), forks=True,
         trait="the control's file is still open to be written (ETXTBSY)"),
    Call("mmap of a file in /tmp to be executed", 9, 0, 4096, 5, 1, Result("a file in /tmp"), 0,
         must=("EPERM", "EACCES")),
    Call("mmap of a file in /tmp, private, to be executed", 9, 0, 4096, 4, 2, Result("a file in /tmp"), 0,
         must=("EPERM", "EACCES")),
    Call("mmap writable and executable", 9, 0, 4096, 7, 0x22, -1, 0),
    Call("mmap writable", 9, 0, 4096, 3, 0x22, -1, 0, must=("done",), help=True),
    Call("mprotect to executable", 10, Result("mmap writable"), 4096, 5),
    Call("mprotect to writable and executable", 10, Result("mmap writable"), 4096, 7),
    Call("pkey_mprotect to executable", 329, Result("mmap writable"), 4096, 5, -1),
    Call("personality READ_IMPLIES_EXEC", 135, 0x0400000, apart=True),
    Call("mmap at address 0", 9, 0, 4096, 3, 0x32, -1, 0, must=("EPERM", "EACCES", "EINVAL"),
         trait="vm.mmap_min_addr keeps it from those without CAP_SYS_RAWIO"),
    Call("remap_file_pages", 216, Result("mmap writable"), 4096, 0, 0, 0, trait="only for shared mappings"),
    Call("shmat", 30, 0, 0, 0, trait="only with a segment"),
]

FILTERS = [
    Call("seccomp with a listener", 317, 1, 8, LET_THROUGH, apart=True),
    Call("seccomp with a filter", 317, 1, 0, LET_THROUGH, apart=True),
    Call("seccomp, which actions there are", 317, 2, 0, _words(0x7FFF0000)),
    prctl("SET_SECCOMP", 22, 2, LET_THROUGH),
    prctl("GET_SECCOMP", 21),
]

SOCKETS = [
    socket("INET stream", 2, 1), socket("INET datagram", 2, 2), socket("INET raw", 2, 3, 1),
    socket("INET6", 10, 2, trait=NEEDS_MODULE), socket("NETLINK", 16, 3), socket("NETLINK KOBJECT_UEVENT", 16, 3, 15),
    socket("VSOCK", 40, 1, trait=NEEDS_MODULE), socket("ALG", 38, 5, trait=NEEDS_MODULE),
    socket("UNIX", 1, 1, trait=None), socket("UNIX datagram", 1, 2), socket("PACKET", 17, 3, 0x300, trait=NEEDS_MODULE),
    socket("BLUETOOTH", 31, 3, 1, trait=NEEDS_MODULE), socket("XDP", 44, 3, trait=NEEDS_MODULE),
    socket("QIPCRTR", 42, 2, trait=NEEDS_MODULE), socket("CAN", 29, 3, 1, trait=NEEDS_MODULE),
    Call("socketpair INET", 53, 2, 1, 0, Buffer(8), trait="no kernel has it"),
    Call("socketpair TIPC", 53, 30, 1, 0, Buffer(8), trait=NEEDS_MODULE),
    Call("accept", 43, 0, 0, 0, trait="descriptor 0 is no socket"),
    Call("sendmsg, which could carry a descriptor", 46, 0, Buffer(56), 0, trait="descriptor 0 is no socket"),
    Call("recvmsg", 47, 0, Buffer(56), 0, trait="descriptor 0 is no socket"),
    Call("sendmmsg", 307, 0, Buffer(64), 0, 0, trait="descriptor 0 is no socket"),
]

LOCKS = [
    Call("the shared file", 257, HERE, Known("file"), 0, 0, must=("done",), help=True),
    Call("the shared folder", 257, HERE, Known("folder"), 0o200000, 0, must=("done",), help=True),
    Call("flock", 73, Result("the shared file"), 6),
    Call("flock of a folder", 73, Result("the shared folder"), 6),
    Call("a record lock", 72, Result("the shared file"), 6, bytes(32)),
    Call("asking for a record lock", 72, Result("the shared file"), 5, bytes(32)),
    Call("an open file description's lock", 72, Result("the shared file"), 37, bytes(32)),
    Call("a lease", 72, Result("the shared file"), 1024, 0, trait="a file system without leases"),
    Call("a notice of changes", 72, Result("the shared folder"), 1026, 0x1F, trait=NEEDS_MODULE),
    Call("inotify_init", 253, trait=NEEDS_MODULE),
    Call("inotify_init1", 294, 0, trait=NEEDS_MODULE),
    Call("inotify_add_watch", 254, Result("inotify_init1"), Known("folder"), 2, trait=NEEDS_MODULE),
    Call("F_SETOWN", 72, Result("the shared file"), 8, Known("self")),
    Call("F_SETSIG", 72, Result("the shared file"), 10, 9),
    Call("F_SET_RW_HINT", 72, Result("the shared file"), 1036, _words(2, size=8),
         trait="older and newer kernels ask for the right to write"),
    Call("F_SETPIPE_SZ", 72, 2, 1031, 4096, trait="the control's descriptor 2 may be no pipe"),
    Call("F_ADD_SEALS", 72, Result("the shared file"), 1033, 1, trait="only for files in memory"),
    Call("ioctl FIOASYNC", 16, 2, 0x5452, _words(1), trait="the control's descriptor 2 may be none that can"),
    Call("ioctl FS_IOC_GETFLAGS", 16, Result("the shared file"), 0x80086601, Buffer(8), trait="not every file system"),
    Call("ioctl FS_IOC_SETFLAGS", 16, Result("the shared file"), 0x40086602, Buffer(8), trait="not every file system"),
    Call("fgetxattr", 193, Result("the shared file"), "user.exam", 0, 0, trait="there is no such attribute (ENODATA)"),
    Call("setxattr", 188, Known("file"), "user.exam", b"1", 1, 0, trait="not every file system"),
    Call("utimensat", 280, HERE, Known("file"), 0, 0),
    Call("fadvise64", 221, Result("the shared file"), 0, 0, 4),
    Call("readahead", 187, Result("the shared file"), 0, 4096),
    Call("futex that wakes through a shared file", 202, Known("shared"), 1, 1, 0, 0, 0),
    Call("futex that wakes some through a shared file", 202, Known("shared"), 10, 1, 0, 0, -1),
    Call("futex that moves waiters through a shared file", 202, Known("shared"), 3, 1, 1, Known("shared"), 0),
    Call("futex_wake", 454, Known("shared"), -1, 1, 2, trait="Linux 6.7 brought it"),
]

HIDDEN = [
    look("/proc/1/environ", trait=FIRST), look("/proc/self/environ"), look("/proc/sys/kernel/core_pattern", 1),
    look("/proc/self/maps"), look("/proc/self/fd"), look("/proc/kallsyms"), look("/proc/sysrq-trigger", 1, trait=NEEDS_MODULE),
    look("/proc/self/attr/current", trait=NEEDS_MODULE), look("/proc/self/uid_map", 1), look("/proc/self/oom_score_adj", 1),
    look("/sys/fs/cgroup/memory/release_agent", 1, trait="version 2 of control groups has none"),
    look("/sys/fs/cgroup/cgroup.procs", 1, trait="where version 1 is mounted it lies deeper"),
    look("/sys/kernel/security", trait=NEEDS_MODULE), look("/sys/devices/system/cpu/online"),
    look("/etc/passwd"), look("/etc/shadow"), look("/root"), look("/home"), look("/run"), look("/var"),
    look("/dev/mem", 2, trait="a machine without it"), look("/dev/kvm", 2, trait="a machine without it"),
    look("/dev/null"), look("/dev/shm"), look("/dev/fuse", 2, trait="a machine without it"),
]

SELF = [
    Call("personality without randomised addresses", 135, 0x0040000, apart=True),
    Call("setrlimit, more descriptors", 160, 7, Words(4096, 1 << 20), apart=True,
         trait="raising a hard limit takes CAP_SYS_RESOURCE, which root may lack"),
    Call("prlimit64, more descriptors", 302, 0, 7, Words(4096, 4096), 0, apart=True),
    Call("prlimit64, core dumps", 302, 0, 4, Words(-1, -1), 0, apart=True, trait="as setrlimit"),
    Call("sched_setscheduler FIFO", 144, 0, 1, _words(1), apart=True,
         trait="a control group may have no real-time share"),
    Call("sched_setattr", 314, 0, _words(48, 0) + bytes(40), 0, apart=True),
    Call("setpriority -10", 141, 0, 0, -10, apart=True, trait="takes CAP_SYS_NICE, which root may lack"),
    Call("ioprio_set real-time", 251, 1, 0, 1 << 13, apart=True, trait="takes CAP_SYS_ADMIN, which root may lack"),
    Call("sched_setaffinity", 203, 0, 8, _words(1, size=8), apart=True),
    Call("setuid 0", 105, 0, apart=True), Call("setresuid 0", 117, 0, 0, 0, apart=True),
    Call("setgid 0", 106, 0, apart=True), Call("setgroups", 116, 0, 0, apart=True),
    Call("setfsuid", 122, 0, apart=True),
    Call("capset", 126, _words(0x20080522, 0), bytes(24), apart=True),
    Call("setsid", 112, apart=True), Call("setpgid", 109, 0, 0, apart=True, trait="not for a session's leader"),
    prctl("SET_DUMPABLE", 4, 1), prctl("SET_PDEATHSIG none", 1, 0), prctl("SET_CHILD_SUBREAPER", 36, 1),
    prctl("SET_KEEPCAPS", 8, 1), prctl("SET_SECUREBITS", 28, 0), prctl("CAPBSET_READ", 23, 21),
    prctl("SET_MM brk", 35, 7, 4096, 0, 0, trait="takes CAP_SYS_RESOURCE, which root may lack"),
    prctl("SET_PTRACER anybody", 0x59616D61, -1, 0, 0, 0, trait="only Yama knows it"),
    prctl("SET_TIMERSLACK", 29, 1), prctl("SET_THP_DISABLE", 41, 1, 0, 0, 0),
    prctl("SET_SPECULATION_CTRL", 53, 0, 4, 0, 0, trait="a processor without it"),
    prctl("SET_SYSCALL_USER_DISPATCH", 59, 0, 0, 0, 0, trait=NEEDS_MODULE),
    prctl("SCHED_CORE", 62, 1, 0, 0, 0, trait=NEEDS_MODULE), prctl("SET_TSC", 26, 1),
    prctl("SET_NO_NEW_PRIVS again", 38, 1, 0, 0, 0), prctl("SET_MDWE", 65, 1, 0, 0, 0, trait="Linux 6.3 brought it"),
    prctl("SET_MEMORY_MERGE", 67, 1, 0, 0, 0, trait=NEEDS_MODULE),
    prctl("SET_IO_FLUSHER", 57, 1, 0, 0, 0, trait="takes CAP_SYS_RESOURCE, which root may lack"),
    Call("mlockall", 151, 1, apart=True), Call("mlock", 149, Known("page"), 4096), Call("munlock", 150, Known("page"), 4096),
    Call("madvise MERGEABLE", 28, Known("page"), 4096, 12, trait=NEEDS_MODULE),
    Call("madvise HWPOISON", 28, Known("page"), 0, 100, trait=NEEDS_MODULE),
    Call("madvise DONTFORK", 28, Known("page"), 4096, 10), Call("madvise PAGEOUT", 28, Known("page"), 4096, 21),
    Call("setitimer", 38, 0, Words(0, 0, 3600, 0), 0, apart=True), Call("alarm", 37, 3600, apart=True),
    Call("timer_create", 222, 1, 0, Buffer(8)), Call("sched_rr_get_interval", 148, 0, Buffer(16)),
    Call("sched_getparam", 143, 0, Buffer(8)), Call("getpriority", 140, 0, 0),
    Call("splice", 275, 0, 0, 2, 0, 0, 0), Call("vmsplice", 278, 2, Words(0, 0), 0, 0, trait="descriptor 2 may be no pipe"),
    Call("tee", 276, 0, 2, 0, 0, trait="descriptors 0 and 2 may be no pipes"),
    Call("sendfile", 40, 2, Known("open"), 0, 0, trait="not to every descriptor"),
    Call("copy_file_range", 326, Known("open"), 0, 2, 0, 0, 0, trait="only between files"),
    Call("preadv2", 327, Known("open"), Words(Buffer(8), 8), 1, 0, 0, 0), Call("fallocate", 285, Known("open"), 0, 0, 1,
         trait=READ_ONLY),
    Call("signalfd", 289, -1, Buffer(8), 8, 0), Call("syncfs", 306, Known("open")),
]

FILES = [
    Call("open the bundle to write", 257, HERE, Known("file"), 1, 0, must=REFUSED_FILE),
    Call("a new file in the bundle", 257, HERE, Known("new"), 0o101, 0o600, must=REFUSED_FILE),
    Call("a file without a name in the bundle", 257, HERE, Known("folder"), 0o20200002, 0o600,
         must=REFUSED_FILE + ("EOPNOTSUPP",), trait="not every file system has it"),
    Call("mkdir in the bundle", 83, Known("sub"), 0o700, must=REFUSED_FILE),
    Call("chmod of the bundle", 90, Known("file"), 0o777), Call("chown of the bundle", 92, Known("file"), 0, 0),
    Call("map the bundle shared, to write", 9, 0, 4096, 3, 1, Known("open"), 0, trait=READ_ONLY),
    Call("make a mapping of it writable", 10, Known("shared"), 4096, 3, trait=READ_ONLY),
    Call("truncate the bundle", 76, Known("file"), 0),
    Call("link of the bundle", 86, Known("file"), Known("link")),
    Call("symlink in /tmp", 88, "/etc/passwd", Known("scratch")), Call("unlink", 87, Known("scratch"), must=("ENOENT",)),
    Call("symlinkat in /tmp", 266, "/etc/passwd", HERE, Known("scratch")),
    Call("mknod, a pipe in /tmp", 133, Known("fifo"), 0o10600, 0),
    Call("mknodat, a device in /tmp", 259, HERE, Known("device"), 0o20600, 0x103),
    Call("rename the bundle", 82, Known("file"), Known("moved"), must=REFUSED_FILE + ("EXDEV",)),
    Call("rename the folder", 82, Known("folder"), Known("other"), must=REFUSED_FILE + ("EXDEV", "EBUSY")),
    look("/bullpen-exam", 0o101, must=REFUSED_FILE), look("/usr/bullpen-exam", 0o101, must=REFUSED_FILE),
    look("/../../../../../../etc/passwd"), look("/work/../../etc/passwd"),
]

# Each ends its strategy. None does anything where it is let through: the arguments are those of a call that fails.
FATAL = [
    Call("mount", 165, 0, 0, 0, 0x20, 0), Call("umount2", 166, 0, 0), Call("pivot_root", 155, 0, 0),
    Call("chroot", 161, 0), Call("setns", 308, -1, 0), Call("open_tree", 428, -1, 0, 0), Call("move_mount", 429, -1, 0, -1, 0, 0),
    Call("fsopen", 430, 0, 0), Call("mount_setattr", 442, -1, 0, 0, 0, 0), Call("open_by_handle_at", 304, -1, 0, 0),
    Call("init_module", 175, 0, 0, 0, trait=NEEDS_MODULE), Call("finit_module", 313, -1, 0, 0, trait=NEEDS_MODULE), Call("delete_module", 176, 0, 0, trait=NEEDS_MODULE),
    Call("kexec_load", 246, 0, 0, 0, -1, trait=NEEDS_MODULE), Call("kexec_file_load", 320, -1, -1, 0, 0, -1, trait=NEEDS_MODULE), Call("reboot", 169, 0, 0, 0, 0),
    Call("swapon", 167, 0, 0), Call("swapoff", 168, 0), Call("iopl", 172, 9, trait=NEEDS_MODULE), Call("ioperm", 173, -1, 1, 1, trait=NEEDS_MODULE),
    Call("modify_ldt", 154, 99, 0, 0), Call("acct", 163, 1), Call("quotactl", 179, -1, 0, 0, 0),
    Call("settimeofday", 164, 1, 0), Call("clock_settime", 227, 99, 0), Call("adjtimex", 159, 0),
    Call("sethostname", 170, 0, -1), Call("setdomainname", 171, 0, -1), Call("syslog", 103, 99, 0, 0),
]

LISTS = {
    "terminal": TERMINAL, "executable": EXECUTABLE, "processes": PROCESSES, "objects": OBJECTS, "kernel": KERNEL,
    "new_processes": NEW_PROCESSES, "code": CODE, "filters": FILTERS, "sockets": SOCKETS, "locks": LOCKS, "hidden": HIDDEN,
    "self": SELF, "files": FILES,
}
LISTS.update({"fatal_" + call.name: [call] for call in FATAL})

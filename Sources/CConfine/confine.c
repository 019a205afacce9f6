#include "confine.h"
#include "descriptors.h"
#include "mounts.h"
#include "plan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_STRINGS 256

/// What the launcher holds between steps.
struct launch {
    const struct confine_plan *plan;
    /// NULL in the launcher program.
    const struct confine_nursery *nursery;
    uint32_t step;
    int slots[CONFINE_SLOTS];
    int ruleset;
    /// Tells the watcher that the strategy is there. Closing it without a word ends the watcher.
    int watcher_go;
};

static int result(long value) {
    return value < 0 ? -errno : (int)value;
}

// ---- Reports ----

/// Writes all of it in one go, as pipes take what is short and control files want it.
static int write_whole(int file, const void *bytes, size_t length) {
    ssize_t count;
    do count = write(file, bytes, length);
    while (count < 0 && errno == EINTR);
    if (count < 0) return -errno;
    return (size_t)count == length ? 0 : -EIO;
}

static int report(uint32_t kind, uint32_t operation, uint32_t step, int32_t value, const char *detail) {
    struct confine_report report = {.kind = kind, .operation = operation, .step = step, .value = value};
    if (detail) snprintf(report.detail, sizeof report.detail, "%s", detail);
    // A report is smaller than PIPE_BUF, so it arrives whole or not at all.
    return write_whole(CONFINE_FD_STATUS, &report, sizeof report);
}

/// The one way out for what has failed. When not even that can be told, the end of the status pipe says it.
static _Noreturn void fail(uint32_t operation, uint32_t step, int outcome, const char *detail) {
    report(CONFINE_STEP_FAILED, operation, step, -outcome, detail);
    _exit(CONFINE_EXIT_FAILED);
}

_Noreturn void confine_give_up(const char *what) {
    fail(0, 0, -errno, what);
}

// ---- Namespaces ----

static int write_file(const struct launch *launch, pid_t pid, const char *name, const char *text) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    // A nursery sees no /proc, but holds on to it.
    int file = launch->nursery ? openat(launch->nursery->proc, path + strlen("/proc/"), O_WRONLY | O_CLOEXEC)
                               : open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return -errno;
    int outcome = write_whole(file, text, strlen(text));
    close(file);
    return outcome;
}

static int write_map(
    const struct launch *launch, pid_t pid, const char *name, uint64_t inner, uint64_t outer, uint64_t count) {
    char line[64];
    snprintf(line, sizeof line, "%lu %lu %lu\n", (unsigned long)inner, (unsigned long)outer, (unsigned long)count);
    return write_file(launch, pid, name, line);
}

static int become(uint64_t uid, uint64_t gid, int drop_groups) {
    // Raw: the C library would do it for all threads that it knows of, and in a nursery it knows those of another.
    if (drop_groups && syscall(SYS_setgroups, 0, NULL) < 0) return -errno;
    if (syscall(SYS_setresgid, gid, gid, gid) < 0 || syscall(SYS_setresuid, uid, uid, uid) < 0) return -errno;
    return 0;
}

/// For the strategy of a nursery, which no execution makes an ordinary process again: without it an ordinary user's
/// supervisor could not read the texts of refused calls.
static int become_for(const struct launch *launch, const struct confine_step *step) {
    int outcome = become(step->number[0], step->number[1], (int)step->number[2]);
    return outcome || !launch->nursery ? outcome : result(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int drop_capabilities(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) return -errno;
    return result(syscall(SYS_capset, &header, none));
}

/// Keeps the capabilities in `set`, for an execution too, although no user is root.
static int keep_capabilities(uint64_t set) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct kept[2];
    for (int half = 0; half < 2; half++) {
        uint32_t bits = (uint32_t)(set >> 32 * half);
        kept[half] = (struct __user_cap_data_struct){.effective = bits, .permitted = bits, .inheritable = bits};
    }
    if (syscall(SYS_capset, &header, kept) < 0) return -errno;
    for (int capability = 0; capability < 64; capability++)
        if (set >> capability & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0) return -errno;
    return 0;
}

static int drop_bounding(void) {
    // In this order: without CAP_SETPCAP, which leaves with the rest, neither would do anything (man 2 prctl).
    if (prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                     SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                                     SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED) < 0)
        return -errno;
    for (int capability = 0; capability < 64; capability++) {
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
        // Beyond the last capability this kernel knows.
        return errno == EINVAL && capability > CAP_CHOWN ? 0 : -errno;
    }
    return 0;
}

/// Waits for the launcher's word. Returns 0, or 1 when the launcher has ended without one, or -errno.
static int await_word(int go) {
    char word;
    ssize_t count;
    do count = read(go, &word, 1);
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count == 0;
}

/// Gives up all that the watcher does not need, which is nearly everything.
static int become_watcher(const struct confine_step *enter) {
    int outcome = drop_bounding();
    if (!outcome) outcome = become(enter->number[1], enter->number[3], !enter->number[5]);
    if (!outcome) outcome = drop_capabilities();
    if (outcome) return outcome;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_NAME, "watcher") < 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return -errno;
    return 0;
}

/// Process 1 of the pid namespace: waits for process 2, the strategy, and takes the namespace with it when it ends.
_Noreturn static void watch(const struct launch *launch, int go, const struct confine_step *enter) {
    int outcome = 0;
    // Orphans of the strategy, if its profile lets it have any, are reaped by the kernel. The status pipe stays open
    // until the watcher can do its work, so that the strategy does not count as started before.
    if (signal(SIGCHLD, SIG_IGN) == SIG_ERR || dup2(go, 0) < 0 || dup2(CONFINE_FD_LISTENER, 1) < 0 ||
        syscall(SYS_close_range, 2, 2, 0) < 0 || syscall(SYS_close_range, CONFINE_FD_STATUS + 1, ~0u, 0) < 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        outcome = -errno;
    if (!outcome) outcome = await_word(0);
    if (outcome > 0) _exit(CONFINE_EXIT_FAILED);
    if (!outcome) outcome = become_watcher(enter);
    int strategy = outcome ? outcome : result(syscall(SYS_pidfd_open, 2, 0));
    if (strategy < 0) fail(enter->operation, launch->step, strategy, "watcher");
    close(CONFINE_FD_STATUS);
    // The supervisor keeps its end of the listener's socket open while it lives, and nobody else has that end. Its end
    // shows here whatever became of parent-death signals, which are lost when the parent dies before they are set.
    struct pollfd ends[2] = {{.fd = strategy, .events = POLLIN}, {.fd = 1}};
    int count;
    do count = poll(ends, 2, -1);
    while (count < 0 && errno == EINTR);
    _exit(count < 0 ? CONFINE_EXIT_FAILED : 0);
}

struct watcher_start {
    const struct launch *launch;
    const struct confine_step *enter;
    int go;
};

/// The first moments of a nursery's watcher, which still shares the nursery's memory and must leave it at once.
static int start_watcher(void *argument) {
    const struct watcher_start *start = argument;
    char *const arguments[] = {"watcher", NULL}, *const environment[] = {NULL};
    // Kept by the program; the nursery has handlers of its own.
    if (signal(SIGCHLD, SIG_IGN) != SIG_ERR && dup2(start->go, 0) == 0 && dup2(CONFINE_FD_LISTENER, 1) == 1)
        syscall(SYS_execveat, start->launch->nursery->program, "", arguments, environment, AT_EMPTY_PATH);
    fail(start->enter->operation, start->launch->step, -errno, "watcher");
}

/// Makes a watcher that waits for `go`. Returns its pid.
static long make_watcher(const struct launch *launch, const struct confine_step *enter, int go) {
    const struct confine_nursery *nursery = launch->nursery;
    if (nursery) {
        struct watcher_start start = {.launch = launch, .enter = enter, .go = go};
        // Not a copy of all that the nursery has loaded. Until it has become another program we stand still.
        return clone(start_watcher, nursery->stack, (int)(enter->number[0] | CLONE_PARENT | CLONE_VM | CLONE_VFORK | SIGCHLD),
                     &start);
    }
    long watcher = syscall(SYS_clone, enter->number[0] | CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
    if (watcher == 0) watch(launch, go, enter);
    return watcher;
}

static int enter(struct launch *launch, const struct confine_step *step) {
    const uint64_t *n = step->number;
    int go[2];
    if (pipe2(go, O_CLOEXEC) < 0) return -errno;
    long watcher = make_watcher(launch, step, go[0]);
    if (watcher < 0) return -errno;
    close(go[0]);
    launch->watcher_go = go[1];
    int outcome = report(CONFINE_WATCHER_STARTED, step->operation, launch->step, (int32_t)watcher, NULL);
    if (outcome) return outcome;

    if (n[5]) outcome = write_file(launch, watcher, "setgroups", "deny");
    if (!outcome) outcome = write_map(launch, watcher, "gid_map", n[3], n[4], 1);
    if (!outcome) outcome = write_map(launch, watcher, "uid_map", n[1], n[2], 1);
    if (outcome) return outcome;

    int namespaces = result(syscall(SYS_pidfd_open, watcher, 0));
    if (namespaces < 0) return namespaces;
    outcome = result(setns(namespaces, (int)n[0]));
    close(namespaces);
    if (outcome) return outcome;
    return result(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
}

/// Leaves the plan to a new process, whose parent is the supervisor, and ends the launcher.
static int fork_strategy(struct launch *launch, const struct confine_step *step) {
    void *thread = launch->nursery ? launch->nursery->thread : NULL;
    unsigned long flags = CLONE_PARENT | SIGCHLD | (thread ? CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID : 0);
#ifdef __x86_64__
    long strategy = syscall(SYS_clone, flags, 0, 0, thread, 0);
#else
    long strategy = syscall(SYS_clone, flags, 0, 0, 0, thread);
#endif
    if (strategy < 0) return -errno;
    if (strategy > 0) {
        int outcome = report(CONFINE_STRATEGY_STARTED, step->operation, launch->step, (int32_t)strategy, NULL);
        if (!outcome) outcome = write_whole(launch->watcher_go, "g", 1);
        // Without the word the watcher ends, and with it the strategy.
        if (outcome) fail(step->operation, launch->step, outcome, "watcher");
        _exit(0);
    }
    close(launch->watcher_go);
    return 0;
}

static int join_users(int descriptor) {
    if (setns(descriptor, CLONE_NEWUSER) < 0) return -errno;
    // Trees may be opened only where the mounts belong to that namespace too.
    if (unshare(CLONE_NEWNS) < 0) return -errno;
    return result(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
}

/// Leaves the plan to a new process in namespaces of its own, the nursery, and ends the launcher.
static int settle(struct launch *launch, const struct confine_step *step) {
    const uint64_t *n = step->number;
    int go[2];
    if (pipe2(go, O_CLOEXEC) < 0) return -errno;
    long nursery = syscall(SYS_clone, n[0] | CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
    if (nursery < 0) return -errno;
    if (nursery == 0) {
        close(go[1]);
        int outcome = await_word(go[0]);
        if (outcome > 0) _exit(CONFINE_EXIT_FAILED);
        close(go[0]);
        return outcome ? outcome : result(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    }
    int outcome = report(CONFINE_STRATEGY_STARTED, step->operation, launch->step, (int32_t)nursery, NULL);
    if (!outcome && n[4]) outcome = write_file(launch, nursery, "setgroups", "deny");
    if (!outcome) outcome = write_map(launch, nursery, "gid_map", n[2], n[2], n[3]);
    if (!outcome) outcome = write_map(launch, nursery, "uid_map", n[1], n[1], n[3]);
    if (!outcome) outcome = write_whole(go[1], "g", 1);
    if (outcome) return outcome;
    _exit(0);
}

// ---- The root ----

/// Copies the mounts at `path` and sets these attributes on them. `deep` is AT_RECURSIVE or 0.
static int copy_tree(const char *path, uint64_t attributes, unsigned deep, int *tree) {
    struct mount_attr change = {.attr_set = attributes};
    *tree = result(open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | deep));
    if (*tree < 0) return *tree;
    return result(mount_setattr(*tree, "", AT_EMPTY_PATH | deep, &change, sizeof change));
}

static int open_tree_slot(struct launch *launch, const struct confine_step *step) {
    unsigned deep = step->operation == CONFINE_OPEN_TREE ? AT_RECURSIVE : 0;
    return copy_tree(step->text, step->number[1], deep, &launch->slots[step->number[0]]);
}

static int adopt_tree(struct launch *launch, const struct confine_step *step) {
    launch->slots[step->number[0]] = (int)step->number[1];
    return 0;
}

static int attach(struct launch *launch, const struct confine_step *step) {
    int tree = launch->slots[step->number[0]];
    int outcome = result(move_mount(tree, "", AT_FDCWD, step->text, MOVE_MOUNT_F_EMPTY_PATH));
    close(tree);
    return outcome;
}

static int pivot(struct launch *launch, const struct confine_step *step) {
    int tree = launch->slots[step->number[0]];
    int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (old < 0) return -errno;
    // The new root lies upon the old one; pivot_root puts the old one upon it in turn, and that is taken away
    // (man 2 pivot_root, "pivot_root(".", ".")").
    if (move_mount(tree, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0 || fchdir(tree) < 0 ||
        syscall(SYS_pivot_root, ".", ".") < 0 || fchdir(old) < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return -errno;
    close(tree);
    close(old);
    return 0;
}

static int mount_tmpfs(const struct confine_step *step) {
    char options[96];
    snprintf(options, sizeof options, "size=%lu,nr_inodes=%lu,mode=0700", (unsigned long)step->number[0],
             (unsigned long)step->number[1]);
    return result(mount("tmpfs", step->text, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options));
}

// ---- The strategy's own process ----

static int start_session(void) {
    if (setsid() < 0) return -errno;
    umask(077);
    return 0;
}

static int set_limit(const struct confine_step *step) {
    struct rlimit limit = {.rlim_cur = step->number[1], .rlim_max = step->number[2]};
    return result(setrlimit((int)step->number[0], &limit));
}

static int make_ruleset(struct launch *launch, const struct confine_step *step) {
    // struct landlock_ruleset_attr, as far as this kernel's version of it goes.
    uint64_t attributes[3] = {step->number[1], step->number[2], step->number[3]};
    launch->ruleset = result(syscall(SYS_landlock_create_ruleset, attributes, step->number[0], 0));
    return launch->ruleset < 0 ? launch->ruleset : 0;
}

static int allow_path(struct launch *launch, const struct confine_step *step) {
    int folder = open(step->text, O_PATH | O_CLOEXEC);
    if (folder < 0) return -errno;
    struct landlock_path_beneath_attr rule = {.allowed_access = step->number[0], .parent_fd = folder};
    int outcome = result(syscall(SYS_landlock_add_rule, launch->ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0));
    close(folder);
    return outcome;
}

static int install_filter(const struct confine_step *step, unsigned flags) {
    struct sock_fprog program = {
        .len = (unsigned short)(step->blob[0].length / sizeof(struct sock_filter)),
        .filter = (struct sock_filter *)step->blob[0].bytes,
    };
    return result(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program));
}

static int hand_over(int socket, const int *descriptors, size_t count) {
    char word = 'l';
    int outcome;
    do outcome = confine_send_descriptors(socket, &word, 1, descriptors, count, MSG_NOSIGNAL);
    while (outcome == -EINTR);
    return outcome;
}

/// Takes the one descriptor that comes next, waiting for it. Returns it or -errno; -EPIPE when nobody is left to send it.
static int take_over(int socket) {
    char word;
    int descriptors[CONFINE_FD_LIMIT];
    struct confine_arrival arrival;
    do arrival = confine_take_descriptors(socket, &word, 1, descriptors, 1, 0);
    while (arrival.length == -EINTR);
    if (arrival.length < 0) return (int)arrival.length;
    if (arrival.length == 0) return -EPIPE;
    return arrival.count == 1 ? descriptors[0] : -EBADMSG;
}

/// Stands still until the supervisor has a strategy for this process. Of that strategy nothing is in here before.
static int await_tree(struct launch *launch, const struct confine_step *step) {
    int outcome = report(CONFINE_STRATEGY_WAITS, step->operation, launch->step, 0, NULL);
    if (!outcome) outcome = take_over(CONFINE_FD_LISTENER);
    launch->slots[step->number[0]] = outcome;
    return outcome < 0 ? outcome : 0;
}

static int listen_in(const struct confine_step *step) {
    int listener = install_filter(step, SECCOMP_FILTER_FLAG_NEW_LISTENER);
    if (listener < 0) return listener;
    int outcome = hand_over(CONFINE_FD_LISTENER, &listener, 1);
    close(listener);
    return outcome;
}

static int close_descriptors(void) {
    if (fcntl(CONFINE_FD_STATUS, F_SETFD, FD_CLOEXEC) < 0) return -errno;
    return result(syscall(SYS_close_range, CONFINE_FD_STATUS + 1, ~0u, 0));
}

static int hold_descriptors(void) {
    for (int kept = CONFINE_FD_CONTROL; kept <= CONFINE_FD_PROGRAM; kept++)
        if (fcntl(kept, F_SETFD, 0) < 0) return -errno;
    if (fcntl(CONFINE_FD_STATUS, F_SETFD, FD_CLOEXEC) < 0) return -errno;
    close(CONFINE_FD_PLAN);
    return result(syscall(SYS_close_range, CONFINE_FD_PROGRAM + 1, ~0u, 0));
}

static int die_with_parent(void) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return -errno;
    // A supervisor that died before that call sends no signal any more. Its id cannot be asked for from in here: any
    // parent outside this pid namespace shows as 0. But nobody else reads the status pipe.
    struct pollfd status = {.fd = CONFINE_FD_STATUS};
    int count;
    do count = poll(&status, 1, 0);
    while (count < 0 && errno == EINTR);
    if (count < 0) return -errno;
    return status.revents & POLLERR ? -ESRCH : 0;
}

/// Points `into` at each text of a list, and ends it with NULL.
static int spread(const char **into, const uint8_t *bytes, uint32_t length) {
    size_t count = 0;
    for (uint32_t at = 0; at < length; at += strlen((const char *)bytes + at) + 1) {
        if (count == MAX_STRINGS - 1) return -E2BIG;
        into[count++] = (const char *)bytes + at;
    }
    into[count] = NULL;
    return 0;
}

static int execute(const struct confine_step *step) {
    const char *arguments[MAX_STRINGS], *environment[MAX_STRINGS];
    int outcome = spread(arguments, step->blob[0].bytes, step->blob[0].length);
    if (!outcome) outcome = spread(environment, step->blob[1].bytes, step->blob[1].length);
    if (outcome) return outcome;
    return result(execve(step->text, (char **)arguments, (char **)environment));
}

/// Goes back into the nursery's interpreter, in the strategy's process. With the status pipe closed it has started.
static int leave(const struct launch *launch, const struct confine_step *step) {
    close(CONFINE_FD_STATUS);
    launch->nursery->leave(launch->nursery->context, step->blob[0].bytes, step->blob[0].length, step->blob[1].bytes,
                           step->blob[1].length);
    return -ENOSYS;
}

// ---- For a nursery of lent ids ----

int confine_open_for_nursery(int users, int socket, uint64_t nursery, uint64_t attributes, const char *bundle,
                             char *const *groups, size_t count) {
    int opened[CONFINE_FD_LIMIT];
    if (count >= CONFINE_FD_LIMIT) return -E2BIG;
    int outcome = join_users(users);
    if (!outcome) outcome = copy_tree(bundle, attributes, AT_RECURSIVE, &opened[count]);
    if (outcome) return outcome;
    // Who joins a group must be, in version 1, the user that has opened its file (kernel/cgroup/cgroup-v1.c,
    // __cgroup1_procs_write), while the file belongs to the supervisor, who is 0 in that namespace. So it is opened as one
    // with the files of the other.
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || syscall(SYS_setresuid, nursery, nursery, nursery) < 0) return -errno;
    outcome = keep_capabilities(1u << CAP_SETUID);
    if (outcome) return outcome;
    // It tells no error; that of the opening is as good.
    syscall(SYS_setfsuid, 0);
    for (size_t i = 0; i < count; i++) {
        opened[i] = open(groups[i], O_WRONLY | O_CLOEXEC);
        if (opened[i] < 0) return -errno;
    }
    return hand_over(socket, opened, count + 1);
}

// ---- The list ----

static int carry_out(struct launch *launch, const struct confine_step *step) {
    const uint64_t *n = step->number;
    switch ((enum confine_operation)step->operation) {
    case CONFINE_JOIN_USERS: return join_users((int)n[0]);
    case CONFINE_JOIN_NETWORK: return result(setns((int)n[0], CLONE_NEWNET));
    case CONFINE_JOIN_CGROUP: return write_whole((int)n[0], "0", 1);
    case CONFINE_OPEN_TREE:
    case CONFINE_OPEN_MOUNT: return open_tree_slot(launch, step);
    case CONFINE_ADOPT_TREE: return adopt_tree(launch, step);
    case CONFINE_AWAIT_TREE: return await_tree(launch, step);
    case CONFINE_ENTER: return enter(launch, step);
    case CONFINE_DROP_BOUNDING: return drop_bounding();
    case CONFINE_SETTLE: return settle(launch, step);
    case CONFINE_KEEP_CAPABILITIES: return keep_capabilities(n[0]);
    case CONFINE_BECOME: return become_for(launch, step);
    case CONFINE_PIVOT: return pivot(launch, step);
    case CONFINE_TMPFS: return mount_tmpfs(step);
    case CONFINE_ATTACH: return attach(launch, step);
    case CONFINE_HOSTNAME: return result(sethostname(step->text, strlen(step->text)));
    case CONFINE_FORK: return fork_strategy(launch, step);
    case CONFINE_SESSION: return start_session();
    case CONFINE_RLIMIT: return set_limit(step);
    case CONFINE_DROP_CAPABILITIES: return drop_capabilities();
    case CONFINE_NO_NEW_PRIVILEGES: return result(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    case CONFINE_LANDLOCK: return make_ruleset(launch, step);
    case CONFINE_LANDLOCK_ALLOW: return allow_path(launch, step);
    case CONFINE_LANDLOCK_ENFORCE: return result(syscall(SYS_landlock_restrict_self, launch->ruleset, 0));
    case CONFINE_FOLDER: return result(chdir(step->text));
    case CONFINE_LISTEN: return listen_in(step);
    case CONFINE_CLOSE_DESCRIPTORS: return close_descriptors();
    case CONFINE_HOLD_DESCRIPTORS: return hold_descriptors();
    case CONFINE_DIE_WITH_PARENT: return die_with_parent();
    case CONFINE_FILTER: return install_filter(step, 0);
    case CONFINE_EXECUTE: return execute(step);
    case CONFINE_RETURN: return leave(launch, step);
    }
    return -ENOSYS;
}

_Noreturn void confine_run(const uint8_t *bytes, size_t length, const struct confine_nursery *nursery) {
    // On the stack: what a nursery writes elsewhere becomes a page of its own in every strategy.
    struct confine_plan plan;
    struct launch launch = {.plan = &plan, .nursery = nursery, .ruleset = -1, .watcher_go = -1};
    const char *fault = confine_read(bytes, length, &plan);
    uint32_t last = nursery ? CONFINE_RETURN : CONFINE_EXECUTE;
    if (!fault && plan.steps[plan.count - 1].operation != last) fault = "it is for the other door";
    if (fault) {
        report(CONFINE_PLAN_REFUSED, 0, 0, EINVAL, fault);
        _exit(CONFINE_EXIT_FAILED);
    }
    for (; launch.step < plan.count; launch.step++) {
        const struct confine_step *step = &plan.steps[launch.step];
        int outcome = carry_out(&launch, step);
        if (outcome < 0) fail(step->operation, launch.step, outcome, step->text);
    }
    // The plan's last step does not return, or fails.
    _exit(CONFINE_EXIT_FAILED);
}

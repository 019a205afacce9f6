#include <stdarg.h>
#include <stdbool.h>
#include "confine.h"
#include "faults.h"
#include "nursery.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/// Plays the supervisor to the launcher, with one plan: once with nothing failing, then once for each system call of
/// each process, which fails. After each launch there must be one of two things: the strategy behind all its walls, or
/// a report of what failed; and nothing left behind.
///
/// Usage: harness [--user ID] [--nursery ROOT BUNDLE WATCHER | --ready ROOT BUNDLE WATCHER | --settle WATCHER]
///                PLAN [cgroup.procs…]
///        harness --open BUNDLE FILE…
///   --nursery  the plan is one for a nursery, which this program plays in ROOT; BUNDLE is handed over, or, for an ordinary
///              user's nursery, seen at /bundle
///   --ready    the same for a strategy that is made ahead: BUNDLE is handed over when it waits for it
///   --settle   the plan is that of a nursery itself
///   --open     there is no plan: what a nursery of lent ids is not allowed to open is opened for its strategy. This needs root.

int confine_main(int count, char **arguments);
int witness_main(void);

// The interpreter's part in a nursery.
void PyOS_BeforeFork(void) {}
void PyOS_AfterFork_Child(void) {}

const char *__asan_default_options(void) {
    return "exitcode=99:detect_leaks=0:allocator_may_return_null=1";
}

#define TEXT 32768
#define DEADLINE_MS 20000

struct outcome {
    /// What the strategy said and how its walls look from outside. Empty when it did not get so far.
    char sight[TEXT];
    /// What came out of its standard error. Only a sanitizer or the launcher's usage writes there.
    char errors[TEXT];
    struct confine_report reports[8];
    int report_count;
    /// Bytes of a report that was cut off.
    int torn;
    pid_t nursery, launcher, watcher, strategy;
    /// -1: there was none, or nobody knows its number.
    int nursery_status, launcher_status, watcher_status, strategy_status;
    int strangers;
    bool has_run, waits;
};

static enum { COLD, WARM, SETTLING } door;
static const char *nursery_root, *bundle, *watcher_path;
static const char *group_paths[CONFINE_FD_LIMIT];
static int group_count;
static int plan_file;
/// Whether the strategy is made ahead.
static bool is_ahead;
static int failures;
/// 0 when this is root.
static uid_t user;

static _Noreturn void die(const char *what) {
    fprintf(stderr, "harness: %s: %s\n", what, strerror(errno));
    exit(2);
}

static int must(int value, const char *what) {
    if (value < 0) die(what);
    return value;
}

static long milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// ---- Looking from outside ----

static void add(char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(char *text, const char *format, ...) {
    size_t length = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + length, TEXT - length, format, arguments);
    va_end(arguments);
}

/// The lines of a file of /proc that begin with one of `heads`; all without.
static void add_lines(char *text, pid_t pid, const char *name, const char *const *heads) {
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    FILE *file = fopen(path, "re");
    if (!file) {
        add(text, "%s: %s\n", name, strerror(errno));
        return;
    }
    while (fgets(line, sizeof line, file)) {
        bool is_wanted = !heads;
        for (const char *const *head = heads; head && *head; head++) is_wanted |= !strncmp(line, *head, strlen(*head));
        if (is_wanted) add(text, "%s", line);
    }
    fclose(file);
}

static void add_mounts(char *text, pid_t pid) {
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%d/mountinfo", pid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        // Without the mount's numbers and its device's, which are new each time.
        const char *rest = line;
        for (int i = 0; i < 3 && rest; i++) rest = (rest = strchr(rest, ' ')) ? rest + 1 : NULL;
        add(text, "mount %s", rest ? rest : line);
    }
    if (file) fclose(file);
}

static void add_descriptors(char *text, pid_t pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    bool open[64] = {0};
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder)); )
        if (entry->d_name[0] != '.') open[atoi(entry->d_name) & 63] = true;
    if (folder) closedir(folder);
    add(text, "descriptors:");
    for (int i = 0; i < 64; i++)
        if (open[i]) add(text, " %d", i);
    add(text, "\n");
}

static void add_namespaces(char *text, pid_t pid) {
    const char *const names[] = {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[64], own[64] = "", other[64] = "";
        snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
        if (readlink(path, own, sizeof own - 1) < 0) own[0] = 0;
        snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, names[i]);
        ssize_t length = readlink(path, other, sizeof other - 1);
        add(text, "namespace %s: %s\n", names[i], length < 0 ? "hidden" : strcmp(own, other) ? "other" : "the same");
    }
}

static void look(char *text, const char *name, pid_t pid) {
    static const char *const heads[] = {"Umask:", "Uid:", "Gid:", "Groups:", "SigBlk:", "SigIgn:", "SigCgt:", "Cap",
                                        "NoNewPrivs:", "Seccomp", "Threads:", "NStgid", NULL};
    char status[TEXT] = "";
    add(text, "---- %s\n", name);
    add_lines(status, pid, "status", heads);
    // The outer pid is new each time.
    char *numbers = strstr(status, "NStgid:");
    if (numbers) {
        char *end = strchr(numbers, '\n');
        char *inner = end;
        while (inner && inner > numbers && *inner != '\t') inner--;
        if (door != SETTLING) add(text, "inner pid%.*s\n", inner ? (int)(end - inner) : 0, inner ? inner : "");
        if (end) memmove(numbers, end + 1, strlen(end + 1) + 1);
    }
    add(text, "%s", status);
    add_lines(text, pid, "limits", NULL);
    add_lines(text, pid, "cgroup", NULL);
    add_namespaces(text, pid);
    add_mounts(text, pid);
    add_descriptors(text, pid);
}

static int open_descriptors(void) {
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (!folder) die("/proc/self/fd");
    while (readdir(folder)) count++;
    closedir(folder);
    return count;
}

static void own_mounts(char *text) {
    text[0] = 0;
    add_lines(text, getpid(), "mountinfo", NULL);
}

// ---- One launch ----

/// Has exactly these descriptors from here on; those that are -1 are closed.
static void keep_descriptors(const int *wanted, int count) {
    int high[CONFINE_FD_LIMIT];
    setsid();
    for (int i = 0; i < count; i++) high[i] = wanted[i] < 0 ? -1 : must(fcntl(wanted[i], F_DUPFD, 100), "F_DUPFD");
    for (int i = 0; i < count; i++) {
        if (high[i] < 0) close(i);
        else must(dup2(high[i], i), "dup2");
    }
    syscall(SYS_close_range, count, ~0u, 0);
    signal(SIGPIPE, SIG_DFL);
}

static _Noreturn void be_launcher(const int *wanted, int count) {
    keep_descriptors(wanted, count);
    role = ROLE_LAUNCHER;
    int status = confine_main(1, (char *[]){"confine", NULL});
    _exit(status);
}

static void write_own(const char *name, const char *text) {
    int file = must(open(name, O_WRONLY | O_CLOEXEC), name);
    if (write(file, text, strlen(text)) != (ssize_t)strlen(text)) die(name);
    close(file);
}

/// A user namespace in which an ordinary user's nursery has its one id and the rights to put up walls.
static void own_users(void) {
    char map[64];
    snprintf(map, sizeof map, "%u %u 1", user, user);
    must(unshare(CLONE_NEWUSER), "unshare");
    write_own("/proc/self/setgroups", "deny");
    write_own("/proc/self/gid_map", map);
    write_own("/proc/self/uid_map", map);
}

/// Becomes a nursery that stands in its root, and in the end a strategy.
static _Noreturn void be_nursery(const int *wanted, int count) {
    struct nursery_child child;
    keep_descriptors(wanted, count);
    if (user) own_users();
    must(unshare(CLONE_NEWNS), "unshare");
    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private");
    must(mount(nursery_root, nursery_root, NULL, MS_BIND | MS_REC, NULL), "bind");
    must(chdir(nursery_root), nursery_root);
    if (user) must(mount(bundle, "bundle", NULL, MS_BIND, NULL), "bundle");
    must((int)syscall(SYS_pivot_root, ".", "."), "pivot_root");
    must(umount2(".", MNT_DETACH), "umount");
    must(chdir("/"), "chdir");
    role = ROLE_NURSERY;
    if (nursery_serve(&child) != 0) _exit(9);
    nursery_release();
    role = ROLE_NONE;
    // What a plan's lists say must be there, as far as a strategy looks at it.
    if (child.arguments_length == 0) _exit(9);
    _exit(witness_main());
}

static int open_bundle(void) {
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
    int tree = must(open_tree(AT_FDCWD, bundle, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE), bundle);
    must(mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof attributes), "mount_setattr");
    return tree;
}

/// Asks a nursery for a strategy with these descriptors.
static void ask(int control, const int *descriptors, int count) {
    struct confine_request request = {.magic = CONFINE_REQUEST_MAGIC, .descriptors = (uint32_t)count};
    struct iovec data = {.iov_base = &request, .iov_len = sizeof request};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(CONFINE_FD_LIMIT * sizeof(int))];
    } packet = {0};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &packet,
                             .msg_controllen = CMSG_SPACE((size_t)count * sizeof(int))};
    packet.header = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN((size_t)count * sizeof(int))};
    memcpy(CMSG_DATA(&packet.header), descriptors, (size_t)count * sizeof(int));
    must((int)sendmsg(control, &message, MSG_NOSIGNAL), "request");
}

/// Takes what comes next, if something has come. Returns how many descriptors that were.
static int receive(int socket, int *into) {
    char word;
    struct iovec data = {.iov_base = &word, .iov_len = 1};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(CONFINE_FD_LIMIT * sizeof(int))];
    } control = {0};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) <= 0 || !CMSG_FIRSTHDR(&message)) return 0;
    size_t count = (CMSG_FIRSTHDR(&message)->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(into, CMSG_DATA(CMSG_FIRSTHDR(&message)), count * sizeof(int));
    return (int)count;
}

static int receive_listener(int socket) {
    int received[CONFINE_FD_LIMIT];
    return receive(socket, received) == 1 ? received[0] : -1;
}

/// Tells a strategy that was made ahead whose it is.
static void hand_bundle_over(int socket) {
    char word = 't';
    int tree = open_bundle();
    struct iovec data = {.iov_base = &word, .iov_len = 1};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    control.header =
        (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
    memcpy(CMSG_DATA(&control.header), &tree, sizeof tree);
    // One that has ended meanwhile takes nothing.
    if (sendmsg(socket, &message, MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET) die("sendmsg");
    close(tree);
}

/// The first call is the launcher's execution of the strategy, which passes. Whether a file may be opened is left to the
/// walls; the others are refused.
static void answer(int listener, bool *has_executed) {
    struct seccomp_notif call = {0};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0) return;
    bool passes = *has_executed ? call.data.nr == SYS_openat : call.data.nr == SYS_execve;
    *has_executed = true;
    struct seccomp_notif_resp response = {
        .id = call.id, .error = passes ? 0 : -EPERM, .flags = passes ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0};
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

static void take_report(struct outcome *outcome, int status, bool *is_open) {
    struct confine_report report;
    ssize_t count = read(status, &report, sizeof report);
    if (count == 0) *is_open = false;
    else if (count != sizeof report) outcome->torn++;
    else if (outcome->report_count < 8) {
        report.detail[sizeof report.detail - 1] = 0;
        outcome->reports[outcome->report_count++] = report;
        if (report.kind == CONFINE_LAUNCHER_STARTED) outcome->launcher = report.value;
        if (report.kind == CONFINE_WATCHER_STARTED) outcome->watcher = report.value;
        if (report.kind == CONFINE_STRATEGY_STARTED) outcome->strategy = report.value;
        if (report.kind == CONFINE_STRATEGY_WAITS) outcome->waits = true;
    }
}

static bool take_text(char *text, int from) {
    size_t length = strlen(text);
    if (length >= TEXT - 1) return false;
    ssize_t count = read(from, text + length, TEXT - 1 - length);
    if (count > 0) text[length + (size_t)count] = 0;
    return count > 0;
}

/// Reaps all there is. Whoever is still there after the deadline was left behind.
static void reap(struct outcome *outcome, int listener, bool *has_executed) {
    long limit = milliseconds() + DEADLINE_MS;
    while (true) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG | __WALL);
        if (pid < 0) return;
        if (pid > 0) {
            if (pid == outcome->nursery) outcome->nursery_status = status;
            else if (pid == outcome->launcher) outcome->launcher_status = status;
            else if (pid == outcome->watcher) outcome->watcher_status = status;
            else if (pid == outcome->strategy) outcome->strategy_status = status;
            else outcome->strangers++;
            continue;
        }
        if (milliseconds() > limit) {
            printf("FAULT: a process was left behind\n");
            failures++;
            if (outcome->nursery > 0) kill(outcome->nursery, SIGKILL);
            if (outcome->launcher > 0) kill(outcome->launcher, SIGKILL);
            if (outcome->watcher > 0) kill(outcome->watcher, SIGKILL);
            if (outcome->strategy > 0) kill(outcome->strategy, SIGKILL);
            limit += DEADLINE_MS;
        }
        struct pollfd one = {.fd = listener, .events = POLLIN};
        if (listener >= 0 && poll(&one, 1, 0) == 1 && one.revents & POLLIN) answer(listener, has_executed);
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    }
}

/// The address sanitizer says that it does not know the stack of a nursery's launcher, which is so.
static void forget_stacks(char *text) {
    static const char *const heads[] = {"WARNING: ASan is ignoring requested __asan_handle_no_return",
                                        "False positive error reports may follow", "For details see"};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        for (char *found; (found = strstr(text, heads[i])); ) {
            char *start = found, *end = strchr(found, '\n');
            while (start > text && start[-1] != '\n') start--;
            if (!end) *start = 0;
            else memmove(start, end + 1, strlen(end + 1) + 1);
        }
    }
}

static void launch(struct outcome *outcome) {
    *outcome = (struct outcome){.nursery_status = -1, .launcher_status = -1, .watcher_status = -1, .strategy_status = -1};
    memset(faults->count, 0, sizeof faults->count);
    faults->hit = 0;
    int in[2], out[2], err[2], status[2], ends[2], wanted[CONFINE_FD_LIMIT];
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC) || pipe2(status, O_CLOEXEC) ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        die("pipe");
    int count = 0, control[2] = {-1, -1}, proc = -1, program = -1;
    wanted[count++] = in[0], wanted[count++] = out[1], wanted[count++] = err[1], wanted[count++] = status[1];
    wanted[count++] = plan_file, wanted[count++] = ends[1];
    if (door != COLD) {
        must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control), "socketpair");
        proc = must(open("/proc", O_PATH | O_CLOEXEC), "/proc");
        program = must(open(watcher_path, O_PATH | O_CLOEXEC), watcher_path);
    }
    if (door == SETTLING) wanted[5] = control[1], wanted[count++] = proc, wanted[count++] = program;
    int first = count;
    for (int i = 0; i < group_count; i++)
        wanted[count++] = must(open(group_paths[i], O_WRONLY | O_CLOEXEC), group_paths[i]);
    if (door == WARM) {
        int null = must(open("/dev/null", O_RDWR | O_CLOEXEC), "/dev/null");
        int own[] = {null, err[1], err[1], -1, -1, control[1], proc, program};
        if (!user && !is_ahead) wanted[count++] = open_bundle();
        outcome->nursery = must(fork(), "fork");
        if (outcome->nursery == 0) be_nursery(own, 8);
        ask(control[0], wanted, count);
        close(null);
        // It ends when it has done what it was asked for.
        shutdown(control[0], SHUT_WR);
    } else {
        outcome->launcher = must(fork(), "fork");
        if (outcome->launcher == 0) be_launcher(wanted, count);
    }
    for (int i = first; i < count; i++) close(wanted[i]);
    if (door != COLD) close(control[1]), close(proc), close(program);
    close(in[0]), close(out[1]), close(err[1]), close(status[1]), close(ends[1]);

    int listener = -1;
    bool is_open = true, has_executed = false, says = true;
    long limit = milliseconds() + DEADLINE_MS;
    while (is_open || (says && !outcome->has_run)) {
        struct pollfd all[5] = {{.fd = is_open ? status[0] : -1, .events = POLLIN},
                                {.fd = listener < 0 && door != SETTLING ? ends[0] : -1, .events = POLLIN},
                                {.fd = listener, .events = POLLIN},
                                {.fd = says ? out[0] : -1, .events = POLLIN}};
        if (poll(all, 4, 1000) < 0) die("poll");
        if (milliseconds() > limit) {
            printf("FAULT: the launch hangs\n");
            failures++;
            kill(outcome->launcher, SIGKILL);
            break;
        }
        if (all[1].revents) {
            listener = receive_listener(ends[0]);
            if (listener < 0) shutdown(ends[0], SHUT_RD);
        }
        if (listener >= 0 && all[2].revents & POLLIN) answer(listener, &has_executed);
        if (all[3].revents) says = take_text(outcome->sight, out[0]);
        if (all[0].revents) take_report(outcome, status[0], &is_open);
        if (outcome->waits) hand_bundle_over(ends[0]);
        outcome->waits = false;
        outcome->has_run = strstr(outcome->sight, "\ndone\n");
        if (all[1].revents & POLLHUP && listener < 0) {
            // Nobody has the other end any more: no process is left that could speak.
            while (is_open) take_report(outcome, status[0], &is_open);
            break;
        }
    }
    if (outcome->has_run) {
        look(outcome->sight, "strategy", outcome->strategy);
        if (door != SETTLING) look(outcome->sight, "watcher", outcome->watcher);
    }
    close(in[1]);
    // Our end of the socket, the lifeline, stays open: all must end without it.
    reap(outcome, listener, &has_executed);
    fcntl(err[0], F_SETFL, O_NONBLOCK);
    while (take_text(outcome->errors, err[0])) {}
    forget_stacks(outcome->errors);
    if (listener >= 0) close(listener);
    close(out[0]), close(err[0]), close(status[0]), close(ends[0]);
    if (door != COLD) close(control[0]);
}

// ---- Judging ----

static void describe(const struct outcome *outcome) {
    static const char *const roles[] = {"", "nursery", "launcher", "watcher", "strategy"};
    static const char *const kinds[] = {"fails", "is interrupted", "is short"};
    printf("  the %s's call %d, %s (%ld), %s: %s\n", roles[faults->role], faults->number, faults->call, faults->which,
           kinds[faults->kind], strerror(faults->error));
    printf("  statuses: nursery %x, launcher %x, watcher %x, strategy %x, strangers %d; torn reports %d\n",
           outcome->nursery_status, outcome->launcher_status, outcome->watcher_status, outcome->strategy_status, outcome->strangers,
           outcome->torn);
    for (int i = 0; i < outcome->report_count; i++) {
        const struct confine_report *report = &outcome->reports[i];
        printf("  report: kind %u, %s, step %u, value %d, %s\n", report->kind,
               confine_operation_name(report->operation), report->step, report->value, report->detail);
    }
    if (outcome->errors[0]) printf("%s\n", outcome->errors);
}

static void expect(const struct outcome *outcome, bool holds, const char *what) {
    if (holds) return;
    failures++;
    printf("FAULT: %s\n", what);
    describe(outcome);
}

static const struct confine_report *failure_of(const struct outcome *outcome) {
    for (int i = 0; i < outcome->report_count; i++)
        if (outcome->reports[i].kind == CONFINE_STEP_FAILED || outcome->reports[i].kind == CONFINE_PLAN_REFUSED)
            return &outcome->reports[i];
    return NULL;
}

static bool has_exited(int status, int code) {
    return WIFEXITED(status) && WEXITSTATUS(status) == code;
}

static void expect_clean(const struct outcome *outcome, const char *reference) {
    expect(outcome, outcome->has_run, "the strategy does not run");
    expect(outcome, !failure_of(outcome) && !outcome->torn, "a failure was reported though the strategy runs");
    expect(outcome, has_exited(outcome->launcher_status, 0), "the launcher did not end in good order");
    expect(outcome, door == SETTLING || has_exited(outcome->watcher_status, 0), "the watcher did not end in good order");
    expect(outcome, has_exited(outcome->strategy_status, 42), "the strategy did not end as it should");
    expect(outcome, !outcome->errors[0], "something was said on standard error");
    if (reference && strcmp(reference, outcome->sight)) {
        expect(outcome, false, "the strategy runs, but behind other walls");
        printf("%s\n---- instead of\n%s\n", outcome->sight, reference);
    }
}

/// The one process of those launched in which the call failed.
static int status_of_failed(const struct outcome *outcome) {
    switch (faults->role) {
    case ROLE_NURSERY: return outcome->nursery_status;
    case ROLE_LAUNCHER: return outcome->launcher_status;
    case ROLE_WATCHER: return outcome->watcher_status;
    default: return outcome->strategy_status;
    }
}

/// Whether the call that failed was one to tell what happens. Nobody can be told of that.
static bool was_report(void) {
    // A nursery's launcher tells its number first of all, when the pipe is not in its place yet.
    bool is_first = door == WARM && faults->role == ROLE_LAUNCHER && faults->number == 1;
    return !strcmp(faults->call, "write") && (faults->which == CONFINE_FD_STATUS || is_first);
}

/// Calls that tell the kernel, or ask it, what a strategy can do without; and closing, which closes even when it fails.
static bool is_harmless(void) {
    if (!strcmp(faults->call, "close") || !strcmp(faults->call, "munmap")) return true;
    if (!strcmp(faults->call, "prctl")) return faults->which == PR_GET_TID_ADDRESS;
    return !strcmp(faults->call, "syscall") && (faults->which == SYS_get_robust_list ||
                                                faults->which == SYS_set_robust_list || faults->which == SYS_rseq);
}

static void judge(const struct outcome *outcome, const char *reference) {
    const struct confine_report *failure = failure_of(outcome);
    expect(outcome, !outcome->strangers || was_report(), "a process of which nobody was told");
    expect(outcome, !strstr(outcome->errors, "Sanitizer") && !strstr(outcome->errors, "runtime error"),
           "a sanitizer complains");
    // A nursery that cannot be asked any more ends. The supervisor sees that, and what it has asked for hang up; what was
    // made before lives on.
    if (faults->role == ROLE_NURSERY && !strcmp(faults->call, "recvmsg"))
        return expect(outcome, has_exited(outcome->nursery_status, 0), "the nursery did not end in good order");
    // Nor does one that has no network for the next strategy go on. The strategy that took the last one runs.
    if (faults->role == ROLE_NURSERY && !strcmp(faults->call, "unshare")) {
        expect(outcome, outcome->has_run && !failure, "the strategy does not run");
        return expect(outcome, has_exited(outcome->nursery_status, CONFINE_EXIT_FAILED), "the nursery did not end with 125");
    }
    // A call that was only interrupted is made again.
    if (faults->kind == FAULT_INTERRUPTED || is_harmless()) return expect_clean(outcome, reference);
    // The watcher and the launcher do their last things while the strategy goes its way behind all its walls, so that
    // it may have said its first words before it is ended for what they report.
    bool may_have_begun =
        faults->role == ROLE_WATCHER || was_report() || (failure && failure->operation == CONFINE_FORK);
    expect(outcome, !outcome->has_run || may_have_begun, "a call that failed went unnoticed");
    int status = status_of_failed(outcome);
    if (faults->role == ROLE_NURSERY) expect(outcome, has_exited(status, 0), "the nursery did not end in good order");
    else expect(outcome, status == -1 ? was_report() : has_exited(status, CONFINE_EXIT_FAILED),
                "the process whose call failed did not end with 125");
    if (was_report()) return;
    // The watcher's last: by then the strategy runs, and all that can be done is to end it.
    if (faults->role == ROLE_WATCHER && !strcmp(faults->call, "poll")) return;
    // Nothing can be said before the descriptors are known to be a supervisor's.
    if (faults->role == ROLE_LAUNCHER && !strcmp(faults->call, "fstat"))
        return expect(outcome, outcome->errors[0], "nothing was said at all");
    expect(outcome, failure, "the failure was not reported");
    if (!failure) return;
    // Half a word to a control file may be an error of its own to the kernel.
    expect(outcome, failure->value == faults->error || (faults->kind == FAULT_SHORT && failure->value == EINVAL),
           "another error was reported");
    if (faults->role == ROLE_WATCHER) expect(outcome, failure->operation == CONFINE_ENTER, "another step was named");
}

/// The watcher of a nursery's strategy makes its calls without the C library. For each there is a watcher in which it
/// fails.
static int try_watchers(struct outcome *outcome, const char *reference) {
    enum { CLOSES = 8, WAITS = 9, WATCHER_CALLS = 9 };
    char path[512];
    const char *whole = watcher_path;
    watcher_path = path;
    for (int number = 1; number <= WATCHER_CALLS + 1; number++) {
        snprintf(path, sizeof path, "%s-%d", whole, number);
        *faults = (struct faults){.role = ROLE_WATCHER, .number = number, .error = EIO, .call = "raw"};
        launch(outcome);
        const struct confine_report *failure = failure_of(outcome);
        // By the time it waits the strategy runs, and all that can be done is to end it.
        if (number == WAITS) expect(outcome, has_exited(outcome->watcher_status, 0), "the watcher did not end");
        else if (number == CLOSES || number > WATCHER_CALLS) expect_clean(outcome, reference);
        else {
            expect(outcome, has_exited(outcome->watcher_status, CONFINE_EXIT_FAILED), "the watcher did not end with 125");
            expect(outcome, failure && failure->value == EIO && failure->operation == CONFINE_ENTER,
                   "the watcher's failure was not reported");
        }
    }
    watcher_path = whole;
    printf("watcher: %d calls made to fail\n", WATCHER_CALLS);
    return WATCHER_CALLS;
}

// ---- What is opened for a nursery of lent ids ----

/// A user namespace as newuidmap makes it: the supervisor's own user is 0 in it, and the lent ones are 1, 2 and so on.
static int lent_users(void) {
    static const char map[] = "0 0 1\n1 50000 16\n";
    int go[2];
    char path[64], word;
    if (pipe2(go, O_CLOEXEC)) die("pipe");
    pid_t holder = must(fork(), "fork");
    if (holder == 0) {
        close(go[0]);
        must(unshare(CLONE_NEWUSER), "unshare");
        if (write(go[1], "u", 1) != 1) die("pipe");
        pause();
        _exit(0);
    }
    close(go[1]);
    if (read(go[0], &word, 1) != 1) die("lent users");
    close(go[0]);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", holder, i ? "uid_map" : "gid_map");
        write_own(path, map);
    }
    snprintf(path, sizeof path, "/proc/%d/ns/user", holder);
    int users = must(open(path, O_RDONLY | O_CLOEXEC), path);
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
    return users;
}

/// Has it all opened by a process of its own, and says what came. Returns how that process ended.
static int open_all(int users, char **words, int count, char *sight, char *errors) {
    int ends[2], err[2], received[CONFINE_FD_LIMIT], status;
    sight[0] = errors[0] = 0;
    memset(faults->count, 0, sizeof faults->count);
    faults->hit = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) || pipe2(err, O_CLOEXEC)) die("socketpair");
    pid_t opener = must(fork(), "fork");
    if (opener == 0) {
        keep_descriptors((int[]){ends[1], users, err[1]}, 3);
        role = ROLE_LAUNCHER;
        _exit(confine_main(count, words));
    }
    close(ends[1]), close(err[1]);
    must(waitpid(opener, &status, 0), "waitpid");
    int all = receive(ends[0], received);
    for (int i = 0; i < all; i++) {
        char path[64], name[512] = "";
        struct statvfs system;
        snprintf(path, sizeof path, "/proc/self/fd/%d", received[i]);
        if (readlink(path, name, sizeof name - 1) < 0 || fstatvfs(received[i], &system) < 0) die(path);
        add(sight, "%s, opened with %o, mounted with %lx\n", name, fcntl(received[i], F_GETFL), system.f_flag);
        close(received[i]);
    }
    if (receive(ends[0], received) > 0) add(sight, "and more\n");
    while (take_text(errors, err[0])) {}
    close(ends[0]), close(err[0]);
    return status;
}

/// Makes each call of that process fail: it says which error, with its end, and hands nothing over.
static int try_opening(char **files, int count) {
    static char sight[TEXT], reference[TEXT], errors[TEXT];
    char attributes[24];
    snprintf(attributes, sizeof attributes, "%d", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    char *words[CONFINE_FD_LIMIT] = {"confine", "open", "3", attributes, (char *)(uintptr_t)bundle};
    int last = 5, total = 0, users = lent_users();
    while (count-- > 0 && last < CONFINE_FD_LIMIT - 1) words[last++] = *files++;
    *faults = (struct faults){0};
    int status = open_all(users, words, last, reference, errors);
    if (!has_exited(status, 0) || !reference[0] || errors[0]) {
        printf("FAULT: nothing failed, and it ended with %x: %s%s\n", status, reference, errors);
        failures++;
    }
    if (getenv("HARNESS_SHOW")) printf("%s", reference);
    static const int numbers[] = {EIO, EINTR, EIO};
    for (int kind = 0; kind < FAULT_KINDS && !failures; kind++) {
        int number = 0;
        do {
            *faults = (struct faults){.role = ROLE_LAUNCHER, .kind = kind, .number = ++number, .error = numbers[kind]};
            status = open_all(users, words, last, sight, errors);
            bool is_clean = has_exited(status, 0) && !strcmp(sight, reference);
            // It tells no error: then the files are not to be opened.
            bool is_told = has_exited(status, faults->which == SYS_setfsuid ? EACCES : faults->error) && !sight[0];
            bool holds = faults->hit && kind == FAULT_FAILS ? is_told : is_clean;
            if (!holds || errors[0]) {
                printf("FAULT: call %d, %s (%ld), kind %d: it ended with %x: %s%s\n", number, faults->call,
                       faults->which, kind, status, sight, errors);
                failures++;
            }
        } while (faults->hit && failures < 10);
        total += number - 1;
    }
    close(users);
    return total;
}

/// A plan's file as the supervisor hands it over.
static int seal(const char *path) {
    char bytes[CONFINE_MAX_BYTES];
    int file = must(open(path, O_RDONLY | O_CLOEXEC), path);
    ssize_t length = must((int)read(file, bytes, sizeof bytes), path);
    close(file);
    int sealed = must(memfd_create("plan", MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create");
    if (write(sealed, bytes, (size_t)length) != length) die("plan");
    must(fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), "F_ADD_SEALS");
    return sealed;
}

int main(int count, char **arguments) {
    faults = mmap(NULL, sizeof *faults, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (faults == MAP_FAILED) die("mmap");
    char **left = arguments + 1, **end = arguments + count;
    bool opens = false;
    for (; left < end && !strncmp(*left, "--", 2); left++) {
        if (!strcmp(*left, "--user") && left + 1 < end) {
            user = (uid_t)atoi(*++left);
        } else if ((!strcmp(*left, "--nursery") || !strcmp(*left, "--ready")) && left + 3 < end) {
            door = WARM;
            is_ahead = !strcmp(*left, "--ready");
            nursery_root = *++left, bundle = *++left, watcher_path = *++left;
        } else if (!strcmp(*left, "--settle") && left + 1 < end) {
            door = SETTLING;
            watcher_path = *++left;
        } else if (!strcmp(*left, "--open") && left + 1 < end) {
            bundle = *++left;
            opens = true;
        }
    }
    if (left == end) {
        fprintf(stderr, "usage: harness [--user ID] [--nursery | --ready ROOT BUNDLE WATCHER | --settle WATCHER] PLAN "
                        "[cgroup.procs...]\n       harness --open BUNDLE FILE...\n");
        return 2;
    }
    if (opens) {
        static char before[TEXT], after[TEXT];
        own_mounts(before);
        int open = open_descriptors();
        int faults_made = try_opening(left, (int)(end - left));
        own_mounts(after);
        if (strcmp(before, after) || open != open_descriptors()) {
            printf("FAULT: mounts or descriptors were left behind\n");
            failures++;
        }
        printf("%d faults, %d failures\n", faults_made, failures);
        return failures ? 1 : 0;
    }
    plan_file = seal(*left++);
    for (; left < end && group_count < CONFINE_FD_LIMIT - CONFINE_FD_FREE; left++) group_paths[group_count++] = *left;
    // Dumpable, as any user's own program is: the maps of its children are its own to write.
    if (user && (setgroups(0, NULL) || setresgid(user, user, user) || setresuid(user, user, user) ||
                 prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)))
        die("become user");
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);

    static struct outcome outcome;
    static char reference[TEXT], mounts[TEXT], mounts_after[TEXT];
    own_mounts(mounts);
    int descriptors = open_descriptors();
    launch(&outcome);
    expect_clean(&outcome, NULL);
    memcpy(reference, outcome.sight, sizeof reference);
    launch(&outcome);
    expect_clean(&outcome, reference);
    if (failures) return 1;
    if (getenv("HARNESS_SHOW")) printf("%s", reference);

    static const char *const names[] = {"", "nursery", "launcher", "watcher", "strategy"};
    static const int errors[] = {EIO, EINTR, EIO};
    int total = 0;
    for (int kind = 0; kind < FAULT_KINDS; kind++) {
        for (enum role who = ROLE_NURSERY; who < ROLES; who++) {
            int number = 0;
            do {
                *faults = (struct faults){.role = who, .kind = kind, .number = ++number, .error = errors[kind]};
                launch(&outcome);
                if (faults->hit) judge(&outcome, reference);
                else expect_clean(&outcome, reference);
                if (failures > 10) return 1;
            } while (faults->hit);
            printf("%s: %d calls made to %s\n", names[who], number - 1,
                   kind == FAULT_FAILS ? "fail" : kind == FAULT_INTERRUPTED ? "be interrupted" : "be short");
            total += number - 1;
        }
    }
    if (door == WARM) total += try_watchers(&outcome, reference);
    own_mounts(mounts_after);
    expect(&outcome, !strcmp(mounts, mounts_after), "mounts were left behind");
    expect(&outcome, descriptors == open_descriptors(), "descriptors were left behind");
    printf("%d faults, %d failures\n", total, failures);
    return failures ? 1 : 0;
}

#include "launch.h"
#include "descriptors.h"
#include "faults.h"
#include "nursery.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int witness_main(void);

// The interpreter's part in a nursery.
void PyOS_BeforeFork(void) {}
void PyOS_AfterFork_Child(void) {}

#define DEADLINE_MS 20000

enum door door;
const char *nursery_root, *bundle, *watcher_path;
const char *group_paths[CONFINE_FD_LIMIT];
int group_count, plan_file, failures;
bool is_ahead;
uid_t user;

int must(int value, const char *what) {
    if (value < 0) die(what);
    return value;
}

static long milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void keep_descriptors(const int *wanted, int count) {
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

void write_own(const char *name, const char *text) {
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
    if (confine_send_descriptors(control, &request, sizeof request, descriptors, (size_t)count, MSG_NOSIGNAL) < 0)
        die("request");
}

int receive(int socket, int *into) {
    char word;
    return (int)confine_take_descriptors(socket, &word, 1, into, CONFINE_FD_LIMIT, MSG_DONTWAIT).count;
}

static int receive_listener(int socket) {
    int received[CONFINE_FD_LIMIT];
    return receive(socket, received) == 1 ? received[0] : -1;
}

/// Tells a strategy that was made ahead whose it is.
static void hand_bundle_over(int socket) {
    char word = 't';
    int tree = open_bundle();
    // One that has ended meanwhile takes nothing.
    int outcome = confine_send_descriptors(socket, &word, 1, &tree, 1, MSG_NOSIGNAL);
    if (outcome < 0 && outcome != -EPIPE && outcome != -ECONNRESET) die("sendmsg");
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

bool take_text(char *text, int from) {
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

void launch(struct outcome *outcome) {
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
        look(outcome->sight, "strategy", outcome->strategy, door != SETTLING);
        if (door != SETTLING) look(outcome->sight, "watcher", outcome->watcher, true);
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

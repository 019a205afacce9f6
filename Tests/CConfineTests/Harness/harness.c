#include <stdarg.h>
#include <stdbool.h>
#include "confine.h"
#include "faults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/// Plays the supervisor to the launcher, with one plan: once with nothing failing, then once for each system call of
/// each process, which fails. After each launch there must be one of two things: the strategy behind all its walls, or
/// a report of what failed; and nothing left behind.
///
/// Usage: harness [--user ID] PLAN [cgroup.procs…]

int confine_main(int count, char **arguments);

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
    pid_t launcher, watcher, strategy;
    /// -1: there was none, or nobody knows its number.
    int launcher_status, watcher_status, strategy_status;
    int strangers;
    bool has_run;
};

static const char *group_paths[CONFINE_FD_LIMIT];
static int group_count;
static int plan_file;
static int failures;

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
        add(text, "inner pid%.*s\n", inner ? (int)(end - inner) : 0, inner ? inner : "");
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

/// Becomes the launcher, with exactly the descriptors that it is to have.
static _Noreturn void be_launcher(const int *wanted, int count) {
    int high[CONFINE_FD_LIMIT];
    setsid();
    for (int i = 0; i < count; i++) high[i] = must(fcntl(wanted[i], F_DUPFD, 100), "F_DUPFD");
    for (int i = 0; i < count; i++) must(dup2(high[i], i), "dup2");
    syscall(SYS_close_range, count, ~0u, 0);
    signal(SIGPIPE, SIG_DFL);
    role = ROLE_LAUNCHER;
    int status = confine_main(1, (char *[]){"confine", NULL});
    _exit(status);
}

static int receive_listener(int socket) {
    char word;
    struct iovec data = {.iov_base = &word, .iov_len = 1};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) <= 0 || !CMSG_FIRSTHDR(&message)) return -1;
    int listener;
    memcpy(&listener, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof listener);
    return listener;
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
        if (report.kind == CONFINE_WATCHER_STARTED) outcome->watcher = report.value;
        if (report.kind == CONFINE_STRATEGY_STARTED) outcome->strategy = report.value;
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
            if (pid == outcome->launcher) outcome->launcher_status = status;
            else if (pid == outcome->watcher) outcome->watcher_status = status;
            else if (pid == outcome->strategy) outcome->strategy_status = status;
            else outcome->strangers++;
            continue;
        }
        if (milliseconds() > limit) {
            printf("FAULT: a process was left behind\n");
            failures++;
            kill(-1 * outcome->launcher, SIGKILL);
            if (outcome->watcher > 0) kill(outcome->watcher, SIGKILL);
            if (outcome->strategy > 0) kill(outcome->strategy, SIGKILL);
            limit += DEADLINE_MS;
        }
        struct pollfd one = {.fd = listener, .events = POLLIN};
        if (listener >= 0 && poll(&one, 1, 0) == 1 && one.revents & POLLIN) answer(listener, has_executed);
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    }
}

static void launch(struct outcome *outcome) {
    *outcome = (struct outcome){.launcher_status = -1, .watcher_status = -1, .strategy_status = -1};
    memset(faults->count, 0, sizeof faults->count);
    faults->hit = 0;
    int in[2], out[2], err[2], status[2], ends[2], wanted[CONFINE_FD_LIMIT];
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC) || pipe2(status, O_CLOEXEC) ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        die("pipe");
    int count = 0;
    wanted[count++] = in[0], wanted[count++] = out[1], wanted[count++] = err[1], wanted[count++] = status[1];
    wanted[count++] = plan_file, wanted[count++] = ends[1];
    for (int i = 0; i < group_count; i++)
        wanted[count++] = must(open(group_paths[i], O_WRONLY | O_CLOEXEC), group_paths[i]);
    outcome->launcher = must(fork(), "fork");
    if (outcome->launcher == 0) be_launcher(wanted, count);
    for (int i = 6; i < count; i++) close(wanted[i]);
    close(in[0]), close(out[1]), close(err[1]), close(status[1]), close(ends[1]);

    int listener = -1;
    bool is_open = true, has_executed = false, says = true;
    long limit = milliseconds() + DEADLINE_MS;
    while (is_open || (says && !outcome->has_run)) {
        struct pollfd all[5] = {{.fd = is_open ? status[0] : -1, .events = POLLIN},
                                {.fd = listener < 0 ? ends[0] : -1, .events = POLLIN},
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
        outcome->has_run = strstr(outcome->sight, "\ndone\n");
        if (all[1].revents & POLLHUP && listener < 0) {
            // Nobody has the other end any more: no process is left that could speak.
            while (is_open) take_report(outcome, status[0], &is_open);
            break;
        }
    }
    if (outcome->has_run) {
        look(outcome->sight, "strategy", outcome->strategy);
        look(outcome->sight, "watcher", outcome->watcher);
    }
    close(in[1]);
    // Our end of the socket, the lifeline, stays open: all must end without it.
    reap(outcome, listener, &has_executed);
    fcntl(err[0], F_SETFL, O_NONBLOCK);
    while (take_text(outcome->errors, err[0])) {}
    if (listener >= 0) close(listener);
    close(out[0]), close(err[0]), close(status[0]), close(ends[0]);
}

// ---- Judging ----

static void describe(const struct outcome *outcome) {
    static const char *const roles[] = {"", "launcher", "watcher", "strategy"};
    static const char *const kinds[] = {"fails", "is interrupted", "is short"};
    printf("  the %s's call %d, %s (%ld), %s: %s\n", roles[faults->role], faults->number, faults->call, faults->which,
           kinds[faults->kind], strerror(faults->error));
    printf("  statuses: launcher %x, watcher %x, strategy %x, strangers %d; torn reports %d\n",
           outcome->launcher_status, outcome->watcher_status, outcome->strategy_status, outcome->strangers,
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
    expect(outcome, has_exited(outcome->watcher_status, 0), "the watcher did not end in good order");
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
    case ROLE_LAUNCHER: return outcome->launcher_status;
    case ROLE_WATCHER: return outcome->watcher_status;
    default: return outcome->strategy_status;
    }
}

/// Whether the call that failed was one to tell what happens. Nobody can be told of that.
static bool was_report(void) {
    return !strcmp(faults->call, "write") && faults->which == CONFINE_FD_STATUS;
}

static void judge(const struct outcome *outcome, const char *reference) {
    const struct confine_report *failure = failure_of(outcome);
    expect(outcome, !outcome->strangers || was_report(), "a process of which nobody was told");
    expect(outcome, !strstr(outcome->errors, "Sanitizer") && !strstr(outcome->errors, "runtime error"),
           "a sanitizer complains");
    // A call that was only interrupted is made again, and a descriptor that is said not to close is closed.
    if (faults->kind == FAULT_INTERRUPTED || !strcmp(faults->call, "close")) return expect_clean(outcome, reference);
    // The watcher and the launcher do their last things while the strategy goes its way behind all its walls, so that
    // it may have said its first words before it is ended for what they report.
    bool may_have_begun = faults->role == ROLE_WATCHER || (failure && failure->operation == CONFINE_FORK);
    expect(outcome, !outcome->has_run || may_have_begun, "a call that failed went unnoticed");
    int status = status_of_failed(outcome);
    expect(outcome, status == -1 ? was_report() : has_exited(status, CONFINE_EXIT_FAILED),
           "the process whose call failed did not end with 125");
    if (was_report()) return;
    // The watcher's last: by then the strategy runs, and all that can be done is to end it.
    if (faults->role == ROLE_WATCHER && !strcmp(faults->call, "poll")) return;
    // Nothing can be said before the descriptors are known to be a supervisor's.
    if (!strcmp(faults->call, "fstat")) return expect(outcome, outcome->errors[0], "nothing was said at all");
    expect(outcome, failure, "the failure was not reported");
    if (!failure) return;
    // Half a word to a control file may be an error of its own to the kernel.
    expect(outcome, failure->value == faults->error || (faults->kind == FAULT_SHORT && failure->value == EINVAL),
           "another error was reported");
    if (faults->role == ROLE_WATCHER) expect(outcome, failure->operation == CONFINE_ENTER, "another step was named");
}

int main(int count, char **arguments) {
    int first = 1;
    faults = mmap(NULL, sizeof *faults, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (faults == MAP_FAILED) die("mmap");
    plan_file = -1;
    if (count > 2 && !strcmp(arguments[1], "--user")) {
        uid_t user = (uid_t)atoi(arguments[2]);
        plan_file = must(open(arguments[3], O_RDONLY | O_CLOEXEC), arguments[3]);
        // Dumpable, as any user's own program is: the maps of its children are its own to write.
        if (setgroups(0, NULL) || setresgid(user, user, user) || setresuid(user, user, user) ||
            prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
            die("become user");
        first = 3;
    }
    if (first >= count) {
        fprintf(stderr, "usage: harness [--user ID] PLAN [cgroup.procs...]\n");
        return 2;
    }
    if (plan_file < 0) plan_file = must(open(arguments[first], O_RDONLY | O_CLOEXEC), arguments[first]);
    for (int i = first + 1; i < count && group_count < CONFINE_FD_LIMIT - CONFINE_FD_FREE; i++)
        group_paths[group_count++] = arguments[i];
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

    static const char *const names[] = {"", "launcher", "watcher", "strategy"};
    static const int errors[] = {EIO, EINTR, EIO};
    int total = 0;
    for (int kind = 0; kind < FAULT_KINDS; kind++) {
        for (enum role who = ROLE_LAUNCHER; who < ROLES; who++) {
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
    own_mounts(mounts_after);
    expect(&outcome, !strcmp(mounts, mounts_after), "mounts were left behind");
    expect(&outcome, descriptors == open_descriptors(), "descriptors were left behind");
    printf("%d faults, %d failures\n", total, failures);
    return failures ? 1 : 0;
}

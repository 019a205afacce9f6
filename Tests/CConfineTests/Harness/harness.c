#include "faults.h"
#include "launch.h"
#include "opening.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
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

const char *__asan_default_options(void) {
    return "exitcode=99:detect_leaks=0:allocator_may_return_null=1";
}

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

#include "faults.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>

struct faults *faults;
enum role role = ROLE_NONE;

/// Whether this call is the one that fails.
static int is_hit(const char *name, long which) {
    if (role == ROLE_NONE || !faults) return 0;
    // The processes of one launch are counted apart, so nobody else writes here.
    int number = ++faults->count[role];
    if (role != faults->role || number != faults->number) return 0;
    strncpy(faults->call, name, sizeof faults->call - 1);
    faults->which = which;
    faults->hit = 1;
    return 1;
}

static int waits(const char *name) {
    return !strcmp(name, "read") || !strcmp(name, "write") || !strcmp(name, "poll") || !strcmp(name, "sendmsg") ||
           !strcmp(name, "recvmsg") || !strcmp(name, "close");
}

// All arguments that any of them takes are words, passed in registers; what is more than a call takes is ignored.
#define WRAP(name)                                                                                                     \
    long __real_##name(long, long, long, long, long, long);                                                            \
    long __wrap_##name(long a, long b, long c, long d, long e, long f) {                                               \
        if (role != ROLE_NONE) {                                                                                       \
            int kind = faults->kind;                                                                                   \
            if (kind == FAULT_FAILS ? is_hit(#name, a)                                                                \
                : kind == FAULT_INTERRUPTED ? waits(#name) && is_hit(#name, a)                                        \
                : !strcmp(#name, "write") && c > 1 && is_hit(#name, a)) {                                             \
                if (kind == FAULT_SHORT) return __real_##name(a, b, c - 1, d, e, f);                                   \
                /* Linux closes a descriptor even when it says that it could not. */                                  \
                if (!strcmp(#name, "close")) __real_##name(a, b, c, d, e, f);                                          \
                errno = kind == FAULT_INTERRUPTED ? EINTR : faults->error;                                             \
                return -1;                                                                                             \
            }                                                                                                          \
        }                                                                                                              \
        return __real_##name(a, b, c, d, e, f);                                                                        \
    }

#include "calls.h"

long __real_syscall(long, long, long, long, long, long, long);

long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f) {
    if (role == ROLE_NONE) return __real_syscall(number, a, b, c, d, e, f);
    if (faults->kind == FAULT_FAILS && is_hit("syscall", number)) {
        errno = faults->error;
        return -1;
    }
    long value = __real_syscall(number, a, b, c, d, e, f);
    if (number == SYS_clone && value == 0) role = a & CLONE_NEWPID ? ROLE_WATCHER : ROLE_STRATEGY;
    return value;
}

int __real_clone(int (*)(void *), void *, int, void *);

/// A process that shares our memory, `role` in it, while we stand still.
struct guest {
    int (*run)(void *);
    void *argument;
    enum role role;
};

static int be_guest(void *argument) {
    const struct guest *guest = argument;
    role = guest->role;
    return guest->run(guest->argument);
}

int __wrap_clone(int (*run)(void *), void *stack, int flags, void *argument) {
    if (role == ROLE_NONE) return __real_clone(run, stack, flags, argument);
    if (faults->kind == FAULT_FAILS && is_hit("clone", 0)) {
        errno = faults->error;
        return -1;
    }
    enum role own = role;
    struct guest guest = {run, argument, flags & CLONE_NEWPID ? ROLE_WATCHER : ROLE_LAUNCHER};
    int child = __real_clone(be_guest, stack, flags, &guest);
    role = own;
    return child;
}

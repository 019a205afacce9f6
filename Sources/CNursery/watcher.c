#include "confine.h"

#include <linux/prctl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>

/// Process 1 of a pid namespace that a nursery has made: it waits for the end of process 2, the strategy, or of the
/// supervisor, and ends, which takes the namespace with it (confine.h says why there is one).
///
/// 0 is a pipe that says go when the strategy is there, 1 a socket whose other end the supervisor alone holds, 3 the status
/// pipe. There is one of these for each strategy, so it is a page or two, and goes without the C library.

#ifdef __x86_64__
static long call(long number, long a, long b, long c, long d, long e) {
    long value;
    register long fourth __asm__("r10") = d;
    register long fifth __asm__("r8") = e;
    __asm__ volatile("syscall" : "=a"(value) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth)
                     : "rcx", "r11", "memory");
    return value;
}
#else
static long call(long number, long a, long b, long c, long d, long e) {
    register long eighth __asm__("x8") = number;
    register long value __asm__("x0") = a;
    register long second __asm__("x1") = b, third __asm__("x2") = c, fourth __asm__("x3") = d, fifth __asm__("x4") = e;
    __asm__ volatile("svc 0" : "+r"(value) : "r"(eighth), "r"(second), "r"(third), "r"(fourth), "r"(fifth) : "memory");
    return value;
}
#endif

/// Before the strategy counts as started: a plan's ENTER has failed.
static struct confine_report failure = {
    .kind = CONFINE_STEP_FAILED, .operation = CONFINE_ENTER, .detail = "watcher"};

_Noreturn static void leave(int status) {
    for (;;) call(SYS_exit_group, status, 0, 0, 0, 0);
}

/// `outcome`, unless it is an error, which is told and ends the watcher.
static long check(long outcome) {
    if (outcome >= 0) return outcome;
    failure.value = (int32_t)-outcome;
    call(SYS_write, CONFINE_FD_STATUS, (long)&failure, sizeof failure, 0, 0);
    leave(CONFINE_EXIT_FAILED);
}

_Noreturn void _start(void) {
    char word;
    // It was executed as a user that its namespace does not know, and so has no capabilities, nor ever will. SIGCHLD is
    // ignored already: orphans of the strategy, if its profile lets it have any, are reaped by the kernel.
    check(call(SYS_close_range, 2, 2, 0, 0, 0));
    check(call(SYS_close_range, CONFINE_FD_STATUS + 1, ~0u, 0, 0, 0));
    check(call(SYS_prctl, PR_SET_NAME, (long)"watcher", 0, 0, 0));
    check(call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    check(call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
    // Nothing: the launcher has ended without making the strategy, and has said why.
    if (check(call(SYS_read, 0, (long)&word, 1, 0, 0)) != 1) leave(CONFINE_EXIT_FAILED);
    int strategy = (int)check(call(SYS_pidfd_open, 2, 0, 0, 0, 0));
    call(SYS_close, CONFINE_FD_STATUS, 0, 0, 0, 0);
    // The socket's end shows the supervisor's, whatever became of parent-death signals, which are lost when the parent
    // dies before they are set.
    struct pollfd ends[2] = {{.fd = strategy, .events = POLLIN}, {.fd = 1}};
    while (call(SYS_ppoll, (long)ends, 2, 0, 0, 0) == -4 /* EINTR */) {}
    leave(0);
}

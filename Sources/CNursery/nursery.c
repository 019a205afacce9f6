#include "nursery.h"

#include "confine.h"
#include "../CConfine/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// Of the interpreter (Python/C API, "Operating System Utilities"), which nobody needs the headers of for these.
extern void PyOS_BeforeFork(void);
extern void PyOS_AfterFork_Child(void);

// Of the C library, since its version 2.35.
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

/// A launcher's stack, and before it one for the first moments of a watcher.
#define LAUNCHER_STACK (128u << 10)
#define WATCHER_STACK (16u << 10)

/// The gaps of the heap that are filled: malloc takes its own pages for what is larger, and has none that are smaller.
#define LARGEST_GAP (96u << 10)
#define SMALLEST_GAP 16u

/// From here on the launcher's descriptors are lifted while they are put in order.
#define LIFTED 64

/// One request being carried out. It lies on the launcher's own pages, which the strategy gives back: whatever the
/// nursery writes to its lasting pages becomes a page of its own in every strategy.
struct start {
    int descriptors[CONFINE_FD_LIMIT];
    uint32_t count;
    const uint8_t *plan;
    size_t length;
    void *area;
    struct confine_nursery nursery;
    struct nursery_child child;
    jmp_buf back;
};

/// The pages of the strategy's launcher and plan, in the strategy's process.
static struct start *current;
/// Where the kernel writes the number of this thread at a fork; NULL when the kernel does not tell.
static void *thread;
static void *robust_list;
static size_t robust_length;

static int result(long value) {
    return value < 0 ? -errno : (int)value;
}

int nursery_ready(const char *words) {
    return result(send(CONFINE_FD_CONTROL, words, strlen(words), MSG_NOSIGNAL)) < 0 ? -errno : 0;
}

/// Takes one request. Returns how many descriptors came with it, 0 for a request that is none, or -errno.
static int receive(int *descriptors) {
    struct confine_request request = {0};
    struct confine_arrival arrival =
        confine_take_descriptors(CONFINE_FD_CONTROL, &request, sizeof request, descriptors, CONFINE_FD_LIMIT, 0);
    if (arrival.length < 0) return (int)arrival.length;
    if (arrival.length == 0 && arrival.count == 0) return -EPIPE;
    bool is_whole = arrival.length == sizeof request && !(arrival.flags & (MSG_TRUNC | MSG_CTRUNC));
    if (is_whole && request.magic == CONFINE_REQUEST_MAGIC && request.descriptors == arrival.count &&
        arrival.count > CONFINE_FD_LISTENER)
        return (int)arrival.count;
    for (size_t i = 0; i < arrival.count; i++) close(descriptors[i]);
    return 0;
}

/// Writes a report whole, or returns false.
static bool report(int status, const struct confine_report *report) {
    ssize_t written;
    do written = write(status, report, sizeof *report);
    while (written < 0 && errno == EINTR);
    return written == sizeof *report;
}

/// Tells the supervisor through a request's own status pipe that it comes to nothing. An end of that pipe without a word
/// says so too.
static void refuse(int status, const char *what, int error) {
    struct confine_report failure = {.kind = CONFINE_STEP_FAILED, .value = error};
    memcpy(failure.detail, what, strlen(what));
    report(status, &failure);
}

/// Shows the plan, if nobody can change it any more. Returns NULL with errno else.
static const uint8_t *map_plan(int file, size_t *length) {
    const int wanted = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
    struct stat status;
    int seals = fcntl(file, F_GET_SEALS);
    if (seals < 0 || fstat(file, &status) < 0) return NULL;
    if ((seals & wanted) != wanted || status.st_size <= 0 || status.st_size > CONFINE_MAX_BYTES) {
        errno = EINVAL;
        return NULL;
    }
    *length = (size_t)status.st_size;
    const uint8_t *plan = mmap(NULL, *length, PROT_READ, MAP_PRIVATE, file, 0);
    return plan == MAP_FAILED ? NULL : plan;
}

/// Comes back to nursery_serve in the strategy's process, on the interpreter's own stack, which is as it was.
static void leave(void *context, const uint8_t *arguments, uint32_t arguments_length, const uint8_t *environment,
                  uint32_t environment_length) {
    struct start *start = context;
    start->child = (struct nursery_child){.arguments = arguments, .environment = environment,
                                          .arguments_length = arguments_length,
                                          .environment_length = environment_length};
    longjmp(start->back, 1);
}

/// The launcher of one strategy. It shares the nursery's memory, but nothing else; the nursery stands still until this
/// process has ended.
static int launch(void *argument) {
    struct start *start = argument;
    int lifted[CONFINE_FD_LIMIT];
    int status = start->descriptors[CONFINE_FD_STATUS];
    // Before anything can fail: the supervisor reaps it.
    if (!report(status, &(struct confine_report){.kind = CONFINE_LAUNCHER_STARTED, .value = getpid()}))
        _exit(CONFINE_EXIT_FAILED);
    bool is_placed = true;
    for (uint32_t i = 0; i < start->count && is_placed; i++) {
        lifted[i] = fcntl(start->descriptors[i], F_DUPFD_CLOEXEC, LIFTED);
        is_placed = lifted[i] >= 0;
        if (is_placed && i == CONFINE_FD_STATUS) status = lifted[i];
    }
    // What the nursery keeps is in the way, and is still needed here.
    if (is_placed) {
        start->nursery.proc = fcntl(CONFINE_FD_PROC, F_DUPFD_CLOEXEC, LIFTED);
        start->nursery.program = fcntl(CONFINE_FD_PROGRAM, F_DUPFD_CLOEXEC, LIFTED);
        is_placed = start->nursery.proc >= 0 && start->nursery.program >= 0;
    }
    for (uint32_t i = 0; i < start->count && is_placed; i++) is_placed = dup2(lifted[i], (int)i) >= 0;
    if (!is_placed) {
        refuse(status, "descriptors", errno);
        _exit(CONFINE_EXIT_FAILED);
    }
    // As the launcher program does: not to outlive the supervisor.
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) confine_give_up("parent-death signal");
    struct pollfd pipe = {.fd = CONFINE_FD_STATUS};
    int count;
    do count = poll(&pipe, 1, 0);
    while (count < 0 && errno == EINTR);
    if (count < 0) confine_give_up("status pipe");
    if (pipe.revents & POLLERR) _exit(CONFINE_EXIT_FAILED);
    confine_run(start->plan, start->length, &start->nursery);
}

/// What the C library's own fork would have told the kernel.
static void register_thread(void) {
    const uint32_t signature = 0x53053053;
    if (&__rseq_size && __rseq_size)
        syscall(SYS_rseq, (char *)__builtin_thread_pointer() + __rseq_offset, 32, 0, signature);
    if (robust_list) syscall(SYS_set_robust_list, robust_list, robust_length);
}

/// Carries out one request. Returns true in the strategy's process.
static bool start_strategy(const int *descriptors, uint32_t count) {
    size_t length;
    const uint8_t *plan = map_plan(descriptors[CONFINE_FD_PLAN], &length);
    if (!plan) {
        refuse(descriptors[CONFINE_FD_STATUS], "plan", errno);
        return false;
    }
    size_t size = sizeof(struct start) + WATCHER_STACK + LAUNCHER_STACK;
    char *area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area != MAP_FAILED) {
        struct start *start = (struct start *)area;
        memcpy(start->descriptors, descriptors, count * sizeof(int));
        start->count = count;
        start->plan = plan;
        start->length = length;
        start->nursery.stack = area + size - LAUNCHER_STACK;
        start->nursery.thread = thread;
        start->nursery.leave = leave;
        start->nursery.context = start;
        if (setjmp(start->back)) {
            current = (struct start *)area;
            return true;
        }
        // The supervisor is its parent, and so the parent of all that it makes with CLONE_PARENT.
        if (clone(launch, area + size, CLONE_VM | CLONE_VFORK | CLONE_PARENT | SIGCHLD, start) < 0)
            refuse(descriptors[CONFINE_FD_STATUS], "launcher", errno);
        munmap(area, size);
    } else {
        refuse(descriptors[CONFINE_FD_STATUS], "memory", errno);
    }
    munmap((void *)plan, length);
    return false;
}

void nursery_fill_gaps(void) {
    // What lies beyond the last piece in use has never been shared.
    const char *end = (const char *)sbrk(0) - mallinfo2().keepcost;
    for (size_t size = LARGEST_GAP; size >= SMALLEST_GAP; size -= SMALLEST_GAP) {
        for (;;) {
            // Kept for good, so that nothing is put there again.
            char *piece = malloc(size);
            if (piece && piece < end) continue;
            free(piece);
            break;
        }
    }
}

int nursery_serve(struct nursery_child *child) {
    int descriptors[CONFINE_FD_LIMIT];
    prctl(PR_GET_TID_ADDRESS, &thread, 0, 0, 0);
    syscall(SYS_get_robust_list, 0, &robust_list, &robust_length);
    // Once for all: each strategy sees the interpreter as it is now, about to fork.
    PyOS_BeforeFork();
    for (;;) {
        int count = receive(descriptors);
        if (count == -EINTR) continue;
        if (count < 0) _exit(0);
        if (count > 0 && start_strategy(descriptors, (uint32_t)count)) break;
        for (int i = 0; i < count; i++) close(descriptors[i]);
        // The strategy has the network namespace that we were in, which is made before it is asked for, since that takes
        // longer than all its other walls. Two strategies must never have one: rather no nursery.
        if (count > 0 && unshare(CLONE_NEWNET) < 0) _exit(CONFINE_EXIT_FAILED);
    }
    register_thread();
    PyOS_AfterFork_Child();
    *child = current->child;
    return 0;
}

void nursery_release(void) {
    struct start *start = current;
    current = NULL;
    munmap((void *)start->plan, start->length);
    munmap(start, sizeof *start + WATCHER_STACK + LAUNCHER_STACK);
}

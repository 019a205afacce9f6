#include "confine.h"
#include "plan.h"
#ifdef NURSERY
#include "nursery.h"
#endif

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/// The plan's reader and checker, and the walk through a plan that they take, with every system call stubbed out: the
/// build renames those in CConfine to the functions here. Nothing happens to this machine.
///
/// An input is some bytes and the operations of a plan. The first byte says which call fails, the second who goes on
/// after each clone. The header is put before them here, since nobody could guess its checksum.
///
/// Whatever comes in, no strategy may be executed but behind its walls.
///
/// With NURSERY it is the nursery that carries out the plan, and before that reads a request for it. Five more bytes say
/// how long the request's packet is, what stands in it, how many descriptors come with it, the packet's flags, and the
/// seals of the plan's file.

/// What has been done by the time of the execution.
static struct {
    bool active;
    int calls, fails, clones;
    uint8_t who;
    bool is_strategy, settled, unshared, pivoted, became, bare, no_new_privileges, filtered, mortal, closed;
} seen;
/// Where the process that is being played comes to its end.
static jmp_buf *out;
static struct {
    uint8_t *plan;
    size_t length;
    uint8_t size, count, came, flags, seals;
    int asked;
} request;
/// Sums of bytes that a kernel would have read, so that the sanitizer sees them read.
static volatile unsigned sum;

static void touch(const void *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) sum += ((const uint8_t *)bytes)[i];
}

static void touch_text(const char *text) {
    if (text) sum += (unsigned)strlen(text);
}

static bool fails(void) {
    if (++seen.calls != seen.fails) return false;
    errno = EIO;
    return true;
}

static void must(bool holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "executed although %s\n", what);
    abort();
}

#define STUB(name, parameters, body)                                                                                   \
    long stub_##name parameters;                                                                                       \
    long stub_##name parameters {                                                                                      \
        if (fails()) return -1;                                                                                        \
        body return 0;                                                                                                 \
    }

STUB(open, (const char *path), touch_text(path); return 40;)
STUB(openat, (int folder, const char *path), (void)folder; touch_text(path); return 40;)
STUB(close, (int file), (void)file;)
STUB(read, (int file, char *into, size_t length), (void)file; memset(into, 'g', length); return (long)length;)
STUB(write, (int file, const void *bytes, size_t length), (void)file; touch(bytes, length); return (long)length;)
STUB(dup2, (int from, int to), (void)from; return to;)
STUB(fcntl, (int file, int command), (void)file; return command == F_GET_SEALS ? request.seals : 60;)
STUB(pipe2, (int ends[2]), ends[0] = 41; ends[1] = 42;)
STUB(poll, (struct pollfd *all, size_t count), for (size_t i = 0; i < count; i++) all[i].revents = 0; return 1;)
STUB(signal, (void), )
STUB(chdir, (const char *path), touch_text(path);)
STUB(fchdir, (void), )
STUB(umount2, (const char *path), touch_text(path);)
STUB(sethostname, (const char *name, size_t length), touch(name, length);)
STUB(setsid, (void), )
STUB(setgroups, (void), )
STUB(setrlimit, (int resource, const uint64_t *limits), (void)resource; touch(limits, 16);)
STUB(setns, (void), )
STUB(unshare, (void), )
STUB(open_tree, (int folder, const char *path), (void)folder; touch_text(path); return 43;)
STUB(mount_setattr, (void), )
STUB(move_mount, (int from, const char *path, int to, const char *target), (void)from; (void)to; touch_text(path);
     touch_text(target);)
STUB(mount, (const char *what, const char *where, const char *type, unsigned long flags, const char *data), (void)flags;
     touch_text(what); touch_text(where); touch_text(type); touch_text(data);)
STUB(sendmsg, (int socket, const struct msghdr *message), (void)socket; touch(message->msg_control,
     message->msg_controllen); return 1;)
STUB(prctl, (int option, unsigned long a), if (option == PR_SET_NO_NEW_PRIVS) seen.no_new_privileges = a == 1;
     if (option == PR_SET_PDEATHSIG) seen.mortal = a == SIGKILL;)
STUB(fstat, (int file, struct stat *status), (void)file; memset(status, 0, sizeof *status);
     status->st_size = (off_t)request.length;)

void *stub_mmap(void *at, size_t length, int protection, int flags, int file, off_t offset);
void *stub_mmap(void *at, size_t length, int protection, int flags, int file, off_t offset) {
    (void)at, (void)protection, (void)flags, (void)offset;
    if (fails()) return MAP_FAILED;
    if (file < 0) return calloc(1, length);
    uint8_t *copy = malloc(length);
    memcpy(copy, request.plan, length);
    return copy;
}

long stub_munmap(void *bytes);
long stub_munmap(void *bytes) {
    free(bytes);
    return 0;
}

long stub_recvmsg(int socket, struct msghdr *message);
/// One packet, and then the end.
long stub_recvmsg(int socket, struct msghdr *message) {
    (void)socket;
    struct confine_request words = {CONFINE_REQUEST_MAGIC, request.count};
    size_t size = request.size < sizeof words ? request.size : sizeof words;
    size_t room = (message->msg_controllen - CMSG_LEN(0)) / sizeof(int);
    size_t came = request.came < room ? request.came : room;
    message->msg_controllen = 0;
    if (message->msg_iov->iov_len == 1) {
        // A strategy's process that waits for its bundle.
        if (fails()) return -1;
        struct cmsghdr *tree = message->msg_control;
        *tree = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
        *(int *)CMSG_DATA(tree) = 80;
        message->msg_controllen = CMSG_SPACE(sizeof(int));
        return 1;
    }
    if (request.asked++) return 0;
    if (fails()) return -1;
    memcpy(message->msg_iov->iov_base, &words, size);
    struct cmsghdr *header = message->msg_control;
    *header = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(came * sizeof(int))};
    for (size_t i = 0; i < came; i++) ((int *)CMSG_DATA(header))[i] = 70 + (int)i;
    message->msg_controllen = came ? CMSG_SPACE(came * sizeof(int)) : 0;
    message->msg_flags = request.flags;
    return (long)size;
}

STUB(getpid, (void), return 1002;)
STUB(send, (int socket, const void *bytes, size_t length), (void)socket; touch(bytes, length); return (long)length;)

static long become(uint64_t id) {
    // As the kernel takes it: 32 bits of it.
    if ((uint32_t)id == 0 || (uint32_t)id == UINT32_MAX) {
        fprintf(stderr, "a plan was taken that becomes user or group %u\n", (uint32_t)id);
        abort();
    }
    seen.became = true;
    return 0;
}

STUB(setresuid, (uint64_t id), return become(id);)
STUB(setresgid, (uint64_t id), return become(id);)

static void forget(void) {
    // What a parent process has done to itself, a new process begins with; but the checks ask for all of these anew.
    seen.no_new_privileges = seen.filtered = seen.mortal = seen.bare = false;
}

static long clone_stub(uint64_t flags) {
    bool is_child = seen.who >> seen.clones++ & 1;
    if (flags & (CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_THREAD | CLONE_SIGHAND)) abort();
    if (flags & CLONE_NEWUSER) {
        if (!(flags & CLONE_NEWNS)) abort();
        seen.unshared = true;
        // Without a pid namespace it is a nursery.
        if (!(flags & CLONE_NEWPID)) {
            seen.settled = true;
            forget();
            is_child = !is_child;
        }
        return is_child ? 0 : 1000;
    }
    if (is_child) return 1001;
    seen.is_strategy = true;
    forget();
    return 0;
}

static long seccomp_stub(unsigned flags, const struct sock_fprog *program) {
    touch(program->filter, program->len * sizeof(struct sock_filter));
    if (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) return 44;
    seen.filtered = true;
    return 0;
}

long stub_syscall(long number, uint64_t a, uint64_t b, uint64_t c);
long stub_syscall(long number, uint64_t a, uint64_t b, uint64_t c) {
    if (fails()) return -1;
    switch (number) {
    case SYS_clone: return clone_stub(a);
    case SYS_seccomp: return seccomp_stub((unsigned)b, (const struct sock_fprog *)c);
    case SYS_pivot_root: seen.pivoted = true; return 0;
    case SYS_capset: seen.bare = true; return 0;
    case SYS_execveat: longjmp(*out, 1);
    case SYS_close_range: seen.closed |= a == CONFINE_FD_STATUS + 1; return 0;
    case SYS_setresuid:
    case SYS_setresgid: return become(a);
    case SYS_pidfd_open:
    case SYS_landlock_create_ruleset: return 45;
    default: return 0;
    }
}

/// What must be true when a strategy's own code is about to run.
static void must_be_confined(void) {
    must(seen.is_strategy, "it is not the strategy's process");
    must(seen.unshared && seen.pivoted, "it has no root of its own");
    must(seen.became, "it is still whoever the supervisor is");
    must(seen.bare, "it has capabilities");
    must(seen.no_new_privileges, "it can gain privileges");
    must(seen.filtered, "it has no filter");
    must(seen.mortal && seen.closed, "it outlives its parent or inherits descriptors");
}

long stub_execve(const char *path, char **arguments, char **environment);
long stub_execve(const char *path, char **arguments, char **environment) {
    touch_text(path);
    for (; *arguments; arguments++) touch_text(*arguments);
    for (; *environment; environment++) touch_text(*environment);
    // A nursery keeps some capabilities, of its own namespace alone, and makes strategies of the host's other plans.
    if (!seen.settled) must_be_confined();
    must(!seen.settled || (seen.filtered && seen.no_new_privileges && seen.became && seen.pivoted), "a wall is missing");
    if (fails()) return -1;
    longjmp(*out, 1);
}

_Noreturn void stub__exit(int status);
_Noreturn void stub__exit(int status) {
    (void)status;
    longjmp(*out, 1);
}

/// A process that shares our memory while we stand still: it is played to its end, unless `who` says that it is not.
long stub_clone(int (*run)(void *), void *stack, int flags, void *argument);
long stub_clone(int (*run)(void *), void *stack, int flags, void *argument) {
    (void)stack;
    if (fails()) return -1;
    if (flags & CLONE_NEWUSER) seen.unshared = true;
    if (flags & CLONE_NEWUSER && !(seen.who >> seen.clones++ & 1)) return 1000;
    jmp_buf end, *before = out;
    out = &end;
    if (!setjmp(end)) run(argument);
    out = before;
    return 1000;
}

static void put(uint8_t **at, const void *bytes, size_t length) {
    memcpy(*at, bytes, length);
    *at += length;
}

#ifdef NURSERY
#define HEAD 7

// The interpreter's part.
void PyOS_BeforeFork(void);
void PyOS_BeforeFork(void) {}
void PyOS_AfterFork_Child(void);
void PyOS_AfterFork_Child(void) {}

static void run(void) {
    struct nursery_child child;
    if (nursery_serve(&child) != 0) return;
    must_be_confined();
    touch(child.arguments, child.arguments_length);
    touch(child.environment, child.environment_length);
    nursery_release();
}
#else
#define HEAD 2

static void run(void) {
    confine_run(request.plan, request.length, NULL);
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    if (size < HEAD) return 0;
    const uint8_t *operations = input + HEAD;
    size_t length = size - HEAD;
    uint32_t count = 0;
    for (size_t at = 0; at + 8 <= length; count++) {
        uint32_t fields;
        memcpy(&fields, operations + at + 4, 4);
        if (fields > length - at - 8) break;
        at += 8 + fields;
    }
    // Exactly as long as the plan, so that a byte read beyond its end is seen.
    struct confine_header header = {CONFINE_MAGIC, CONFINE_VERSION, (uint32_t)(sizeof header + length), count,
                                    confine_checksum(operations, length)};
    uint8_t *plan = malloc(sizeof header + length), *at = plan;
    put(&at, &header, sizeof header);
    put(&at, operations, length);
    memset(&seen, 0, sizeof seen);
    memset(&request, 0, sizeof request);
    seen.fails = input[0];
    seen.who = input[1];
    request.plan = plan;
    request.length = sizeof header + length;
    if (HEAD > 2)
        request.size = input[2], request.count = input[3], request.came = input[4], request.flags = input[5],
        request.seals = input[6];
    jmp_buf end;
    out = &end;
    if (!setjmp(end)) run();
    // And as it came, without a header of ours.
    confine_check(input, size);
    free(plan);
    return 0;
}

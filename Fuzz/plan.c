#include "confine.h"
#include "plan.h"

#include <errno.h>
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
#include <sys/syscall.h>

/// The plan's reader and checker, and the walk through a plan that they take, with every system call stubbed out: the
/// build renames those in CConfine to the functions here. Nothing happens to this machine.
///
/// An input is two bytes and the operations of a plan. The first byte says which call fails, the second who goes on
/// after each clone. The header is put before them here, since nobody could guess its checksum.
///
/// Whatever comes in, no strategy may be executed but behind its walls.

/// What has been done by the time of the execution.
static struct {
    bool active;
    int calls, fails, clones;
    uint8_t who;
    bool is_strategy, unshared, pivoted, became, bare, no_new_privileges, filtered, mortal, closed;
} seen;
static jmp_buf out;
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
STUB(fcntl, (void), )
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
STUB(fstat, (void), )
STUB(mmap, (void), )

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
        if (!(flags & CLONE_NEWPID) || !(flags & CLONE_NEWNS)) abort();
        seen.unshared = true;
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
    case SYS_close_range: seen.closed |= a == CONFINE_FD_STATUS + 1; return 0;
    case SYS_setresuid:
    case SYS_setresgid: return become(a);
    case SYS_pidfd_open:
    case SYS_landlock_create_ruleset: return 45;
    default: return 0;
    }
}

long stub_execve(const char *path, char **arguments, char **environment);
long stub_execve(const char *path, char **arguments, char **environment) {
    touch_text(path);
    for (; *arguments; arguments++) touch_text(*arguments);
    for (; *environment; environment++) touch_text(*environment);
    must(seen.is_strategy, "it is not the strategy's process");
    must(seen.unshared && seen.pivoted, "it has no root of its own");
    must(seen.became, "it is still whoever the supervisor is");
    must(seen.bare, "it has capabilities");
    must(seen.no_new_privileges, "it can gain privileges");
    must(seen.filtered, "it has no filter");
    must(seen.mortal && seen.closed, "it outlives its parent or inherits descriptors");
    if (fails()) return -1;
    longjmp(out, 1);
}

_Noreturn void stub__exit(int status);
_Noreturn void stub__exit(int status) {
    (void)status;
    longjmp(out, 1);
}

static void put(uint8_t **at, const void *bytes, size_t length) {
    memcpy(*at, bytes, length);
    *at += length;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    if (size < 2) return 0;
    const uint8_t *operations = input + 2;
    size_t length = size - 2;
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
    seen.fails = input[0];
    seen.who = input[1];
    if (!setjmp(out)) confine_run(plan, sizeof header + length);
    // And as it came, without a header of ours.
    confine_check(input, size);
    free(plan);
    return 0;
}

#ifndef CONFINE_H
#define CONFINE_H

/// Carries out a confinement plan: the walls around one strategy, then the strategy itself.
///
/// The policy lives elsewhere, in Swift. A plan is a list of operations with everything in it that they need; this
/// library checks the whole list, carries it out in order, names the step that failed, and takes no decision of its
/// own. It allocates nothing, reads no configuration and knows no profile.
///
/// Who is who. The supervisor starts the launcher. The launcher's ENTER makes a watcher, which is process 1 of the new
/// pid namespace, and steps into the watcher's namespaces; its FORK makes the strategy, process 2 in there, and the
/// launcher ends. Both are children of the supervisor (CLONE_PARENT), so the supervisor reaps the strategy itself and
/// sees its true exit status. The watcher exists because the kernel drops signals for process 1 (SIGTERM, SIGABRT from
/// abort(), a signal to oneself) and kills a namespace whose process 1 has gone: it waits for the end of process 2, or
/// of the supervisor, and ends.
///
/// There are two doors. The cold one is the launcher program; its plan ends with EXECUTE. The warm one is a nursery, a
/// process that has loaded an interpreter and its packages once. For each strategy it makes a launcher of its own, a
/// process that shares its memory and carries out the same plan with the same code; that plan's FORK copies the
/// nursery's memory, and it ends with RETURN, back into the interpreter. The nursery itself is started by the launcher
/// program, with a plan whose SETTLE stands where ENTER and FORK would.

#include <stddef.h>
#include <stdint.h>

/// The bytes "BPLN" at the start of a plan.
#define CONFINE_MAGIC 0x4e4c5042u
/// The version of this format. Another version is refused.
#define CONFINE_VERSION 1u
/// The longest plan and the most operations in one.
#define CONFINE_MAX_BYTES (256u << 10)
#define CONFINE_MAX_STEPS 128u
/// How many mounts a plan may hold open at a time.
#define CONFINE_SLOTS 16u

/// Descriptors that the launcher is started with, beside 0, 1 and 2 of the strategy.
/// Cgroup descriptors follow from CONFINE_FD_FREE on.
#define CONFINE_FD_STATUS 3
#define CONFINE_FD_PLAN 4
#define CONFINE_FD_LISTENER 5
#define CONFINE_FD_FREE 6
#define CONFINE_FD_LIMIT 32

/// What a nursery is started with and keeps: where requests come in, /proc as seen by the supervisor, and the program
/// that is its strategies' watcher.
#define CONFINE_FD_CONTROL 5
#define CONFINE_FD_PROC 6
#define CONFINE_FD_PROGRAM 7

/// Stands before the operations. All numbers are little-endian.
struct confine_header {
    uint32_t magic;
    uint32_t version;
    /// Bytes of the whole plan, this header included.
    uint32_t length;
    /// How many operations follow.
    uint32_t count;
    /// confine_checksum of all that follows.
    uint64_t checksum;
};

/// An operation is: uint32 code, uint32 bytes of its fields, its fields.
/// A number is a uint64. A text is a uint32 length and that many bytes, the last of them NUL. A blob is a uint32 length
/// and that many bytes. A list is a blob of NUL-terminated texts.
enum confine_operation {
    /// descriptor: writes "0" to it, a cgroup.procs file, or in version 1 a tasks file. Who carries this out has one thread,
    /// so that both mean the same; but the kernel moves a thread at once, and a process after a grace period.
    CONFINE_JOIN_CGROUP = 1,
    /// slot, mount attributes, path: copies the mounts at path, with these attributes set on all of them.
    CONFINE_OPEN_TREE = 2,
    /// CLONE_NEW* flags, inner uid, outer uid, inner gid, outer gid, 1 to deny setgroups.
    CONFINE_ENTER = 3,
    /// Empties the bounding set and locks the secure bits.
    CONFINE_DROP_BOUNDING = 4,
    /// uid, gid, 1 to drop supplementary groups.
    CONFINE_BECOME = 5,
    /// slot: makes that tree the root and forgets the old one.
    CONFINE_PIVOT = 6,
    /// bytes, inodes, path.
    CONFINE_TMPFS = 7,
    /// slot, path: mounts that tree there.
    CONFINE_ATTACH = 8,
    /// name
    CONFINE_HOSTNAME = 9,
    /// From here on it is the strategy's process that carries out the plan.
    CONFINE_FORK = 10,
    /// A session of its own, and a umask of 077.
    CONFINE_SESSION = 11,
    /// resource, soft limit, hard limit.
    CONFINE_RLIMIT = 12,
    CONFINE_DROP_CAPABILITIES = 13,
    CONFINE_NO_NEW_PRIVILEGES = 14,
    /// bytes of struct landlock_ruleset_attr, handled file access, handled network access, scopes.
    CONFINE_LANDLOCK = 15,
    /// access, path
    CONFINE_LANDLOCK_ALLOW = 16,
    CONFINE_LANDLOCK_ENFORCE = 17,
    /// path
    CONFINE_FOLDER = 18,
    /// program: a filter with a notification listener, which goes out through CONFINE_FD_LISTENER.
    CONFINE_LISTEN = 19,
    /// Everything but 0, 1, 2 and the status pipe, which closes on execution.
    CONFINE_CLOSE_DESCRIPTORS = 20,
    CONFINE_DIE_WITH_PARENT = 21,
    /// program: the allowlist.
    CONFINE_FILTER = 22,
    /// path, arguments, environment.
    CONFINE_EXECUTE = 23,
    /// slot, descriptor: takes a tree that the supervisor has opened.
    CONFINE_ADOPT_TREE = 24,
    /// slot, mount attributes, path: like OPEN_TREE, without what is mounted below the path.
    CONFINE_OPEN_MOUNT = 25,
    /// CLONE_NEW* flags, first uid, first gid, count, 1 to deny setgroups: from here on it is a new process, the nursery,
    /// that carries out the plan, in namespaces of its own where these ids mean what they mean outside.
    CONFINE_SETTLE = 26,
    /// set: gives up all other capabilities, and keeps these beyond the execution.
    CONFINE_KEEP_CAPABILITIES = 27,
    /// Closes everything but 0, 1, 2, what a nursery keeps, and the status pipe, which closes on execution.
    CONFINE_HOLD_DESCRIPTORS = 28,
    /// arguments, environment: goes back into the interpreter, which finds these texts there.
    CONFINE_RETURN = 29,
    /// descriptor: enters that user namespace, with mounts of its own there. For an ordinary user who was lent ids.
    CONFINE_JOIN_USERS = 32,
    /// descriptor: enters that network namespace, which the supervisor has made for this strategy alone.
    CONFINE_JOIN_NETWORK = 33,
    /// slot: says that it waits, and takes a tree that the supervisor hands over through CONFINE_FD_LISTENER when it knows
    /// whose this process shall be. For one that is made ahead, after FORK; its views may be attached from then on.
    CONFINE_AWAIT_TREE = 34,
};

enum confine_report_kind {
    /// value is the watcher's pid.
    CONFINE_WATCHER_STARTED = 1,
    /// value is the strategy's pid.
    CONFINE_STRATEGY_STARTED = 2,
    /// value is the errno, operation and step say where, detail names what it was about.
    CONFINE_STEP_FAILED = 3,
    /// detail says why; nothing was done.
    CONFINE_PLAN_REFUSED = 4,
    /// value is the pid of the launcher that a nursery has made, which the supervisor reaps.
    CONFINE_LAUNCHER_STARTED = 5,
    /// AWAIT_TREE waits. It may be told before the strategy's pid is.
    CONFINE_STRATEGY_WAITS = 6,
};

/// What comes out of the status pipe. When the strategy runs, and the watcher watches it, the pipe closes.
struct confine_report {
    uint32_t kind;
    uint32_t operation;
    uint32_t step;
    int32_t value;
    char detail[112];
};

/// The bytes "BPNR" at the start of a request.
#define CONFINE_REQUEST_MAGIC 0x524e5042u

/// What a nursery is asked for a strategy with, in one packet, with descriptors: what the strategy's launcher is to
/// have as 0, 1, 2 and so on, CONFINE_FD_LIMIT of them at most, the plan, sealed, among them.
struct confine_request {
    uint32_t magic;
    uint32_t descriptors;
};

/// The exit status of a process that could not carry out its plan.
#define CONFINE_EXIT_FAILED 125

/// FNV-1a, 64 bits. Finds a torn plan, not a forged one: whoever can write the plan is the supervisor.
uint64_t confine_checksum(const uint8_t *bytes, size_t length);

/// Checks a whole plan without doing anything. Returns NULL, or why it is refused.
const char *confine_check(const uint8_t *plan, size_t length);

/// What a launcher inside a nursery has, which the launcher program does without.
struct confine_nursery {
    /// Descriptors of /proc and of the watcher's program.
    int proc;
    int program;
    /// The top of a stack for the first moments of a watcher.
    void *stack;
    /// Where the C library keeps the number of the one thread, so that it is true in the strategy; or NULL.
    void *thread;
    /// Ends the strategy's part of the plan. Both lists lie in the plan.
    void (*leave)(void *context, const uint8_t *arguments, uint32_t arguments_length, const uint8_t *environment,
                  uint32_t environment_length);
    void *context;
};

/// Checks the plan, carries it out and does not return: it ends as the strategy, or with CONFINE_EXIT_FAILED after
/// telling the status pipe. Call it in a process with one thread. `nursery` is NULL in the launcher program.
_Noreturn void confine_run(const uint8_t *plan, size_t length, const struct confine_nursery *nursery);

/// Tells the status pipe that `what` has failed with errno before the plan could be read, and ends with
/// CONFINE_EXIT_FAILED.
_Noreturn void confine_give_up(const char *what);

/// Opens, in the user namespace `users`, what the strategy of a nursery of lent ids is to have: the files `groups`, for
/// user `nursery` of that namespace to join them, and a copy of the mounts at `bundle` with these attributes. Hands them over
/// through `socket` in that order. 0 or -errno. For a process of its own with one thread, which is then somebody else.
int confine_open_for_nursery(int users, int socket, uint64_t nursery, uint64_t attributes, const char *bundle,
                             char *const *groups, size_t count);

/// The name of an operation, or "unknown". That of 0, which no plan has, is what comes before the plan.
const char *confine_operation_name(uint32_t operation);

#endif

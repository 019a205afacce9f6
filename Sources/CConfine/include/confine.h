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
    /// descriptor: writes "0" to it, a cgroup.procs file.
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
    /// descriptor: enters that user namespace, with mounts of its own there. For an ordinary user who was lent ids.
    CONFINE_JOIN_USERS = 32,
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
};

/// What comes out of the status pipe. When the strategy runs, and the watcher watches it, the pipe closes.
struct confine_report {
    uint32_t kind;
    uint32_t operation;
    uint32_t step;
    int32_t value;
    char detail[112];
};

/// The exit status of a process that could not carry out its plan.
#define CONFINE_EXIT_FAILED 125

/// FNV-1a, 64 bits. Finds a torn plan, not a forged one: whoever can write the plan is the supervisor.
uint64_t confine_checksum(const uint8_t *bytes, size_t length);

/// Checks a whole plan without doing anything. Returns NULL, or why it is refused.
const char *confine_check(const uint8_t *plan, size_t length);

/// Checks the plan, carries it out and does not return: it ends as the strategy, or with CONFINE_EXIT_FAILED after
/// telling the status pipe. Call it in a process with one thread.
_Noreturn void confine_run(const uint8_t *plan, size_t length);

/// Tells the status pipe that `what` has failed with errno before the plan could be read, and ends with
/// CONFINE_EXIT_FAILED.
_Noreturn void confine_give_up(const char *what);

/// The name of an operation, or "unknown". That of 0, which no plan has, is what comes before the plan.
const char *confine_operation_name(uint32_t operation);

#endif

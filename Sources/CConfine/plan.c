#include "plan.h"

#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>

/// What an operation is called and which fields it has: n number, s text, b blob, v list.
static const struct {
    const char *name;
    const char *fields;
} shapes[] = {
    [CONFINE_JOIN_CGROUP] = {"join cgroup", "n"},
    [CONFINE_JOIN_USERS] = {"join users", "n"},
    [CONFINE_JOIN_NETWORK] = {"join network", "n"},
    [CONFINE_OPEN_TREE] = {"open tree", "nns"},
    [CONFINE_ENTER] = {"enter namespaces", "nnnnnn"},
    [CONFINE_DROP_BOUNDING] = {"drop bounding set", ""},
    [CONFINE_BECOME] = {"become user", "nnn"},
    [CONFINE_PIVOT] = {"pivot root", "n"},
    [CONFINE_TMPFS] = {"mount tmpfs", "nns"},
    [CONFINE_ATTACH] = {"attach view", "ns"},
    [CONFINE_HOSTNAME] = {"set hostname", "s"},
    [CONFINE_FORK] = {"fork", ""},
    [CONFINE_SESSION] = {"new session", ""},
    [CONFINE_RLIMIT] = {"set limit", "nnn"},
    [CONFINE_DROP_CAPABILITIES] = {"drop capabilities", ""},
    [CONFINE_NO_NEW_PRIVILEGES] = {"no new privileges", ""},
    [CONFINE_LANDLOCK] = {"landlock", "nnnn"},
    [CONFINE_LANDLOCK_ALLOW] = {"landlock allow", "ns"},
    [CONFINE_LANDLOCK_ENFORCE] = {"landlock enforce", ""},
    [CONFINE_FOLDER] = {"change folder", "s"},
    [CONFINE_LISTEN] = {"install notifying filter", "b"},
    [CONFINE_CLOSE_DESCRIPTORS] = {"close descriptors", ""},
    [CONFINE_DIE_WITH_PARENT] = {"die with parent", ""},
    [CONFINE_FILTER] = {"install filter", "b"},
    [CONFINE_EXECUTE] = {"execute", "svv"},
    [CONFINE_ADOPT_TREE] = {"adopt tree", "nn"},
    [CONFINE_OPEN_MOUNT] = {"open mount", "nns"},
    [CONFINE_SETTLE] = {"settle nursery", "nnnnn"},
    [CONFINE_KEEP_CAPABILITIES] = {"keep capabilities", "n"},
    [CONFINE_HOLD_DESCRIPTORS] = {"hold descriptors", ""},
    [CONFINE_RETURN] = {"return", "vv"},
    [CONFINE_AWAIT_TREE] = {"await tree", "n"},
};
#define SHAPES (sizeof shapes / sizeof *shapes)

const char *confine_operation_name(uint32_t operation) {
    if (operation == 0) return "start launcher";
    return operation < SHAPES && shapes[operation].name ? shapes[operation].name : "unknown";
}

uint64_t confine_checksum(const uint8_t *bytes, size_t length) {
    uint64_t sum = 0xcbf29ce484222325u;
    for (size_t i = 0; i < length; i++) sum = (sum ^ bytes[i]) * 0x100000001b3u;
    return sum;
}

/// The part of the plan that has not been read yet.
struct reader {
    const uint8_t *at;
    size_t left;
};

static bool take(struct reader *reader, void *into, size_t length) {
    if (reader->left < length) return false;
    memcpy(into, reader->at, length);
    reader->at += length;
    reader->left -= length;
    return true;
}

static bool take_blob(struct reader *reader, const uint8_t **bytes, uint32_t *length) {
    if (!take(reader, length, sizeof *length) || reader->left < *length) return false;
    *bytes = reader->at;
    reader->at += *length;
    reader->left -= *length;
    return true;
}

static const char *read_fields(struct reader reader, struct confine_step *step) {
    size_t numbers = 0, blobs = 0;
    for (const char *field = shapes[step->operation].fields; *field; field++) {
        const uint8_t *bytes;
        uint32_t length;
        switch (*field) {
        case 'n':
            if (!take(&reader, &step->number[numbers++], sizeof(uint64_t))) return "a number is cut off";
            break;
        case 's':
            if (!take_blob(&reader, &bytes, &length)) return "a text is cut off";
            if (length < 2 || memchr(bytes, 0, length) != bytes + length - 1) return "a text is malformed";
            step->text = (const char *)bytes;
            break;
        default:
            if (!take_blob(&reader, &bytes, &length)) return "a blob is cut off";
            if (*field == 'v' && length && bytes[length - 1]) return "a list is malformed";
            step->blob[blobs].bytes = bytes;
            step->blob[blobs++].length = length;
        }
    }
    return reader.left ? "an operation has more fields than it should" : NULL;
}

static bool is_plain_path(const char *path) {
    if (path[0] != '/') return false;
    for (const char *part = path; (part = strchr(part, '/')); ) {
        part++;
        if (!strncmp(part, "..", 2) && (part[2] == '/' || !part[2])) return false;
    }
    return true;
}

/// What has gone before, as far as later operations depend on it.
struct progress {
    bool open[CONFINE_SLOTS];
    bool users, network, awaited;
    /// Settled: it is the plan of a nursery. Forked: the process is the one that the plan is for, of either kind.
    bool entered, settled, bounded, became, pivoted, forked, dropped, no_new_privileges, ruleset, listening, closed, mortal,
        filtered;
};

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif
#define NEW_NAMESPACES                                                                                                 \
    (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP |       \
     CLONE_NEWTIME)
#define NEEDED_NAMESPACES (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID)

/// Whether `id` can be a user or group that is not root. What is longer than an id would be cut to one, maybe to 0.
static bool is_plain_id(uint64_t id) {
    return id > 0 && id < UINT32_MAX;
}

/// Whether `step` may stand here. Returns NULL, or why not.
static const char *check_step(const struct confine_step *step, struct progress *past) {
    const uint64_t *n = step->number;
    if (step->text && step->operation != CONFINE_HOSTNAME && !is_plain_path(step->text)) return "a path is not plain";
    if (past->filtered && step->operation != CONFINE_EXECUTE && step->operation != CONFINE_RETURN)
        return "something comes after the filter";
    switch (step->operation) {
    case CONFINE_JOIN_CGROUP:
        if (n[0] < CONFINE_FD_FREE || n[0] >= CONFINE_FD_LIMIT) return "a cgroup descriptor is out of range";
        return past->entered ? "a cgroup is joined after entering" : NULL;
    case CONFINE_JOIN_USERS:
        if (n[0] < CONFINE_FD_FREE || n[0] >= CONFINE_FD_LIMIT) return "a users' descriptor is out of range";
        if (past->entered || past->users) return "users are joined twice or after entering";
        for (size_t i = 0; i < CONFINE_SLOTS; i++)
            if (past->open[i]) return "users are joined after a tree was opened";
        past->users = true;
        return NULL;
    case CONFINE_JOIN_NETWORK:
        if (n[0] < CONFINE_FD_FREE || n[0] >= CONFINE_FD_LIMIT) return "a network's descriptor is out of range";
        if (past->entered || past->network) return "a network is joined twice or after entering";
        past->network = true;
        return NULL;
    case CONFINE_ADOPT_TREE:
        if (n[1] < CONFINE_FD_FREE || n[1] >= CONFINE_FD_LIMIT) return "a tree's descriptor is out of range";
        // fall through
    case CONFINE_OPEN_TREE:
    case CONFINE_OPEN_MOUNT:
        if (n[0] >= CONFINE_SLOTS || past->open[n[0]]) return "a slot is out of range or taken";
        past->open[n[0]] = true;
        return past->pivoted ? "a tree is opened after the root has changed" : NULL;
    case CONFINE_AWAIT_TREE:
        if (n[0] >= CONFINE_SLOTS || past->open[n[0]]) return "a slot is out of range or taken";
        if (!past->forked || past->settled) return "a tree is awaited by another process than the strategy's";
        if (past->dropped || past->ruleset || past->listening || past->closed) return "a tree is awaited too late";
        past->open[n[0]] = past->awaited = true;
        return NULL;
    case CONFINE_ENTER:
        if (past->entered) return "namespaces are entered twice";
        if (n[0] & ~(uint64_t)NEW_NAMESPACES || (n[0] & NEEDED_NAMESPACES) != NEEDED_NAMESPACES)
            return "a namespace is missing or unknown";
        if (!is_plain_id(n[1]) || !is_plain_id(n[2]) || !is_plain_id(n[3]) || !is_plain_id(n[4]))
            return "user or group 0 would be mapped";
        past->entered = true;
        past->network |= (n[0] & CLONE_NEWNET) != 0;
        return NULL;
    case CONFINE_DROP_BOUNDING:
        past->bounded = past->entered;
        return NULL;
    case CONFINE_SETTLE:
        if (past->entered) return "namespaces are entered twice";
        // Its strategies are not in its pid namespace, or they would end with it.
        if (n[0] & ~(uint64_t)NEW_NAMESPACES || (n[0] & NEEDED_NAMESPACES) != (NEEDED_NAMESPACES & ~CLONE_NEWPID))
            return "a namespace is missing or unknown";
        if (!is_plain_id(n[1]) || !is_plain_id(n[2]) || !is_plain_id(n[3]) || !is_plain_id(n[1] + n[3] - 1) ||
            !is_plain_id(n[2] + n[3] - 1))
            return "user or group 0 would be mapped";
        past->entered = past->settled = past->forked = true;
        past->network |= (n[0] & CLONE_NEWNET) != 0;
        return NULL;
    case CONFINE_BECOME:
        past->became = past->bounded || past->settled;
        return is_plain_id(n[0]) && is_plain_id(n[1]) ? NULL : "the strategy would be root";
    case CONFINE_PIVOT:
    case CONFINE_ATTACH:
        if (n[0] >= CONFINE_SLOTS || !past->open[n[0]]) return "a slot is empty";
        past->open[n[0]] = false;
        if (step->operation == CONFINE_PIVOT) {
            if (!past->entered || past->pivoted) return "the root changes outside namespaces or twice";
            past->pivoted = true;
        }
        return past->pivoted && (past->forked == past->settled || past->awaited)
                   ? NULL
                   : "a view is attached outside the new root";
    case CONFINE_TMPFS:
        if (!n[0] || !n[1]) return "a tmpfs has no limit";
        return past->pivoted && past->forked == past->settled ? NULL : "a tmpfs is mounted outside the new root";
    case CONFINE_FORK:
        if (past->forked || !past->pivoted) return "the strategy is made twice or before its root";
        if (!past->bounded || !past->became) return "the strategy is made before it is somebody else";
        past->forked = true;
        return NULL;
    case CONFINE_RLIMIT:
        return n[0] < RLIM_NLIMITS ? NULL : "a limit is unknown";
    case CONFINE_KEEP_CAPABILITIES:
        if (!past->settled) return "only a nursery keeps capabilities";
        // fall through
    case CONFINE_DROP_CAPABILITIES:
        past->dropped = past->forked;
        return NULL;
    case CONFINE_NO_NEW_PRIVILEGES:
        past->no_new_privileges = past->forked;
        return NULL;
    case CONFINE_LANDLOCK:
        past->ruleset = true;
        return n[0] < 8 || n[0] > 24 || n[0] % 8 ? "a landlock ruleset has an unknown size" : NULL;
    case CONFINE_LANDLOCK_ALLOW:
        return past->ruleset ? NULL : "landlock has no ruleset yet";
    case CONFINE_LANDLOCK_ENFORCE:
        return past->ruleset && past->no_new_privileges ? NULL : "landlock is enforced too early";
    case CONFINE_LISTEN:
    case CONFINE_FILTER:
        if (!step->blob[0].length || step->blob[0].length % 8 || step->blob[0].length / 8 > 4096)
            return "a filter is not a program";
        if (!past->no_new_privileges || !past->dropped) return "a filter comes before privileges are gone";
        if (step->operation == CONFINE_LISTEN) {
            if (past->listening || past->closed) return "a listener comes twice or too late";
            past->listening = true;
        } else {
            past->filtered = true;
        }
        return NULL;
    case CONFINE_HOLD_DESCRIPTORS:
        if (!past->settled) return "only a nursery holds descriptors";
        // fall through
    case CONFINE_CLOSE_DESCRIPTORS:
        past->closed = true;
        return NULL;
    case CONFINE_DIE_WITH_PARENT:
        // Changing the user clears the parent-death signal (man 2 PR_SET_PDEATHSIG).
        past->mortal = past->forked;
        return NULL;
    case CONFINE_EXECUTE:
    case CONFINE_RETURN:
        if (!step->blob[0].length) return "there is nothing to execute";
        if (step->operation == CONFINE_RETURN && past->settled) return "a nursery returns to nobody";
        // A nursery's strategy has the network namespace that the nursery was in.
        if (step->operation == CONFINE_EXECUTE && !past->network) return "a wall is missing";
        return past->pivoted && past->became && past->forked && past->filtered && past->closed && past->mortal ? NULL
                                                                                              : "a wall is missing";
    default:
        return NULL;
    }
}

const char *confine_read(const uint8_t *bytes, size_t length, struct confine_plan *plan) {
    struct reader reader = {bytes, length};
    struct confine_header header;
    if (!take(&reader, &header, sizeof header)) return "it is shorter than its header";
    if (header.magic != CONFINE_MAGIC) return "it is not a plan";
    if (header.version != CONFINE_VERSION) return "it is of another version";
    if (header.length != length) return "it is cut off or too long";
    if (header.checksum != confine_checksum(reader.at, reader.left)) return "its checksum is wrong";
    if (header.count == 0 || header.count > CONFINE_MAX_STEPS) return "it has no operations or too many";

    struct progress past = {0};
    memset(plan, 0, sizeof *plan);
    for (uint32_t i = 0; i < header.count; i++) {
        struct confine_step *step = &plan->steps[i];
        uint32_t fields;
        if (!take(&reader, &step->operation, 4) || !take(&reader, &fields, 4)) return "an operation is cut off";
        if (step->operation >= SHAPES || !shapes[step->operation].name) return "an operation is unknown";
        if (reader.left < fields) return "an operation is cut off";
        const char *fault = read_fields((struct reader){reader.at, fields}, step);
        if (!fault) fault = check_step(step, &past);
        if (fault) return fault;
        reader.at += fields;
        reader.left -= fields;
    }
    if (reader.left) return "something follows the last operation";
    uint32_t last = plan->steps[header.count - 1].operation;
    if (last != CONFINE_EXECUTE && last != CONFINE_RETURN) return "it does not end with an execution";
    plan->count = header.count;
    return NULL;
}

const char *confine_check(const uint8_t *bytes, size_t length) {
    static _Thread_local struct confine_plan plan;
    return confine_read(bytes, length, &plan);
}

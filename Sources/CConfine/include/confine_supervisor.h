#ifndef CONFINE_SUPERVISOR_H
#define CONFINE_SUPERVISOR_H

/// What the supervisor's side of confinement needs from the kernel and cannot call from Swift. Each function does one
/// thing and returns its result or -errno.

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// An empty file in memory, close-on-exec. Returns its descriptor.
int confine_memory_file(void);

/// A file in memory with these bytes, which nobody can change any more. Returns its descriptor, at its start.
int confine_sealed_file(const uint8_t *bytes, size_t length);

/// A connected pair of stream sockets, close-on-exec.
int confine_socket_pair(int ends[2]);

/// Takes the descriptor that CONFINE_LISTEN hands over, close-on-exec. Returns it.
int confine_receive_descriptor(int socket);

/// Takes the descriptors that confine_open_for_nursery hands over, close-on-exec, `count` of them or none. 0 or -errno.
int confine_receive_descriptors(int socket, int *into, size_t count);

/// Hands a tree to a strategy's process that waits for it (CONFINE_AWAIT_TREE). The caller keeps its own descriptor.
/// 0 or -errno; -EPIPE when that process has ended.
int confine_hand_over(int socket, int descriptor);

/// A connected pair of packet sockets, close-on-exec, the first of which never waits.
int confine_packet_pair(int ends[2]);

/// Asks a nursery for a strategy, whose launcher will have these descriptors as 0, 1, 2 and so on. 0 or -errno.
int confine_request_strategy(int socket, const int *descriptors, uint32_t count);

/// Takes the next packet, cut off at `length` bytes. Returns its length, 0 at the end, or -errno.
int confine_receive_packet(int socket, uint8_t *into, size_t length);

/// Copies the mounts at a folder, with these attributes set on all of them. Returns a descriptor, close-on-exec.
int confine_open_tree(const char *path, uint64_t attributes);

/// A new network namespace of the caller's user namespace, with nothing in it. Returns its descriptor, close-on-exec, or
/// -errno; the caller's own thread is back in its own by then, or the process is aborted. It needs CAP_SYS_ADMIN and /proc.
int confine_make_network(void);

/// Holds on to a file or folder without opening it, close-on-exec. Returns its descriptor.
int confine_open_path(const char *path);

/// A system call that waits for an answer.
struct confine_notification {
    uint64_t id;
    int32_t pid;
    int32_t call;
    uint64_t arguments[6];
};

/// Takes the next waiting call. -ENOENT when its caller has died meanwhile. Call it when the listener is readable.
int confine_notification_receive(int listener, struct confine_notification *notification);

/// Answers a waiting call: it fails with `error`, or, when that is 0, is carried out after all. -ENOENT when its caller
/// has died.
int confine_notification_answer(int listener, uint64_t id, int error);

/// Whether the caller still waits, so that what was read of its memory was its memory. 0 or -errno.
int confine_notification_is_valid(int listener, uint64_t id);

/// Reads a text from another process, at most `length` - 1 bytes, and ends it with NUL. Returns its length.
int confine_read_text(pid_t pid, uint64_t address, char *into, size_t length);

/// Reads bytes from another process, or fewer where its memory ends. Returns how many.
int confine_read_bytes(pid_t pid, uint64_t address, void *into, size_t length);

/// 1 when systemd has handed the control group in `folder` over to whoever runs in it, 0 when not.
int confine_is_delegated(const char *folder);

/// The newest Landlock interface of this kernel. -ENOSYS or -EOPNOTSUPP when there is none.
int confine_landlock_version(void);

/// Makes a process in a new user and mount namespace and in those of `flags` and lets it change a mount.
/// 0 when all that worked.
int confine_probe_namespaces(int flags);

/// 0 when this kernel has open_tree, move_mount and mount_setattr.
int confine_probe_mount_trees(void);

/// 0 when this kernel has seccomp with `action` (SECCOMP_RET_*).
int confine_probe_seccomp(uint32_t action);

#endif

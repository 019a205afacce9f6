#ifndef CONFINE_MOUNTS_H
#define CONFINE_MOUNTS_H

#include <sys/mount.h>

/// The calls that mount by descriptors (man 2 open_tree, move_mount, mount_setattr), for a C library that has no names for
/// them. glibc has since 2.36.
#ifndef __GLIBC__
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OPEN_TREE_CLONE 1
#define OPEN_TREE_CLOEXEC O_CLOEXEC
#define MOVE_MOUNT_F_EMPTY_PATH 0x4
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

struct mount_attr {
    uint64_t attr_set, attr_clr, propagation, userns_fd;
};

static inline int open_tree(int folder, const char *path, unsigned flags) {
    return (int)syscall(SYS_open_tree, folder, path, flags);
}

static inline int move_mount(int from, const char *from_path, int to, const char *to_path, unsigned flags) {
    return (int)syscall(SYS_move_mount, from, from_path, to, to_path, flags);
}

static inline int mount_setattr(int folder, const char *path, unsigned flags, struct mount_attr *change, size_t size) {
    return (int)syscall(SYS_mount_setattr, folder, path, flags, change, size);
}
#endif

#endif

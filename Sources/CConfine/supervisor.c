#include "confine_supervisor.h"

#include "confine.h"
#include "descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static int result(long value) {
    return value < 0 ? -errno : (int)value;
}

int confine_memory_file(void) {
    return result(memfd_create("confine", MFD_CLOEXEC | MFD_ALLOW_SEALING));
}

int confine_sealed_file(const uint8_t *bytes, size_t length) {
    int file = confine_memory_file();
    if (file < 0) return file;
    int outcome = 0;
    for (size_t done = 0; done < length && !outcome; ) {
        ssize_t count = write(file, bytes + done, length - done);
        if (count < 0) outcome = -errno;
        else done += (size_t)count;
    }
    if (!outcome) outcome = result(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL));
    if (!outcome) outcome = result(lseek(file, 0, SEEK_SET));
    if (!outcome) return file;
    close(file);
    return outcome;
}

int confine_socket_pair(int ends[2]) {
    return result(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
}

int confine_receive_descriptor(int socket) {
    char word;
    int descriptors[CONFINE_FD_LIMIT];
    struct confine_arrival arrival = confine_take_descriptors(socket, &word, 1, descriptors, 1, MSG_DONTWAIT);
    if (arrival.length < 0) return (int)arrival.length;
    return arrival.length > 0 && arrival.count > 0 ? descriptors[0] : -EBADMSG;
}

int confine_receive_descriptors(int socket, int *into, size_t count) {
    char word;
    int received[CONFINE_FD_LIMIT];
    struct confine_arrival arrival =
        confine_take_descriptors(socket, &word, 1, received, CONFINE_FD_LIMIT, MSG_DONTWAIT);
    if (arrival.length < 0) return (int)arrival.length;
    if (arrival.length == 0 || arrival.count != count) {
        for (size_t i = 0; i < arrival.count; i++) close(received[i]);
        return -EBADMSG;
    }
    memcpy(into, received, count * sizeof(int));
    return 0;
}

int confine_packet_pair(int ends[2]) {
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return -errno;
    int outcome = result(fcntl(ends[0], F_SETFL, O_NONBLOCK));
    if (!outcome) return 0;
    close(ends[0]);
    close(ends[1]);
    return outcome;
}

int confine_request_strategy(int socket, const int *descriptors, uint32_t count) {
    struct confine_request request = {.magic = CONFINE_REQUEST_MAGIC, .descriptors = count};
    if (count > CONFINE_FD_LIMIT) return -EINVAL;
    return confine_send_descriptors(socket, &request, sizeof request, descriptors, count, MSG_NOSIGNAL);
}

int confine_hand_over(int socket, int descriptor) {
    char word = 't';
    return confine_send_descriptors(socket, &word, 1, &descriptor, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int confine_receive_packet(int socket, uint8_t *into, size_t length) {
    return result(recv(socket, into, length, 0));
}

int confine_open_tree(const char *path, uint64_t attributes) {
    struct mount_attr change = {.attr_set = attributes};
    int tree = result(open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
    if (tree < 0) return tree;
    int outcome = result(mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &change, sizeof change));
    if (!outcome) return tree;
    close(tree);
    return outcome;
}

int confine_make_network(void) {
    static const char path[] = "/proc/thread-self/ns/net";
    int own = open(path, O_RDONLY | O_CLOEXEC);
    if (own < 0) return -errno;
    int made = result(unshare(CLONE_NEWNET));
    if (!made) {
        made = result(open(path, O_RDONLY | O_CLOEXEC));
        // What a thread that cannot come back starts from then on would have no network.
        if (setns(own, CLONE_NEWNET) < 0) abort();
    }
    close(own);
    return made;
}

int confine_open_path(const char *path) {
    return result(open(path, O_PATH | O_CLOEXEC));
}

int confine_notification_receive(int listener, struct confine_notification *notification) {
    struct seccomp_notif raw;
    memset(&raw, 0, sizeof raw);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &raw) < 0) return -errno;
    notification->id = raw.id;
    notification->pid = (int32_t)raw.pid;
    notification->call = raw.data.nr;
    for (int i = 0; i < 6; i++) notification->arguments[i] = raw.data.args[i];
    return 0;
}

int confine_notification_answer(int listener, uint64_t id, int error) {
    struct seccomp_notif_resp answer = {
        .id = id, .error = -error, .flags = error ? 0 : SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    return result(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer));
}

int confine_notification_is_valid(int listener, uint64_t id) {
    return result(ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id));
}

int confine_read_text(pid_t pid, uint64_t address, char *into, size_t length) {
    // A text near the end of a page may be followed by nothing, so no more than the page is asked for.
    size_t wanted = 4096 - (address & 4095);
    if (wanted > length - 1) wanted = length - 1;
    struct iovec local = {.iov_base = into, .iov_len = wanted};
    struct iovec remote = {.iov_base = (void *)address, .iov_len = wanted};
    ssize_t count = process_vm_readv(pid, &local, 1, &remote, 1, 0);
    if (count < 0) return -errno;
    into[count] = 0;
    return (int)strlen(into);
}

int confine_read_bytes(pid_t pid, uint64_t address, void *into, size_t length) {
    struct iovec local = {.iov_base = into, .iov_len = length};
    struct iovec remote = {.iov_base = (void *)address, .iov_len = length};
    return result(process_vm_readv(pid, &local, 1, &remote, 1, 0));
}

int confine_is_delegated(const char *folder) {
    // Delegate= in systemd.resource-control(5); the first is written since systemd 251, the second before and for root.
    char mark[2];
    return (getxattr(folder, "user.delegate", mark, sizeof mark) == 1 && mark[0] == '1') ||
           (getxattr(folder, "trusted.delegate", mark, sizeof mark) == 1 && mark[0] == '1');
}

int confine_landlock_version(void) {
    return result(syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION));
}

int confine_probe_namespaces(int flags) {
    long child = syscall(SYS_clone, flags | CLONE_NEWUSER | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0);
    if (child < 0) return -errno;
    // AppArmor on Ubuntu lets the namespace be made and takes its capabilities away, so one must be tried. A failed
    // system call is all that happens in the child, besides its end.
    if (child == 0) _exit(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ? errno : 0);
    int status;
    while (waitpid((pid_t)child, &status, 0) < 0)
        if (errno != EINTR) return -errno;
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

int confine_probe_mount_trees(void) {
    // With a descriptor that is none, a kernel that has the call says EBADF.
    if (mount_setattr(-1, "", AT_EMPTY_PATH, NULL, 0) < 0 && errno == ENOSYS) return -ENOSYS;
    if (open_tree(-1, "", AT_EMPTY_PATH) < 0 && errno == ENOSYS) return -ENOSYS;
    return move_mount(-1, "", -1, "", MOVE_MOUNT_F_EMPTY_PATH) < 0 && errno == ENOSYS ? -ENOSYS : 0;
}

int confine_probe_seccomp(uint32_t action) {
    return result(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
}

#ifndef CONFINE_DESCRIPTORS_H
#define CONFINE_DESCRIPTORS_H

#include "confine.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

/// Descriptors that go over a socket beside a few bytes (man 7 unix, SCM_RIGHTS), CONFINE_FD_LIMIT of them at most.

union confine_passing {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(CONFINE_FD_LIMIT * sizeof(int))];
};

/// Sends both in one message. Returns 0 or -errno.
static inline int confine_send_descriptors(
    int socket, void *bytes, size_t length, const int *descriptors, size_t count, int flags) {
    struct iovec data = {.iov_base = bytes, .iov_len = length};
    union confine_passing control = {0};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    control.header = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(count * sizeof(int))};
    memcpy(CMSG_DATA(&control.header), descriptors, count * sizeof(int));
    return sendmsg(socket, &message, flags) < 0 ? -errno : 0;
}

/// What came in one message.
struct confine_arrival {
    /// How many bytes: nought when there was none and nobody is left to send one. Else -errno, and nothing came.
    ssize_t length;
    /// How many descriptors.
    size_t count;
    /// Of recvmsg: whether something was cut off.
    int flags;
};

/// Takes the next message. `descriptors` has room for CONFINE_FD_LIMIT, though what is beyond `room` is mostly dropped by the
/// kernel; an execution closes those that came.
static inline struct confine_arrival confine_take_descriptors(
    int socket, void *bytes, size_t length, int *descriptors, size_t room, int flags) {
    struct iovec data = {.iov_base = bytes, .iov_len = length};
    union confine_passing control = {0};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = CMSG_SPACE(room * sizeof(int))};
    struct confine_arrival arrival = {.length = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | flags)};
    if (arrival.length < 0) {
        arrival.length = -errno;
        return arrival;
    }
    arrival.flags = message.msg_flags;
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) return arrival;
    arrival.count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(descriptors, CMSG_DATA(header), arrival.count * sizeof(int));
    return arrival;
}

#endif

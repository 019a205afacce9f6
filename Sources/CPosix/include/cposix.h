#ifndef CPOSIX_H
#define CPOSIX_H

/// System calls that Swift cannot import from the C library. Each does one thing, takes plain data, and
/// returns its result or -errno.

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

/// An epoll instance, close-on-exec. Returns the descriptor or -errno.
int cposix_epoll_create(void);

/// Adds, changes or removes `fd`. `operation` is 1 add, 2 remove, 3 change (as EPOLL_CTL_*).
/// `events` are EPOLL* bits; `token` comes back with each event. Returns 0 or -errno.
int cposix_epoll_control(int epoll, int operation, int fd, uint32_t events, uint64_t token);

/// One readiness event.
struct cposix_epoll_event {
    uint32_t events;
    uint64_t token;
};

/// Waits at most `timeout_ms` (-1: for ever). Returns how many of `events` were filled, or -errno.
/// EINTR counts as none.
int cposix_epoll_wait(int epoll, struct cposix_epoll_event *events, int capacity, int timeout_ms);

/// A non-blocking, close-on-exec eventfd. Returns the descriptor or -errno.
int cposix_eventfd(void);

/// A pipe with both ends close-on-exec; `read_flags`/`write_flags` may add O_NONBLOCK to either end.
/// Returns 0 and fills `ends`, or -errno.
int cposix_pipe(int ends[2], int read_flags, int write_flags);

/// A descriptor for child `pid`, close-on-exec. Returns it or -errno.
int cposix_pidfd_open(pid_t pid);

/// Sends `signal` to the process behind `pidfd`. Returns 0 or -errno.
int cposix_pidfd_send_signal(int pidfd, int signal);

/// Reaps the child behind `pidfd` without blocking. Returns 1 and fills `code` (CLD_EXITED, CLD_KILLED,
/// CLD_DUMPED) and `status` when it has ended, 0 when it still runs, or -errno.
int cposix_pidfd_reap(int pidfd, int *code, int *status);

/// Sets the calling thread's name, at most 15 bytes. Returns 0 or -errno.
int cposix_set_thread_name(const char *name);

/// Pins a thread, the calling one with 0, to one CPU, or with -1 frees it. Returns 0 or -errno.
int cposix_pin(pid_t thread, int cpu);

/// Lets every ordinary thread go before the calling one: SCHED_IDLE. Returns 0 or -errno.
int cposix_yield_to_others(void);

/// Lets SIGTERM and SIGINT write their number, one byte, into `fd` instead of ending the process; `fd` must stay open
/// and not block. SIGPIPE is ignored. Children get their signals back from cposix_spawn. Returns 0 or -errno.
int cposix_catch_end_signals(int fd);

/// Listens for TCP connections on a numeric IPv4 or IPv6 address; port 0 takes a free one. The socket is close-on-exec and
/// does not block. Returns it, or -errno; -EINVAL when the address is not numeric.
int cposix_tcp_listen(const char *address, int port);

/// The port that a socket listens on, or -errno.
int cposix_tcp_port(int socket);

/// Takes a waiting connection, close-on-exec, non-blocking, without Nagle's delay. Writes the other side's numeric address
/// into `peer`, cut to `size`. Returns the socket, or -errno; -EAGAIN when none waits.
int cposix_tcp_accept(int socket, char *peer, int size);

/// Lets closing the socket send a reset instead of an orderly end. Returns 0 or -errno.
int cposix_tcp_reset_on_close(int socket);

#endif

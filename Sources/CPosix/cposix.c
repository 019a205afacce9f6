#include "cposix.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static int result(int value) {
    return value < 0 ? -errno : value;
}

int cposix_epoll_create(void) {
    return result(epoll_create1(EPOLL_CLOEXEC));
}

int cposix_epoll_control(int epoll, int operation, int fd, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data.u64 = token};
    return result(epoll_ctl(epoll, operation, fd, &event));
}

int cposix_epoll_wait(int epoll, struct cposix_epoll_event *events, int capacity, int timeout_ms) {
    struct epoll_event raw[256];
    if (capacity > 256) capacity = 256;
    int count = epoll_wait(epoll, raw, capacity, timeout_ms);
    if (count < 0) return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < count; i++) {
        events[i].events = raw[i].events;
        events[i].token = raw[i].data.u64;
    }
    return count;
}

int cposix_eventfd(void) {
    return result(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

int cposix_pipe(int ends[2], int read_flags, int write_flags) {
    if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
    // The two ends are separate open file descriptions, so each has its own O_NONBLOCK.
    if ((read_flags && fcntl(ends[0], F_SETFL, read_flags) < 0) ||
        (write_flags && fcntl(ends[1], F_SETFL, write_flags) < 0)) {
        int error = errno;
        close(ends[0]);
        close(ends[1]);
        return -error;
    }
    return 0;
}

int cposix_pidfd_open(pid_t pid) {
    return result((int)syscall(SYS_pidfd_open, pid, 0));
}

int cposix_pidfd_send_signal(int pidfd, int signal) {
    return result((int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0));
}

int cposix_pidfd_reap(int pidfd, int *code, int *status) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    if (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | __WALL) < 0) return -errno;
    if (info.si_pid == 0) return 0;
    *code = info.si_code;
    *status = info.si_status;
    return 1;
}

int cposix_set_thread_name(const char *name) {
    return -pthread_setname_np(pthread_self(), name);
}

int cposix_pin(pid_t thread, int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int each = cpu < 0 ? 0 : cpu; each < (cpu < 0 ? CPU_SETSIZE : cpu + 1); each++) CPU_SET(each, &set);
    return result(sched_setaffinity(thread, sizeof set, &set));
}

int cposix_yield_to_others(void) {
    struct sched_param none = {.sched_priority = 0};
    return result(sched_setscheduler(0, SCHED_IDLE, &none));
}

static int end_signal_fd = -1;

static void on_end_signal(int number) {
    int saved = errno;
    unsigned char byte = (unsigned char)number;
    // A full pipe holds a signal already.
    ssize_t ignored = write(end_signal_fd, &byte, 1);
    (void)ignored;
    errno = saved;
}

int cposix_catch_end_signals(int fd) {
    end_signal_fd = fd;
    struct sigaction action = {.sa_handler = on_end_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGTERM, &action, NULL) < 0) return -errno;
    // A shell that starts a program in the background lets it ignore control-C; that stays so.
    struct sigaction old;
    if (sigaction(SIGINT, NULL, &old) < 0) return -errno;
    if (old.sa_handler != SIG_IGN && sigaction(SIGINT, &action, NULL) < 0) return -errno;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    return result(sigaction(SIGPIPE, &ignore, NULL));
}

#include "cposix_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT 32

int cposix_spawn(const char *path, char *const arguments[], char *const environment[], const int *descriptors,
                 int count, pid_t *pid) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all, none;
    int moved[LIMIT];
    int error = 0, lifted = 0;
    if (count > LIMIT) return -EINVAL;
    if ((error = posix_spawn_file_actions_init(&actions))) return -error;
    if ((error = posix_spawnattr_init(&attributes))) {
        posix_spawn_file_actions_destroy(&actions);
        return -error;
    }
    // Out of the way first: were a source below LIMIT, an earlier dup2 might have overwritten it.
    for (; lifted < count && !error; lifted++) {
        moved[lifted] = descriptors[lifted] < 0 ? -1 : fcntl(descriptors[lifted], F_DUPFD_CLOEXEC, LIMIT);
        if (descriptors[lifted] >= 0 && moved[lifted] < 0) error = errno;
    }
    for (int i = 0; i < count && !error; i++) {
        if (moved[i] >= 0) error = posix_spawn_file_actions_adddup2(&actions, moved[i], i);
        else error = posix_spawn_file_actions_addclose(&actions, i);
    }
    if (!error) error = posix_spawn_file_actions_addclosefrom_np(&actions, count);
    sigfillset(&all);
    sigemptyset(&none);
    if (!error) error = posix_spawnattr_setsigdefault(&attributes, &all);
    if (!error) error = posix_spawnattr_setsigmask(&attributes, &none);
    if (!error)
        error = posix_spawnattr_setflags(
            &attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    if (!error) error = posix_spawn(pid, path, &actions, &attributes, arguments, environment);
    for (int i = 0; i < lifted; i++)
        if (moved[i] >= 0) close(moved[i]);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -error;
}

int cposix_wait(pid_t pid, int *code, int *status) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | __WALL) < 0)
        if (errno != EINTR) return -errno;
    *code = info.si_code;
    *status = info.si_status;
    return 0;
}

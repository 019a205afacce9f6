#ifndef CPOSIX_SPAWN_H
#define CPOSIX_SPAWN_H

#include <sys/types.h>

/// Starts `path` in a session of its own, with default signals, the given arguments and environment (both end with
/// NULL), and `descriptors[i]` as its descriptor i, or none where that is -1; every other descriptor is closed in it.
/// At most 32 descriptors. Costs the same from a large process as from a small one (the memory is not copied).
/// Returns 0 and fills `pid`, or -errno with no child left behind.
int cposix_spawn(const char *path, char *const arguments[], char *const environment[], const int *descriptors,
                 int count, pid_t *pid);

/// Waits for child `pid` to end and reaps it. Fills `code` (CLD_EXITED, CLD_KILLED, CLD_DUMPED) and `status`.
/// Returns 0 or -errno.
int cposix_wait(pid_t pid, int *code, int *status);

#endif

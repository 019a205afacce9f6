#ifndef LAUNCH_H
#define LAUNCH_H

#include "confine.h"
#include "sight.h"

#include <stdbool.h>
#include <sys/types.h>
#include <sys/wait.h>

/// One launch, to which this program plays the supervisor and, where the plan wants one, the nursery.

int confine_main(int count, char **arguments);

struct outcome {
    /// What the strategy said and how its walls look from outside. Empty when it did not get so far.
    char sight[TEXT];
    /// What came out of its standard error. Only a sanitizer or the launcher's usage writes there.
    char errors[TEXT];
    struct confine_report reports[8];
    int report_count;
    /// Bytes of a report that was cut off.
    int torn;
    pid_t nursery, launcher, watcher, strategy;
    /// -1: there was none, or nobody knows its number.
    int nursery_status, launcher_status, watcher_status, strategy_status;
    int strangers;
    bool has_run, waits;
};

/// By which door the strategy comes, or that the plan is a nursery's own.
extern enum door { COLD, WARM, SETTLING } door;
extern const char *nursery_root, *bundle, *watcher_path;
extern const char *group_paths[CONFINE_FD_LIMIT];
extern int group_count, plan_file;
/// Whether the strategy is made ahead.
extern bool is_ahead;
/// 0 when this is root.
extern uid_t user;
/// How often something was not as it must be.
extern int failures;

/// Launches once, and waits until nobody of it is left.
void launch(struct outcome *outcome);

/// Whether a process has ended by itself, with this status.
static inline bool has_exited(int status, int code) {
    return WIFEXITED(status) && WEXITSTATUS(status) == code;
}

/// The value, which is not below nought.
int must(int value, const char *what);

/// Has exactly these descriptors from here on; those that are -1 are closed.
void keep_descriptors(const int *wanted, int count);

/// Writes all of the text into a file that is there.
void write_own(const char *name, const char *text);

/// Takes what comes next, if something has come. Returns how many descriptors that were.
int receive(int socket, int *into);

/// Adds what can be read to a text. False when there is nothing, or no room.
bool take_text(char *text, int from);

#endif

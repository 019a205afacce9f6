#ifndef SIGHT_H
#define SIGHT_H

#include <stdbool.h>
#include <sys/types.h>

/// What can be seen of a process from outside its walls, as text: so that two launches can be compared.

#define TEXT 32768

/// Ends this program with what the last system call failed with.
_Noreturn void die(const char *what);

/// Adds to a text of TEXT bytes; what is too long is cut.
void add(char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/// Adds all that shows how a process is confined. `has_inner_pid` adds its number in its own namespace.
void look(char *text, const char *name, pid_t pid, bool has_inner_pid);

/// How many descriptors this process has.
int open_descriptors(void);

/// Replaces the text by the mounts of this process.
void own_mounts(char *text);

#endif

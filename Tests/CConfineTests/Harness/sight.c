#include "sight.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Noreturn void die(const char *what) {
    fprintf(stderr, "harness: %s: %s\n", what, strerror(errno));
    exit(2);
}

void add(char *text, const char *format, ...) {
    size_t length = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + length, TEXT - length, format, arguments);
    va_end(arguments);
}

/// The lines of a file of /proc that begin with one of `heads`; all without.
static void add_lines(char *text, pid_t pid, const char *name, const char *const *heads) {
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    FILE *file = fopen(path, "re");
    if (!file) {
        add(text, "%s: %s\n", name, strerror(errno));
        return;
    }
    while (fgets(line, sizeof line, file)) {
        bool is_wanted = !heads;
        for (const char *const *head = heads; head && *head; head++) is_wanted |= !strncmp(line, *head, strlen(*head));
        if (is_wanted) add(text, "%s", line);
    }
    fclose(file);
}

static void add_mounts(char *text, pid_t pid) {
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%d/mountinfo", pid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        // Without the mount's numbers and its device's, which are new each time.
        const char *rest = line;
        for (int i = 0; i < 3 && rest; i++) rest = (rest = strchr(rest, ' ')) ? rest + 1 : NULL;
        add(text, "mount %s", rest ? rest : line);
    }
    if (file) fclose(file);
}

static void add_descriptors(char *text, pid_t pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    bool open[64] = {0};
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder)); )
        if (entry->d_name[0] != '.') open[atoi(entry->d_name) & 63] = true;
    if (folder) closedir(folder);
    add(text, "descriptors:");
    for (int i = 0; i < 64; i++)
        if (open[i]) add(text, " %d", i);
    add(text, "\n");
}

static void add_namespaces(char *text, pid_t pid) {
    const char *const names[] = {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[64], own[64] = "", other[64] = "";
        snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
        if (readlink(path, own, sizeof own - 1) < 0) own[0] = 0;
        snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, names[i]);
        ssize_t length = readlink(path, other, sizeof other - 1);
        add(text, "namespace %s: %s\n", names[i], length < 0 ? "hidden" : strcmp(own, other) ? "other" : "the same");
    }
}

void look(char *text, const char *name, pid_t pid, bool has_inner_pid) {
    static const char *const heads[] = {"Umask:", "Uid:", "Gid:", "Groups:", "SigBlk:", "SigIgn:", "SigCgt:", "Cap",
                                        "NoNewPrivs:", "Seccomp", "Threads:", "NStgid", NULL};
    char status[TEXT] = "";
    add(text, "---- %s\n", name);
    add_lines(status, pid, "status", heads);
    // The outer pid is new each time.
    char *numbers = strstr(status, "NStgid:");
    if (numbers) {
        char *end = strchr(numbers, '\n');
        char *inner = end;
        while (inner && inner > numbers && *inner != '\t') inner--;
        if (has_inner_pid) add(text, "inner pid%.*s\n", inner ? (int)(end - inner) : 0, inner ? inner : "");
        if (end) memmove(numbers, end + 1, strlen(end + 1) + 1);
    }
    add(text, "%s", status);
    add_lines(text, pid, "limits", NULL);
    add_lines(text, pid, "cgroup", NULL);
    add_namespaces(text, pid);
    add_mounts(text, pid);
    add_descriptors(text, pid);
}

int open_descriptors(void) {
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (!folder) die("/proc/self/fd");
    while (readdir(folder)) count++;
    closedir(folder);
    return count;
}

void own_mounts(char *text) {
    text[0] = 0;
    add_lines(text, getpid(), "mountinfo", NULL);
}

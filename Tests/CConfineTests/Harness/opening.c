#include "opening.h"
#include "faults.h"
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/// A user namespace as newuidmap makes it: the supervisor's own user is 0 in it, and the lent ones are 1, 2 and so on.
static int lent_users(void) {
    static const char map[] = "0 0 1\n1 50000 16\n";
    int go[2];
    char path[64], word;
    if (pipe2(go, O_CLOEXEC)) die("pipe");
    pid_t holder = must(fork(), "fork");
    if (holder == 0) {
        close(go[0]);
        must(unshare(CLONE_NEWUSER), "unshare");
        if (write(go[1], "u", 1) != 1) die("pipe");
        pause();
        _exit(0);
    }
    close(go[1]);
    if (read(go[0], &word, 1) != 1) die("lent users");
    close(go[0]);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", holder, i ? "uid_map" : "gid_map");
        write_own(path, map);
    }
    snprintf(path, sizeof path, "/proc/%d/ns/user", holder);
    int users = must(open(path, O_RDONLY | O_CLOEXEC), path);
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
    return users;
}

/// Has it all opened by a process of its own, and says what came. Returns how that process ended.
static int open_all(int users, char **words, int count, char *sight, char *errors) {
    int ends[2], err[2], received[CONFINE_FD_LIMIT], status;
    sight[0] = errors[0] = 0;
    memset(faults->count, 0, sizeof faults->count);
    faults->hit = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) || pipe2(err, O_CLOEXEC)) die("socketpair");
    pid_t opener = must(fork(), "fork");
    if (opener == 0) {
        keep_descriptors((int[]){ends[1], users, err[1]}, 3);
        role = ROLE_LAUNCHER;
        _exit(confine_main(count, words));
    }
    close(ends[1]), close(err[1]);
    must(waitpid(opener, &status, 0), "waitpid");
    int all = receive(ends[0], received);
    for (int i = 0; i < all; i++) {
        char path[64], name[512] = "";
        struct statvfs system;
        snprintf(path, sizeof path, "/proc/self/fd/%d", received[i]);
        if (readlink(path, name, sizeof name - 1) < 0 || fstatvfs(received[i], &system) < 0) die(path);
        add(sight, "%s, opened with %o, mounted with %lx\n", name, fcntl(received[i], F_GETFL), system.f_flag);
        close(received[i]);
    }
    if (receive(ends[0], received) > 0) add(sight, "and more\n");
    while (take_text(errors, err[0])) {}
    close(ends[0]), close(err[0]);
    return status;
}

int try_opening(char **files, int count) {
    static char sight[TEXT], reference[TEXT], errors[TEXT];
    char attributes[24];
    snprintf(attributes, sizeof attributes, "%d", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    char *words[CONFINE_FD_LIMIT] = {"confine", "open", "3", attributes, (char *)(uintptr_t)bundle};
    int last = 5, total = 0, users = lent_users();
    while (count-- > 0 && last < CONFINE_FD_LIMIT - 1) words[last++] = *files++;
    *faults = (struct faults){0};
    int status = open_all(users, words, last, reference, errors);
    if (!has_exited(status, 0) || !reference[0] || errors[0]) {
        printf("FAULT: nothing failed, and it ended with %x: %s%s\n", status, reference, errors);
        failures++;
    }
    if (getenv("HARNESS_SHOW")) printf("%s", reference);
    static const int numbers[] = {EIO, EINTR, EIO};
    for (int kind = 0; kind < FAULT_KINDS && !failures; kind++) {
        int number = 0;
        do {
            *faults = (struct faults){.role = ROLE_LAUNCHER, .kind = kind, .number = ++number, .error = numbers[kind]};
            status = open_all(users, words, last, sight, errors);
            bool is_clean = has_exited(status, 0) && !strcmp(sight, reference);
            // It tells no error: then the files are not to be opened.
            bool is_told = has_exited(status, faults->which == SYS_setfsuid ? EACCES : faults->error) && !sight[0];
            bool holds = faults->hit && kind == FAULT_FAILS ? is_told : is_clean;
            if (!holds || errors[0]) {
                printf("FAULT: call %d, %s (%ld), kind %d: it ended with %x: %s%s\n", number, faults->call,
                       faults->which, kind, status, sight, errors);
                failures++;
            }
        } while (faults->hit && failures < 10);
        total += number - 1;
    }
    close(users);
    return total;
}

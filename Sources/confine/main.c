#include "confine.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>

/// Makes a user namespace, says so on descriptor 1, and keeps it until descriptor 0 comes to its end: by then the
/// supervisor has mapped ids into it, and holds it open.
static int hold_users(void) {
    char word;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || unshare(CLONE_NEWUSER) < 0) return errno;
    if (write(1, "u", 1) != 1) return EPIPE;
    while (read(0, &word, 1) < 0 && errno == EINTR) {}
    return 0;
}

/// What the supervisor cannot open itself for a strategy of a nursery of lent ids: descriptor 0 is the socket, 1 the user
/// namespace; the nursery's id, the attributes, the bundle and the groups' files follow.
static int open_for_nursery(char **words, size_t count) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return errno;
    return -confine_open_for_nursery(1, 0, strtoull(words[0], NULL, 10), strtoull(words[1], NULL, 10), words[2], words + 3,
                                     count - 3);
}

/// The launcher. The supervisor starts it with a plan on descriptor 4 and a status pipe on descriptor 3.
/// It reads no environment, and takes no argument but for two small services: "users" and "open".
int main(int count_of_arguments, char **arguments) {
    if (count_of_arguments == 2 && !strcmp(arguments[1], "users")) return hold_users();
    if (count_of_arguments >= 5 && !strcmp(arguments[1], "open"))
        return open_for_nursery(arguments + 2, (size_t)count_of_arguments - 2);
    struct stat plan;
    if (fstat(CONFINE_FD_PLAN, &plan) < 0 || plan.st_size <= 0 || plan.st_size > CONFINE_MAX_BYTES) {
        fputs("confine: this is a part of bullpen, which starts it with a plan on descriptor 4\n", stderr);
        return CONFINE_EXIT_FAILED;
    }
    // Until the strategy has its own: the launcher must not outlive the supervisor either.
    // Had it died before that call, nobody would read the status pipe any more.
    struct pollfd status = {.fd = CONFINE_FD_STATUS};
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) confine_give_up("parent-death signal");
    int count;
    do count = poll(&status, 1, 0);
    while (count < 0 && errno == EINTR);
    if (count < 0) confine_give_up("status pipe");
    if (status.revents & POLLERR) return CONFINE_EXIT_FAILED;
    const uint8_t *bytes = mmap(NULL, (size_t)plan.st_size, PROT_READ, MAP_PRIVATE, CONFINE_FD_PLAN, 0);
    if (bytes == MAP_FAILED) confine_give_up("plan");
    confine_run(bytes, (size_t)plan.st_size, NULL);
}

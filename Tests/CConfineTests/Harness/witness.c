#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

/// The strategy of the fault tests: looks at its walls from within, says what it sees, and waits for the end of its
/// input. What it says after a call that failed and went unnoticed must be what it says after none.
static void see(const char *what, long value) {
    char line[96];
    int length = snprintf(line, sizeof line, "%s %ld\n", what, value);
    if (write(1, line, (size_t)length) != length) _exit(9);
}

static void try(const char *what, long value) {
    see(what, value < 0 ? -errno : value);
}

int main(void) {
    struct utsname name;
    char byte;
    // Where there is no pid namespace of its own, the numbers are new each time.
    bool is_inside = getpid() <= 2;
    see("pid", is_inside ? getpid() : -1);
    see("parent", is_inside ? getppid() : -1);
    see("uid", getuid());
    see("gid", getgid());
    see("session", getsid(0) == getpid());
    try("descriptor", fcntl(3, F_GETFD));
    try("proc", open("/proc", O_RDONLY));
    // World-readable, so only Landlock stands before it.
    try("unlisted file", open("/unlisted", O_RDONLY));
    try("root", open("/new", O_WRONLY | O_CREAT, 0600));
    try("bundle", open("/bundle/new", O_WRONLY | O_CREAT, 0600));
    int file = open("/work/new", O_WRONLY | O_CREAT, 0666);
    struct stat status = {0};
    try("work", file < 0 ? file : fstat(file, &status));
    see("mode", status.st_mode);
    try("socket", socket(AF_INET, SOCK_DGRAM, 0));
    try("mkfifo", mkfifo("/work/pipe", 0600));
    try("unshare", syscall(SYS_unshare, 0x200 /* CLONE_FS */));
    see("host name", uname(&name) < 0 ? -errno : strcmp(name.nodename, "bullpen"));
    if (write(1, "done\n", 5) != 5) _exit(9);
    return read(0, &byte, 1) == 0 ? 42 : 9;
}

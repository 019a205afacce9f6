// What stands between stress-ng and its walls, as the strategy of the profiles that Tests/exam/stress.py derives.
//
// The exam starts stress-ng itself as the strategy, with this library loaded before all others. It says `ready` to the
// host, sends everything else that stress-ng prints to the log, and forks by the plain system call: the C library's fork
// goes through clone, which every profile refuses whatever it lists.
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

__attribute__((constructor)) static void begin(void) {
    static const char ready[] = "{\"type\":\"ready\",\"sdk\":\"stress/1\"}\n";
    if (write(1, ready, strlen(ready)) < 0) _exit(9);
    dup2(2, 1);
}

pid_t fork(void) { return (pid_t)syscall(SYS_fork); }
pid_t vfork(void) { return fork(); }
pid_t _Fork(void) { return fork(); }

// Without this the host would take it for a library and not for a program.
int main(void) { return 0; }

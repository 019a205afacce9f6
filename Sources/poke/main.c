#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

/// What an operator runs inside the profile for programs: `poke report` says what the walls look like from inside, as
/// operator/report.py does; `poke` alone reads commands. Static, so that it needs nothing of the runtime.

extern char **environ;

static long call(long number, const long *words) {
    return syscall(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

/// The error of a system call, 0 when it worked.
static int error_of(long number, long a, long b, long c, long d, long e, long f) {
    return call(number, (long[]){a, b, c, d, e, f}) < 0 ? errno : 0;
}

static int write_to(const char *folder) {
    char path[64];
    snprintf(path, sizeof path, "%s/probe", folder);
    int file = open(path, O_WRONLY | O_CREAT, 0600);
    if (file < 0) return errno;
    close(file);
    return 0;
}

static int lock(void) {
    struct flock whole = {.l_type = F_WRLCK};
    int file = open("/work/lock", O_RDWR | O_CREAT, 0600);
    int error = fcntl(file, F_SETLK, &whole) < 0 ? errno : 0;
    close(file);
    return error;
}

static int make_process(void) {
    long child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (child == 0) _exit(0);
    return child < 0 ? errno : 0;
}

static int execute(void) {
    char *words[] = {"poke", "--version", NULL};
    execve("/sdk/poke", words, environ);
    return errno;
}

static void list_root(void) {
    DIR *folder = opendir("/");
    const char *comma = "";
    for (struct dirent *entry; folder && (entry = readdir(folder)); ) {
        if (entry->d_name[0] == '.') continue;
        printf("%s\"%s\"", comma, entry->d_name);
        comma = ",";
    }
    if (folder) closedir(folder);
}

static int report(void) {
    struct utsname names;
    uname(&names);
    printf("{\"user\":%d,\"group\":%d,\"process\":%d,\"host\":\"%s\",\"root\":[", (int)getuid(), (int)getgid(),
           (int)getpid(), names.nodename);
    list_root();
    printf("],\"special\":[");
    const char *comma = "", *special[] = {"/proc", "/sys", "/dev"};
    for (int i = 0; i < 3; i++) {
        if (access(special[i], F_OK) != 0) continue;
        printf("%s\"%s\"", comma, special[i]);
        comma = ",";
    }
    printf("],\"writes\":{\"\":%d,\"/usr\":%d,\"/bundle\":%d,\"/work\":%d,\"/tmp\":%d},\"variables\":[", write_to(""),
           write_to("/usr"), write_to("/bundle"), write_to("/work"), write_to("/tmp"));
    for (char **variable = environ; *variable; variable++)
        printf("%s\"%.*s\"", variable == environ ? "" : ",", (int)strcspn(*variable, "="), *variable);
    printf("],\"tries\":{\"network\":%d,\"netlink\":%d,", error_of(SYS_socket, 2, 1, 0, 0, 0, 0),
           error_of(SYS_socket, 16, 3, 0, 0, 0, 0));
    printf("\"process\":%d,\"program\":%d,\"trace\":%d,", make_process(), execute(),
           error_of(SYS_ptrace, 0, 0, 0, 0, 0, 0));
    printf("\"signal\":%d,\"namespace\":%d,", error_of(SYS_kill, 1, 0, 0, 0, 0, 0),
           error_of(SYS_unshare, 0x10000000, 0, 0, 0, 0, 0));
    printf("\"keys\":%d,\"bpf\":%d,\"rings\":%d,", error_of(SYS_keyctl, 0, -3, 0, 0, 0, 0),
           error_of(SYS_bpf, 0, 0, 0, 0, 0, 0), error_of(SYS_io_uring_setup, 1, 0, 0, 0, 0, 0));
    printf("\"terminal\":%d,\"executable_memory\":%d,\"lock\":%d}}\n", error_of(SYS_ioctl, 0, 0x5412, 0, 0, 0, 0),
           error_of(SYS_mmap, 0, 4096, 7, 0x22, -1, 0), lock());
    fflush(stdout);
    // It is looked at from outside until its input ends.
    for (char byte; read(0, &byte, 1) > 0; ) {}
    return 0;
}

// ---- Commands ----

static sigjmp_buf prompt;

static void interrupt(int number) {
    (void)number;
    siglongjmp(prompt, 1);
}

static void fail(const char *what) {
    printf("%s: %s\n", what, strerror(errno));
}

static void list(const char *path) {
    DIR *folder = opendir(path);
    if (!folder) return fail(path);
    for (struct dirent *entry; (entry = readdir(folder)); )
        printf("%s%s\n", entry->d_name, entry->d_type == DT_DIR ? "/" : "");
    closedir(folder);
}

static void show(const char *path) {
    int file = open(path, O_RDONLY);
    if (file < 0) return fail(path);
    char bytes[4096];
    for (ssize_t count; (count = read(file, bytes, sizeof bytes)) > 0; ) fwrite(bytes, 1, (size_t)count, stdout);
    close(file);
}

static void put(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0) return fail(path);
    if (write(file, text, strlen(text)) < 0) fail(path);
    else printf("%zu bytes\n", strlen(text));
    close(file);
}

static void call_number(char *words) {
    long arguments[7] = {0};
    int count = 0;
    for (char *word = strtok(words, " "); word && count < 7; word = strtok(NULL, " "))
        arguments[count++] = strtol(word, NULL, 0);
    if (!count) return (void)puts("call <number> [argument …]");
    long result = call(arguments[0], arguments + 1);
    if (result < 0) fail("it failed");
    else printf("%ld\n", result);
}

static const char *const help =
    "list <folder>            what is in it\n"
    "show <file>              what it holds\n"
    "put <file> <text>        make a file\n"
    "call <number> <word …>   a system call by number, with numbers as its arguments\n"
    "connect                  make an internet socket\n"
    "fork                     make a process\n"
    "memory                   map memory to write and to execute\n"
    "spin                     burn processor time, until interrupted\n"
    "exit [code]              end";

static void obey(char *line) {
    char *rest = line + strcspn(line, " ");
    if (*rest) *rest++ = 0;
    if (!*line) return;
    if (!strcmp(line, "list")) list(*rest ? rest : "/");
    else if (!strcmp(line, "show")) show(rest);
    else if (!strcmp(line, "put")) {
        char *text = rest + strcspn(rest, " ");
        if (*text) *text++ = 0;
        put(rest, text);
    } else if (!strcmp(line, "call")) call_number(rest);
    else if (!strcmp(line, "connect")) call_number(strcpy((char[32]){0}, "41 2 1 0"));
    else if (!strcmp(line, "fork")) make_process() ? fail("fork") : (void)puts("it worked");
    else if (!strcmp(line, "memory")) call_number(strcpy((char[32]){0}, "9 0 4096 7 0x22 -1 0"));
    else if (!strcmp(line, "spin")) for (volatile long i = 0;; i++) {}
    else if (!strcmp(line, "exit")) exit(atoi(rest));
    else puts(help);
}

int main(int count, char **words) {
    if (count > 1 && !strcmp(words[1], "report")) return report();
    struct sigaction action = {.sa_handler = interrupt};
    sigaction(SIGINT, &action, NULL);
    static char *line;
    static size_t size;
    if (sigsetjmp(prompt, 1)) putchar('\n');
    for (;;) {
        fputs("> ", stdout);
        fflush(stdout);
        ssize_t length = getline(&line, &size, stdin);
        if (length < 0) return 0;
        if (length && line[length - 1] == '\n') line[length - 1] = 0;
        obey(line);
        fflush(stdout);
    }
}

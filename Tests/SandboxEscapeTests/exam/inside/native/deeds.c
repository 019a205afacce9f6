/// Attacks that are more than single calls, as `deeds.py` has them: the same names, the same outcomes.
#include "native.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long err(long result) {
    return result < 0 ? -errno : result;
}

// ---- Descriptors ----

static void descriptors(void) {
    char odd[512] = "";
    for (int number = 0; number < 1024; number++) {
        struct stat status;
        if (fstat(number, &status) < 0) continue;
        size_t length = strlen(odd);
        if (!S_ISFIFO(status.st_mode))
            snprintf(odd + length, sizeof odd - length, "%d is %o ", number, status.st_mode);
        int folder = openat(number, "../..", O_DIRECTORY);
        length = strlen(odd);
        if (folder >= 0) {
            snprintf(odd + length, sizeof odd - length, "through %d a folder opens ", number);
            close(folder);
        }
    }
    note("folders", odd[0] ? odd : "none");
    tell();
}

// ---- Processes ----

static void *trace_thread(void *unused) {
    note_result("PTRACE_TRACEME in a thread", call(SYS_ptrace, 0, 0, 0, 0, 0, 0));
    tell();
    pause_for(is_control ? 1 : 3600);
    return unused;
}

static void trace_me(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, trace_thread, NULL);
    pause_for(0.3);
    _exit(3);
}

static void *count_one(void *counter) {
    __atomic_add_fetch((int *)counter, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void threads(void) {
    pthread_t crowd[8];
    int count = 0;
    for (int i = 0; i < 8; i++) pthread_create(&crowd[i], NULL, count_one, &count);
    for (int i = 0; i < 8; i++) pthread_join(crowd[i], NULL);
    note("threads", count == 8 ? "done" : "lost");
    tell();
}

static void fork_bomb(void) {
    long most = known_or("most", 100000), count = 0, result = 0;
    while (count < most) {
        result = err(fork());
        if (result == 0) {
            if (is_control) pause_for(2), _exit(0);
            continue;
        }
        if (result < 0) break;
        count++;
    }
    char text[32];
    snprintf(text, sizeof text, "%ld", count);
    if (count == 0) note_result("processes", result);
    else note("processes", text);
    tell();
}

static void *stay(void *unused) {
    pause_for(known_or("stay", 1) + 1);
    return unused;
}

static void thread_bomb(void) {
    long most = known_or("most", 10000), count = 0;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 << 10);
    pthread_t thread;
    while (count < most && pthread_create(&thread, &attributes, stay, NULL) == 0) count++;
    note_number("threads", count);
    tell();
    if (!is_control) pause_for(known_or("stay", 1));
}

static void daemon_deed(void) {
    long result = err(fork());
    if (result == 0) {
        setsid();
        if (fork() == 0) pause_for(is_control ? 5 : 3600);
        _exit(0);
    }
    note_result("daemon", result);
    tell();
}

static char raced[64] = "/bin/true";
static volatile int race_is_over;

static void *flip(void *unused) {
    for (int turn = 0; !race_is_over; turn ^= 1) strcpy(raced, turn ? "/bin/true" : "/bundle/strategy");
    return unused;
}

static void race_notice(void) {
    long nothing[1] = {0};
    long rounds = is_control ? 0 : 400;
    int others = 0, refused = 0, unknown = 0;
    pthread_t thread;
    if (is_control) {
        // The race is the same; what counts is that the call does something.
        try("execve", FORKS, SYS_execve, (long)raced, (long)nothing, (long)nothing, 0, 0, 0);
        tell();
        return;
    }
    pthread_create(&thread, NULL, flip, NULL);
    for (long i = 0; i < rounds; i++) {
        long result = call(SYS_execve, (long)raced, (long)nothing, (long)nothing, 0, 0, 0);
        if (result == -EPERM) refused++;
        else if (result == -ENOSYS) unknown++;
        else others++;
    }
    race_is_over = 1;
    pthread_join(thread, NULL);
    note("execve", others ? "something else" : unknown && refused ? "ENOSYS,EPERM" : refused ? "EPERM" : "ENOSYS");
    tell();
}

static void abort_first(void) {
    long first = known("first");
    note_result("tgkill(1, 1, SIGABRT)", call(SYS_tgkill, first, first, SIGABRT, 0, 0, 0));
    tell();
    pause_for(0.3);
    note("survived", "yes");
    tell();
}

static void foreign_numbers(void) {
    note("begun", "yes");
    tell();
    note_result("x32 getpid", call(0x40000000 | 39, 0, 0, 0, 0, 0, 0));
    tell();
}

static void old_gate(void) {
    note("begun", "yes");
    tell();
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory", "r8", "r9", "r10", "r11");
    note_result("int 0x80 getpid", result);
    tell();
}

// ---- Time ----

static void stop_itself(void) {
    note_result("SIGSTOP to itself", err(kill(getpid(), SIGSTOP)));
    note_result("SIGSTOP to its thread", call(SYS_tgkill, getpid(), gettid(), SIGSTOP, 0, 0, 0));
    tell();
    pause_for(60);
}

static void sleeper_deed(void) {
    note("asleep", "yes");
    tell();
    pause_for(is_control ? 5 : 3600);
}

static void deaf(void) {
    for (int number = 1; number < 65; number++) signal(number, SIG_IGN);
    note("ignores", "yes");
    tell();
    double end = seconds() + (is_control ? 5 : 3600);
    while (seconds() < end) pause_for(0.05);
}

static double busy_end;

static void *turn(void *unused) {
    while (seconds() < busy_end)
        for (volatile int i = 0; i < 10000; i++) continue;
    return unused;
}

static void busy(void) {
    double begin = seconds();
    pthread_t thread;
    busy_end = begin + known("seconds");
    for (long i = 1; i < known_or("loops", 1); i++) pthread_create(&thread, NULL, turn, NULL);
    turn(NULL);
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    note_number("share", (used.tv_sec + used.tv_nsec / 1e9) / (seconds() - begin));
    tell();
}

static void ends_soon(void) {
    note("begun", "yes");
    tell();
    pause_for(1);
    _exit(0);
}

// ---- Memory and files ----

static void big_mapping(void) {
    char *memory = mmap(NULL, 6L << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    note_result("mapped", memory == MAP_FAILED ? -errno : 0);
    tell();
    if (memory == MAP_FAILED) _exit(4);
    for (long at = 0; at < known_or("touch", 6L << 30); at += 4096) memory[at] = 1;
    note("touched", "done");
    tell();
}

static void eat(void) {
    for (long i = 0; i < known("mb"); i++) {
        char *piece = malloc(1 << 20);
        if (!piece) break;
        memset(piece, 'x', 1 << 20);
    }
    note("eaten", "done");
    tell();
    pause_for(is_control ? 0 : 60);
}

static void fill(void) {
    const char *root = (const char *)known("writable");
    char path[256], *megabyte = calloc(1, 1 << 20);
    long written = 0, made = 0, result = 0;
    for (; written < known("mb"); written++) {
        snprintf(path, sizeof path, "%s/bytes-%ld", root, written);
        int file = open(path, O_CREAT | O_WRONLY, 0600);
        result = file < 0 ? -errno : err(write(file, megabyte, 1 << 20));
        if (file >= 0) close(file);
        if (result >= 0 && result < 1 << 20) result = -ENOSPC;
        if (result < 0) break;
    }
    note_result("bytes", result);
    note_number("megabytes", written);
    for (long i = 0; i <= written; i++) snprintf(path, sizeof path, "%s/bytes-%ld", root, i), unlink(path);
    for (; made < known("files"); made++) {
        snprintf(path, sizeof path, "%s/%ld", root, made);
        result = err(open(path, O_CREAT | O_WRONLY, 0600));
        if (result < 0) break;
        close((int)result);
    }
    note_result("files", result);
    note_number("made", made);
    for (long i = 0; i < made; i++) snprintf(path, sizeof path, "%s/%ld", root, i), unlink(path);
    signal(SIGXFSZ, SIG_IGN);
    snprintf(path, sizeof path, "%s/sparse", root);
    int file = open(path, O_CREAT | O_RDWR, 0600);
    note_result("sparse", err(pwrite(file, "x", 1, 10L << 30)));
    note_result("truncate to 1 TB", err(ftruncate(file, 1L << 40)));
    tell();
}

static void exhaust(void) {
    long most = known("most"), pipes = 0, epolls = 0, events = 0;
    int ends[2];
    static char noise[65536];
    while (pipes < most && pipe2(ends, O_NONBLOCK) == 0) {
        while (write(ends[1], noise, sizeof noise) > 0) continue;
        pipes++;
    }
    while (epolls < most && call(SYS_epoll_create1, 0, 0, 0, 0, 0, 0) >= 0) epolls++;
    while (events < most && call(SYS_eventfd2, 0, 0, 0, 0, 0, 0) >= 0) events++;
    note_number("pipes", pipes);
    note_number("epolls", epolls);
    note_number("eventfds", events);
    tell();
    if (!is_control) pause_for(known("stay"));
}

// ---- What it says ----

static void endless_line(void) {
    static char chunk[(1 << 20) + 1];
    note("begun", "yes");
    tell();
    memset(chunk, 'x', sizeof chunk - 1);
    for (long i = 0; i < known("mb"); i++) say(chunk);
    note("written", "done");
    tell();
    pause_for(is_control ? 0 : 60);
}

static void flood(void) {
    const char *kind = (const char *)known("kind");
    static char text[200000];
    double begin = seconds(), size = 0;
    note("begun", "yes");
    tell();
    for (long n = 0; n < known("lines") && seconds() - begin < known_or("seconds", 3); n++) {
        if (!strcmp(kind, "metric"))
            snprintf(text, sizeof text, "{\"type\":\"metric\",\"name\":\"m%ld\",\"value\":\"%ld\"}\n", n, n);
        else if (!strcmp(kind, "log"))
            snprintf(text, sizeof text, "{\"type\":\"log\",\"level\":\"error\",\"message\":\"%0400ld\"}\n", n);
        else if (!strcmp(kind, "timer"))
            snprintf(text, sizeof text, "{\"type\":\"timer\",\"id\":\"t%ld\",\"after_ms\":1,\"repeat\":true}\n", n);
        else if (!strcmp(kind, "state"))
            snprintf(text, sizeof text, "{\"type\":\"state\",\"state\":\"%040000ld\"}\n", n);
        else
            snprintf(text, sizeof text, "noise %ld\n", n);
        if (!strcmp(kind, "stderr")) {
            if (write(2, text, strlen(text)) < 0 && errno != EAGAIN) _exit(9);
        } else {
            say(text);
        }
        size += strlen(text);
    }
    note_number("bytes", size);
    note_number("seconds", seconds() - begin);
    tell();
    pause_for(is_control ? 0 : 60);
}

const struct deed deeds[] = {
    {"descriptors", descriptors},   {"trace_me", trace_me},   {"threads", threads},
    {"fork_bomb", fork_bomb},       {"thread_bomb", thread_bomb}, {"daemon", daemon_deed},
    {"race_notice", race_notice},   {"abort_first", abort_first}, {"foreign_numbers", foreign_numbers},
    {"old_gate", old_gate},         {"stop_itself", stop_itself}, {"sleeper", sleeper_deed},
    {"deaf", deaf},                 {"busy", busy},           {"ends_soon", ends_soon},
    {"big_mapping", big_mapping},   {"eat", eat},             {"fill", fill},
    {"exhaust", exhaust},           {"endless_line", endless_line}, {"flood", flood},
    {0, 0},
};

/* What programs in C do with the C library: files, memory, threads, waiting, time, and an event loop of their own. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* What must work does, or the program ends with the line of what did not. */
#define MUST(condition)                                                                                              \
    do {                                                                                                             \
        if (!(condition)) {                                                                                          \
            fprintf(stderr, "line %d: %s: %s\n", __LINE__, #condition, strerror(errno));                             \
            exit(1);                                                                                                 \
        }                                                                                                            \
    } while (0)

static void files(void) {
    MUST(mkdir("/work/d", 0700) == 0);
    FILE *file = fopen("/work/d/a", "w+");
    MUST(file);
    for (int i = 0; i < 5000; i++) fprintf(file, "%d,%f\n", i, sqrt(i));
    rewind(file);
    char line[64];
    MUST(fgets(line, sizeof line, file));
    fseek(file, 0, SEEK_END);
    MUST(fflush(file) == 0 && fsync(fileno(file)) == 0 && fdatasync(fileno(file)) == 0);
    MUST(ftruncate(fileno(file), 100) == 0);
    fclose(file);
    int number = open("/work/d/a", O_RDWR | O_CLOEXEC);
    MUST(number >= 0);
    MUST(pread(number, line, 4, 2) == 4 && pwrite(number, line, 4, 2) == 4);
    struct iovec parts[2] = {{line, 2}, {line + 2, 2}};
    MUST(writev(number, parts, 2) == 4 && lseek(number, 0, SEEK_SET) == 0 && readv(number, parts, 2) == 4);
    struct stat status;
    MUST(fstat(number, &status) == 0 && stat("/work/d/a", &status) == 0 && lstat("/work/d/a", &status) == 0);
    int copy = dup(number);
    MUST(copy >= 0 && dup2(number, copy) == copy && dup3(number, copy, O_CLOEXEC) == copy);
    MUST(fcntl(copy, F_GETFD) >= 0 && fcntl(copy, F_SETFD, FD_CLOEXEC) == 0 && fcntl(copy, F_GETFL) >= 0);
    void *view = mmap(NULL, 100, PROT_READ | PROT_WRITE, MAP_SHARED, number, 0);
    MUST(view != MAP_FAILED && munmap(view, 100) == 0);
    close(copy), close(number);
    MUST(rename("/work/d/a", "/work/d/b") == 0 && access("/work/d/b", R_OK) == 0);
    DIR *folder = opendir("/work/d");
    MUST(folder);
    while (readdir(folder)) {}
    closedir(folder);
    char path[256];
    MUST(getcwd(path, sizeof path));
    char *whole = realpath("/work/d/b", NULL);
    MUST(whole);
    free(whole);
    MUST(remove("/work/d/b") == 0 && rmdir("/work/d") == 0);
    char name[] = "/tmp/x-XXXXXX";
    number = mkstemp(name);
    MUST(number >= 0 && unlink(name) == 0);
    close(number);
    FILE *temporary = tmpfile();
    if (temporary) fclose(temporary);
}

static void memory(void) {
    void *blocks[64];
    for (int i = 0; i < 64; i++) memset(blocks[i] = malloc((size_t)1 << (i % 21)), 1, (size_t)1 << (i % 21));
    for (int i = 0; i < 64; i++) free(blocks[i]);
    char *growing = malloc(1 << 20);
    for (int i = 2; i < 20; i++) growing = realloc(growing, (size_t)i << 20);
    free(growing);
    void *aligned;
    MUST(posix_memalign(&aligned, 4096, 1 << 16) == 0);
    free(aligned);
    void *pages = mmap(NULL, 1 << 22, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(pages != MAP_FAILED && madvise(pages, 1 << 22, MADV_DONTNEED) == 0);
    MUST(mprotect(pages, 4096, PROT_NONE) == 0 && munmap(pages, 1 << 22) == 0);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t semaphore;
static int count;

static void *work(void *argument) {
    (void)argument;
    pthread_setname_np(pthread_self(), "worker");
    pthread_barrier_wait(&barrier);
    pthread_mutex_lock(&lock);
    count++;
    pthread_cond_broadcast(&change);
    pthread_mutex_unlock(&lock);
    sem_post(&semaphore);
    free(malloc(1 << 20));
    return NULL;
}

static void threads(void) {
    pthread_t threads[3];
    MUST(pthread_barrier_init(&barrier, NULL, 3) == 0 && sem_init(&semaphore, 0, 0) == 0);
    for (int i = 0; i < 3; i++) MUST(pthread_create(&threads[i], NULL, work, NULL) == 0);
    pthread_mutex_lock(&lock);
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 5;
    while (count < 3) MUST(pthread_cond_timedwait(&change, &lock, &until) == 0);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < 3; i++) MUST(sem_wait(&semaphore) == 0);
    for (int i = 0; i < 3; i++) MUST(pthread_join(threads[i], NULL) == 0);
    pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
    MUST(pthread_rwlock_wrlock(&rwlock) == 0 && pthread_rwlock_unlock(&rwlock) == 0);
    pthread_attr_t attributes;
    MUST(pthread_getattr_np(pthread_self(), &attributes) == 0 || errno);
    sched_yield();
    cpu_set_t set;
    MUST(sched_getaffinity(0, sizeof set, &set) == 0);
}

static void waiting(void) {
    int ends[2], sockets[2];
    MUST(pipe(ends) == 0 && pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    struct pollfd entry = {.fd = ends[0], .events = POLLIN};
    MUST(poll(&entry, 1, 1) == 0);
    struct timespec short_time = {.tv_nsec = 1000000};
    MUST(ppoll(&entry, 1, &short_time, NULL) == 0);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    struct timeval moment = {.tv_usec = 1000};
    MUST(select(ends[0] + 1, &set, NULL, NULL, &moment) == 0);
    MUST(pselect(ends[0] + 1, &set, NULL, NULL, &short_time, NULL) == 0);
    int events = epoll_create1(EPOLL_CLOEXEC), wake = eventfd(0, EFD_CLOEXEC);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    MUST(events >= 0 && wake >= 0 && timer >= 0);
    struct itimerspec soon = {.it_value = {.tv_nsec = 1000000}};
    MUST(timerfd_settime(timer, 0, &soon, NULL) == 0 && timerfd_gettime(timer, &soon) == 0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = timer};
    MUST(epoll_ctl(events, EPOLL_CTL_ADD, timer, &event) == 0 && epoll_wait(events, &event, 1, 1000) == 1);
    sigset_t none;
    sigemptyset(&none);
    MUST(epoll_pwait(events, &event, 1, 0, &none) == 1);
    uint64_t one = 1;
    MUST(write(wake, &one, 8) == 8 && read(wake, &one, 8) == 8 && read(timer, &one, 8) == 8);
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0);
    MUST(send(sockets[0], "x", 1, 0) == 1 && recv(sockets[1], &one, 1, 0) == 1);
    for (int i = 0; i < 2; i++) close(ends[i]), close(sockets[i]);
    close(events), close(wake), close(timer);
}

static jmp_buf back;
static void handle(int number) {
    (void)number;
}

static void system_and_time(void) {
    struct timespec now, moment = {.tv_nsec = 1000000};
    for (int clock = 0; clock < 8; clock++) clock_gettime(clock, &now), clock_getres(clock, &now);
    time(NULL);
    MUST(nanosleep(&moment, NULL) == 0 && clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL) == 0 && usleep(10) == 0);
    struct tm parts;
    time_t seconds = time(NULL);
    localtime_r(&seconds, &parts);
    struct tms used;
    struct rusage usage;
    struct rlimit limit;
    struct utsname name;
    struct sysinfo info;
    times(&used), clock();
    MUST(getrusage(RUSAGE_SELF, &usage) == 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0 && uname(&name) == 0);
    MUST(sysinfo(&info) == 0 && getpid() > 0 && getppid() >= 0 && getuid() == geteuid() && getgid() == getegid());
    MUST(gettid() > 0 && sysconf(_SC_NPROCESSORS_ONLN) > 0 && sysconf(_SC_PHYS_PAGES) > 0);
    unsigned char random[16];
    MUST(getentropy(random, sizeof random) == 0);
    struct sigaction action = {.sa_handler = handle};
    MUST(sigaction(SIGUSR1, &action, NULL) == 0 && sigaction(SIGFPE, &action, NULL) == 0);
    stack_t stack = {.ss_sp = malloc(SIGSTKSZ), .ss_size = SIGSTKSZ};
    MUST(sigaltstack(&stack, NULL) == 0);
    sigset_t set;
    sigfillset(&set);
    MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0 && pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
    if (!setjmp(back)) longjmp(back, 1);
    isatty(0), isatty(1);
    /* Caught, so that it goes on: the same call as for the default, which ends it. */
    signal(SIGABRT, handle);
    raise(SIGABRT);
}

static void refused(void) {
    /* Tried by mistake: must fail, and must not end the program. */
    MUST(socket(AF_INET, SOCK_STREAM, 0) < 0);
    MUST(system("true") != 0);
    MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    MUST(kill(getpid(), SIGUSR1) < 0);
    MUST(link("/bundle/strategy", "/work/l") < 0 && symlink("a", "/work/s") < 0);
}

static void answer(const char *line) {
    const char *type = strstr(line, "\"type\":\"");
    if (!type) return;
    type += 8;
    if (!strncmp(type, "hello\"", 6)) puts("{\"type\":\"ready\",\"sdk\":\"workload\"}");
    const char *id = strstr(line, "\"id\":");
    if (!strncmp(type, "ping\"", 5) && id) printf("{\"type\":\"pong\",\"id\":%d}\n", atoi(id + 5));
    if (!strncmp(type, "stop\"", 5)) puts("{\"type\":\"bye\"}");
    fflush(stdout);
    if (!strncmp(type, "stop\"", 5)) exit(0);
}

int main(void) {
    files(), memory(), threads(), waiting(), system_and_time(), refused();
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) answer(line);
    return 1;
}

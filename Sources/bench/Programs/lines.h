/*
 * What strategies in C that measure or make load share: a clock, the members of a line, and a loop that takes lines and acts
 * by the clock. It relies on the order of members in the host's lines, which a strategy should not.
 */
#pragma once

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES = 1 << 20 };

/* Microseconds of a clock that only goes forward. */
static inline long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

static inline bool begins(const char *line, const char *with) { return strncmp(line, with, strlen(with)) == 0; }

/* What stands behind these words, or NULL. */
static inline const char *behind(const char *line, const char *words) {
    const char *found = strstr(line, words);
    return found == NULL ? NULL : found + strlen(words);
}

static inline long integer(const char *line, const char *name, long otherwise) {
    const char *found = behind(line, name);
    return found == NULL ? otherwise : strtol(found, NULL, 10);
}

/* The text behind `name` up to its quotation mark, cut to what there is room for. */
static inline void word(const char *line, const char *name, char *into, size_t size) {
    const char *found = behind(line, name);
    size_t at = 0;
    for (; found != NULL && found[at] != '"' && found[at] != 0 && at + 1 < size; at++) into[at] = found[at];
    into[at] = 0;
}

/* Answers a ping, and says good-bye when the host says stop. Whether the line was one of these, and whether life goes on. */
static inline bool is_answered(const char *line, bool *lives) {
    if (begins(line, "{\"type\":\"ping\"")) {
        printf("{\"type\":\"pong\",\"id\":%ld}\n", integer(line, "\"id\":", 0));
        return true;
    }
    if (!begins(line, "{\"type\":\"stop\"")) return false;
    puts("{\"type\":\"bye\"}");
    *lives = false;
    return true;
}

/*
 * Gives each line to `take`, and calls `act` whenever it may be time to act: it does what is due and says in how many
 * microseconds more is, or with -1 that only a line can make it so. Returns the exit status.
 */
static inline int live(void (*take)(const char *line), long long (*act)(void)) {
    static char buffer[LINE_BYTES];
    size_t filled = 0;
    while (true) {
        long long rest = act();
        fflush(stdout);
        struct pollfd input = {.fd = 0, .events = POLLIN};
        if (poll(&input, 1, rest < 0 ? -1 : (int)((rest + 999) / 1000)) < 0 && errno != EINTR) return 1;
        if ((input.revents & (POLLIN | POLLHUP)) == 0) continue;
        ssize_t count = read(0, buffer + filled, sizeof buffer - 1 - filled);
        if (count <= 0) return 0;
        filled += (size_t)count;
        char *line = buffer, *end;
        bool lives = true;
        while ((end = memchr(line, '\n', filled - (size_t)(line - buffer))) != NULL) {
            *end = 0;
            if (!is_answered(line, &lives)) take(line);
            if (!lives) return fflush(stdout);
            line = end + 1;
        }
        filled -= (size_t)(line - buffer);
        memmove(buffer, line, filled);
        if (filled == sizeof buffer - 1) return fflush(stdout);
    }
}

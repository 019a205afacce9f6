/*
 * Market orders at an even pace, or so many in flight, a buy and a sell in turn; notes how long each waited for the
 * venue's answer. "GO" as a signal begins and forgets what was noted, "HALT" ends, "REPORT" logs count and percentiles in
 * microseconds. It relies on the order of members in the host's lines, which a strategy should not.
 *
 * Parameters: every_us, the time between two orders, or 0 for `window` orders in flight; starts, whether it begins by
 * itself.
 */
#include "lines.h"

enum { KEPT = 1 << 17 };

static char run[64];
static bool runs, buys = true, owns;
static long every_us, window = 8, number, in_flight;
static long long next;
/* When each of the last orders was asked for; nought once it was answered. */
static long long asked[KEPT];
static unsigned waits[KEPT];
static size_t noted;

static void order(void) {
    number++;
    asked[number % KEPT] = now();
    in_flight++;
    /* Something has to be there before it can be sold. */
    printf("{\"type\":\"order\",\"request\":\"%s-%ld\",\"symbol\":\"BTCUSDT\",\"side\":\"%s\",\"order_type\":\"market\","
           "\"quantity\":\"%s\"}\n",
           run, number, buys ? "buy" : "sell", owns ? "0.001" : "0.1");
    if (owns) buys = !buys;
    owns = true;
}

static void answered(const char *line) {
    const char *request = strstr(line, "\"request\":\"");
    const char *status = strstr(line, "\"status\":\"");
    if (request == NULL || status == NULL || strncmp(request + 11, run, strlen(run)) != 0) return;
    if (begins(status + 10, "pending")) return;
    const char *dash = strchr(request + 11 + strlen(run), '-');
    long which = dash == NULL ? 0 : strtol(dash + 1, NULL, 10);
    long long *time = &asked[which % KEPT];
    if (which == 0 || *time == 0) return;
    if (noted < KEPT) waits[noted++] = (unsigned)(now() - *time);
    *time = 0;
    in_flight--;
    if (runs && every_us == 0) order();
}

static int compare(const void *left, const void *right) {
    unsigned a = *(const unsigned *)left, b = *(const unsigned *)right;
    return (a > b) - (a < b);
}

static void report(void) {
    qsort(waits, noted, sizeof waits[0], compare);
    if (noted == 0) waits[0] = 0;
    size_t last = noted == 0 ? 0 : noted - 1;
    printf("{\"type\":\"log\",\"level\":\"info\",\"message\":\"waits %zu %u %u %u\"}\n", noted, waits[noted / 2 > last ? last : noted / 2],
           waits[last * 99 / 100], waits[last]);
}

static void take(const char *line) {
    if (begins(line, "{\"type\":\"order\"")) {
        answered(line);
    } else if (begins(line, "{\"type\":\"hello\"")) {
        word(line, "\"run\":\"", run, sizeof run);
        every_us = integer(line, "\"every_us\":", 10000);
        window = integer(line, "\"window\":", 8);
        owns = strstr(line, "\"positions\":[]") == NULL;
        runs = integer(line, "\"starts\":", 0) != 0;
        next = now();
        puts("{\"type\":\"ready\",\"sdk\":\"bench/1.0\"}");
    } else if (begins(line, "{\"type\":\"signal\"")) {
        if (strstr(line, "\"action\":\"GO\"") != NULL) {
            noted = 0;
            next = now();
            if (!runs && every_us == 0)
                for (long each = 0; each < window; each++) order();
            runs = true;
        } else if (strstr(line, "\"action\":\"HALT\"") != NULL) {
            runs = false;
        } else {
            report();
        }
    }
}

static long long act(void) {
    if (!runs || every_us == 0) return -1;
    long long time = now();
    while (next <= time) {
        order();
        next += every_us;
    }
    return next - time;
}

int main(void) { return live(take, act); }

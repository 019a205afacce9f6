/*
 * A strategy that behaves well and never rests, at an exchange: orders of all kinds, changes and cancels by the clock. A
 * program, so that it trades a few milliseconds after it was started.
 *
 * Its request ids are fixed, and a new run begins a little before the place that it had saved, so that every restart sends
 * requests again that the host has seen. It relies on the order of members in the host's lines, which a strategy should not.
 *
 * Parameters: every_us, the time between two orders; kinds, a letter for each kind of order that the exchange takes: m
 * market, i ioc, f fok, p post only, s stop, r reduce only, a for changes.
 */
#include "../../Sources/bench/Programs/lines.h"

#include <math.h>
#include <stdint.h>

enum { STANDING = 64, REPEATED = 1, MOST_STANDING = 8 };

static char symbol[32], kinds[32];
static double tick = 0.01, step = 0.00001, price, held;
static long every_us = 100000, number, saved, ticks;
static long long next;
static uint64_t dice;
/* Limit orders that may still stand, oldest first. */
static long standing[STANDING];
static int count;

/* splitmix64 */
static long below(long most) {
    uint64_t z = (dice += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (long)((z ^ (z >> 31)) % (uint64_t)most);
}

static double decimal(const char *line, const char *name, double otherwise) {
    const char *found = behind(line, name);
    return found == NULL ? otherwise : strtod(found, NULL);
}

/* A multiple of a unit, in its own digits. */
static const char *whole(double value, double unit) {
    static char texts[4][40];
    static int turn;
    char *text = texts[turn++ % 4];
    int digits = (int)lround(-log10(unit));
    snprintf(text, sizeof texts[0], "%.*f", digits < 0 ? 0 : digits, floor(value / unit + 1e-6) * unit);
    return text;
}

/* Worth 100 to 400. */
static const char *size(void) { return whole((100 + (double)below(300)) / price, step); }

/* So many hundredths of a per cent on the side where an order rests, or with a negative number where it takes. */
static const char *near(bool buys, long away) {
    double move = price * (double)(away + below(5)) / 10000;
    return whole(buys ? price - move : price + move, tick);
}

static void stands(long request) {
    if (count == STANDING) memmove(standing, standing + 1, sizeof standing[0] * (size_t)--count);
    standing[count++] = request;
}

static void ended(long request) {
    for (int at = 0; at < count; at++) {
        if (standing[at] != request) continue;
        memmove(standing + at, standing + at + 1, sizeof standing[0] * (size_t)(--count - at));
        return;
    }
}

static void order(void) {
    bool buys = held * price < 1000 ? true : held * price > 6000 ? false : below(2) == 0;
    char kind = kinds[0] == 0 ? 'l' : kinds[below((long)strlen(kinds))];
    /* As many limit orders as all others together. */
    if (kind == 'a' || below(2) == 0) kind = 'l';
    if (kind == 'r') buys = false;
    printf("{\"type\":\"order\",\"request\":\"q%ld\",\"symbol\":\"%s\",\"side\":\"%s\",\"quantity\":\"%s\",\"order_type\":",
           ++number, symbol, buys ? "buy" : "sell", size());
    switch (kind) {
    case 'm': printf("\"market\""); break;
    case 'r': printf("\"market\",\"reduce_only\":true"); break;
    case 'i': printf("\"limit\",\"time_in_force\":\"ioc\",\"price\":\"%s\"", near(buys, below(2) == 0 ? -8 : 5)); break;
    case 'f': printf("\"limit\",\"time_in_force\":\"fok\",\"price\":\"%s\"", near(buys, below(2) == 0 ? -8 : 5)); break;
    case 'p': printf("\"limit\",\"post_only\":true,\"price\":\"%s\"", near(buys, 10)); break;
    case 's': printf("\"stop\",\"stop_price\":\"%s\"", near(buys, -30)); break;
    default: printf("\"limit\",\"price\":\"%s\"", near(buys, below(3) == 0 ? -8 : below(2) == 0 ? 1 : 20));
    }
    puts("}");
    if (strchr("lps", kind) != NULL) stands(number);
}

static void trade(void) {
    ticks++;
    order();
    if (strchr(kinds, 'a') != NULL && count > 0 && below(100) < 15) {
        long request = standing[below(count)];
        if (below(10) < 7)
            printf("{\"type\":\"amend\",\"request\":\"q%ld\",\"price\":\"%s\"}\n", request, near(below(2) == 0, 20));
        else
            printf("{\"type\":\"amend\",\"request\":\"q%ld\",\"quantity\":\"%s\"}\n", request, size());
    }
    while (count > MOST_STANDING) {
        printf("{\"type\":\"cancel\",\"request\":\"q%ld\"}\n", standing[0]);
        ended(standing[0]);
    }
    if (ticks % 2 == 0) {
        if (number > saved) saved = number;
        printf("{\"type\":\"state\",\"state\":{\"saved\":%ld,\"ticks\":%ld}}\n", saved, ticks);
    }
}

static void hello(const char *line) {
    word(line, "\"pair\":\"", symbol, sizeof symbol);
    word(line, "\"kinds\":\"", kinds, sizeof kinds);
    every_us = integer(line, "\"every_us\":", 100000);
    char wanted[64];
    snprintf(wanted, sizeof wanted, "{\"symbol\":\"%s\",\"base\"", symbol);
    const char *listed = strstr(line, wanted);
    if (listed != NULL) {
        tick = decimal(listed, "\"tick_size\":\"", tick);
        step = decimal(listed, "\"step_size\":\"", step);
    }
    const char *positions = behind(line, "\"positions\":[");
    if (positions != NULL && *positions == '{') held = decimal(positions, "\"quantity\":\"", 0);
    /* What stands from before is cancelled first. */
    const char *end = strstr(line, "\"state\":");
    for (const char *at = strstr(line, "\"orders\":["); at != NULL && (end == NULL || at < end);) {
        at = behind(at, "\"request\":\"q");
        if (at != NULL && (end == NULL || at < end)) stands(strtol(at, NULL, 10));
    }
    const char *state = strstr(line, "\"state\":{");
    if (state != NULL) {
        saved = integer(state, "\"saved\":", 0);
        ticks = integer(state, "\"ticks\":", 0);
    }
    number = saved > REPEATED ? saved - REPEATED : 0;
    dice = (uint64_t)ticks;
    /* No two of them do the same, which nobody could tell apart where the exchange takes no names. */
    const char *name = behind(line, "\"strategy\":\"");
    for (; name != NULL && *name != '"' && *name != 0; name++) dice = dice * 1099511628211u + (unsigned char)*name;
    printf("{\"type\":\"ready\",\"sdk\":\"torture/1.0\"}\n"
           "{\"type\":\"subscribe\",\"symbol\":\"%s\",\"trades\":true,\"quotes\":true}\n", symbol);
    next = now();
}

static void take(const char *line) {
    if (begins(line, "{\"type\":\"quote\"")) {
        price = (decimal(line, "\"bid\":\"", 0) + decimal(line, "\"ask\":\"", 0)) / 2;
    } else if (begins(line, "{\"type\":\"trade\"")) {
        price = decimal(line, "\"price\":\"", price);
    } else if (begins(line, "{\"type\":\"candle\"")) {
        price = decimal(line, "\"close\":\"", price);
    } else if (begins(line, "{\"type\":\"position\"")) {
        held = decimal(line, "\"quantity\":\"", held);
    } else if (begins(line, "{\"type\":\"order\"")) {
        char status[24];
        word(line, "\"status\":\"", status, sizeof status);
        bool lives = strcmp(status, "pending") == 0 || strcmp(status, "open") == 0
            || strcmp(status, "partially_filled") == 0 || strcmp(status, "unknown") == 0;
        if (!lives) ended(integer(line, "\"request\":\"q", 0));
    } else if (begins(line, "{\"type\":\"hello\"")) {
        hello(line);
    }
}

static long long act(void) {
    if (next == 0 || price <= 0) return -1;
    long long time = now();
    while (next <= time) {
        trade();
        next += every_us;
        /* What was held up is not made up for. */
        if (next < time - every_us) next = time;
    }
    return next - time;
}

int main(void) { return live(take, act); }

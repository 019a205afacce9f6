/*
 * An exponential moving-average crossover over strategy protocol 1, in C without a library.
 *
 * It reads one JSON object a line from standard input and writes one a line to standard output; what it writes to
 * standard error is its log. The little reader below finds members of the outermost object only, which is all that
 * the lines it cares about need.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Only `candles` of a backtest are so long; without `batches` in `ready` no line has more than 256 KiB. */
enum { LINE_BYTES = 1024 * 1024 + 1, NAME_BYTES = 64 };

/* Goes past one JSON value; returns what lies behind it, or NULL when the text ends inside it. */
static const char *past_value(const char *at) {
    int depth = 0;
    do {
        while (isspace((unsigned char)*at) || *at == ',' || *at == ':')
            at++;
        switch (*at) {
        case '\0':
            return NULL;
        case '{':
        case '[':
            depth++;
            at++;
            break;
        case '}':
        case ']':
            depth--;
            at++;
            break;
        case '"':
            for (at++; *at != '"'; at++) {
                if (*at == '\\')
                    at++;
                if (*at == '\0')
                    return NULL;
            }
            at++;
            break;
        default:
            at += strcspn(at, ",:]} \t");
        }
    } while (depth > 0);
    return at;
}

/* Finds a member of the object that starts at `at`; returns where its value starts, or NULL. */
static const char *member(const char *at, const char *name) {
    size_t length = strlen(name);
    if (at == NULL || *at++ != '{')
        return NULL;
    for (;;) {
        while (isspace((unsigned char)*at) || *at == ',')
            at++;
        if (*at != '"')
            return NULL;
        bool found = strncmp(at + 1, name, length) == 0 && at[1 + length] == '"';
        at = past_value(at);
        if (at == NULL)
            return NULL;
        at += strspn(at, " \t:");
        if (found)
            return at;
        at = past_value(at);
        if (at == NULL)
            return NULL;
    }
}

/* Copies a string's text; false when there is none, or it has an escape or does not fit. */
static bool text(const char *value, char *output, size_t size) {
    if (value == NULL || *value++ != '"')
        return false;
    size_t length = strcspn(value, "\"\\");
    if (value[length] != '"' || length >= size)
        return false;
    memcpy(output, value, length);
    output[length] = '\0';
    return true;
}

/* A decimal in a string. Doubles are good enough to compare means, and stay out of what is ordered. */
static double decimal(const char *line, const char *name) {
    char digits[NAME_BYTES];
    return text(member(line, name), digits, sizeof digits) ? strtod(digits, NULL) : 0;
}

struct strategy {
    char symbol[NAME_BYTES];
    char quantity[NAME_BYTES]; /* as text: it goes out as it came in */
    char prefix[NAME_BYTES];
    double fast, slow, held;
    long candles, requests;
    bool waiting;
    char *closes;    /* of a batch: those that were not looked at yet, with a space between */
    char *order;     /* which series each of its candles is of; NULL with one */
    long next;       /* the number of its first candle that was not looked at yet */
};

static void begin(struct strategy *self, const char *line) {
    const char *config = member(line, "config");
    const char *parameters = member(line, "parameters");
    const char *instruments = member(line, "instruments");
    strcpy(self->symbol, "BTCUSDT");
    if (instruments != NULL && instruments[0] == '[' && instruments[1] == '{')
        text(member(instruments + 1, "symbol"), self->symbol, sizeof self->symbol);
    strcpy(self->quantity, "0.01");
    text(member(member(config, "custom_params"), "quantity"), self->quantity, sizeof self->quantity);
    text(member(parameters, "quantity"), self->quantity, sizeof self->quantity);
    /* Request ids must never repeat, not even in the next run: the time of the start sets them apart. */
    const char *time = member(line, "time");
    snprintf(self->prefix, sizeof self->prefix, "c%ld", time == NULL ? 0 : strtol(time, NULL, 10));
    puts("{\"type\":\"ready\",\"sdk\":\"c/1.0\",\"batches\":true}");
}

static void order(struct strategy *self, const char *side, const char *quantity, bool reduce_only) {
    printf("{\"type\":\"order\",\"request\":\"%s-%ld\",\"symbol\":\"%s\",\"side\":\"%s\","
           "\"order_type\":\"market\",\"quantity\":\"%s\"%s}\n",
           self->prefix, ++self->requests, self->symbol, side, quantity,
           reduce_only ? ",\"reduce_only\":true" : "");
    self->waiting = true;
}

static void price(struct strategy *self, double close, bool is_history) {
    if (close <= 0)
        return;
    if (self->candles++ == 0)
        self->fast = self->slow = close;
    self->fast += (close - self->fast) * 2 / (9 + 1);
    self->slow += (close - self->slow) * 2 / (21 + 1);
    if (is_history || self->candles < 21 || self->waiting)
        return;
    if (self->fast > self->slow && self->held <= 0)
        order(self, "buy", self->quantity, false);
    else if (self->fast < self->slow && self->held > 0)
        order(self, "sell", self->quantity, true);
}

/* Keeps the closes of a backtest's batch, and with several series which of its candles are of the instrument. */
static void batch(struct strategy *self, const char *line) {
    static char closes[LINE_BYTES], order[LINE_BYTES];
    char symbol[NAME_BYTES];
    const char *first = member(line, "first"), *series = member(line, "series"), *which = member(line, "order");
    self->next = first == NULL ? 0 : strtol(first, NULL, 10);
    closes[0] = '\0';
    /* The instrument is the first of `hello`, so it is in the first series or in none. */
    if (series != NULL && *series == '[' && text(member(series + 1, "symbol"), symbol, sizeof symbol) &&
        strcmp(symbol, self->symbol) == 0)
        text(member(series + 1, "close"), closes, sizeof closes);
    self->closes = closes;
    self->order = which == NULL ? NULL : strcpy(order, which + 1);
}

/* Goes through the batch as far as the host says, or until there is an order to be said. */
static void go(struct strategy *self, const char *line) {
    const char *until = member(line, "until");
    long last = until == NULL ? 0 : strtol(until, NULL, 10), requests = self->requests;
    while (self->next <= last && self->requests == requests) {
        bool is_ours = self->order == NULL || strtol(self->order, &self->order, 10) == 0;
        if (self->order != NULL)
            self->order++; /* past the comma */
        if (is_ours)
            price(self, strtod(self->closes, &self->closes), false);
        self->next++;
    }
    printf("{\"type\":\"done\",\"id\":%ld}\n", self->next - 1);
}

/* Takes one line; false when it was the last. */
static bool take(struct strategy *self, const char *line) {
    char type[NAME_BYTES];
    if (!text(member(line, "type"), type, sizeof type))
        return true;
    if (strcmp(type, "hello") == 0) {
        begin(self, line);
    } else if (strcmp(type, "candle") == 0) {
        price(self, decimal(line, "close"), member(line, "history") != NULL);
    } else if (strcmp(type, "candles") == 0) {
        batch(self, line);
    } else if (strcmp(type, "go") == 0) {
        go(self, line);
    } else if (strcmp(type, "position") == 0) {
        self->held = decimal(line, "quantity");
    } else if (strcmp(type, "order") == 0) {
        char status[NAME_BYTES], reason[512];
        if (!text(member(line, "status"), status, sizeof status))
            return true;
        if (strcmp(status, "pending") != 0 && strcmp(status, "open") != 0 &&
            strcmp(status, "partially_filled") != 0 && strcmp(status, "unknown") != 0)
            self->waiting = false;
        if (text(member(line, "reason"), reason, sizeof reason))
            fprintf(stderr, "the order is %s: %s\n", status, reason);
    } else if (strcmp(type, "ping") == 0) {
        const char *id = member(line, "id");
        printf("{\"type\":\"pong\",\"id\":%ld}\n", id == NULL ? 0 : strtol(id, NULL, 10));
    } else if (strcmp(type, "stop") == 0) {
        puts("{\"type\":\"bye\"}");
        return false;
    }
    return true;
}

int main(void) {
    static char line[LINE_BYTES];
    static struct strategy self;
    bool goes_on = true;
    while (goes_on && fgets(line, sizeof line, stdin) != NULL) {
        goes_on = take(&self, line);
        fflush(stdout); /* once a line from the host, not once a line of ours */
    }
    return 0;
}

/*
 * Keeps a window of orders in flight: one more for each that has ended. Starts at the first signal, stops at the
 * second. It relies on the order of members in the host's lines, which a strategy should not.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW = 32, LINE_BYTES = 256 * 1024 + 1 };

static bool begins(const char *line, const char *with) { return strncmp(line, with, strlen(with)) == 0; }

static void order(void) {
    static long number;
    printf("{\"type\":\"order\",\"request\":\"%ld\",\"symbol\":\"BTCUSDT\",\"side\":\"buy\","
           "\"order_type\":\"limit\",\"quantity\":\"0.001\",\"price\":\"49000\",\"time_in_force\":\"ioc\"}\n",
           ++number);
}

int main(void) {
    static char line[LINE_BYTES];
    bool runs = false;
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (begins(line, "{\"type\":\"order\"")) {
            bool has_ended = strstr(line, "\"status\":\"pending\"") == NULL
                && strstr(line, "\"status\":\"open\"") == NULL;
            if (runs && has_ended) order();
        } else if (begins(line, "{\"type\":\"ping\"")) {
            const char *id = strstr(line, "\"id\":");
            printf("{\"type\":\"pong\",\"id\":%ld}\n", id == NULL ? 0 : strtol(id + 5, NULL, 10));
        } else if (begins(line, "{\"type\":\"hello\"")) {
            puts("{\"type\":\"ready\",\"sdk\":\"bench/1.0\"}");
        } else if (begins(line, "{\"type\":\"signal\"")) {
            runs = !runs;
            for (int each = 0; runs && each < WINDOW; each++) order();
        } else if (begins(line, "{\"type\":\"stop\"")) {
            puts("{\"type\":\"bye\"}");
            return fflush(stdout);
        }
        fflush(stdout);
    }
    return 0;
}

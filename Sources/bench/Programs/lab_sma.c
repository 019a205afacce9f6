/*
 * The lab job as a native strategy: one unit while the mean of 10 closes is above that of 50. Sums of whole thousandths, so
 * that nothing is rounded. It relies on the order of members in the host's lines, which a strategy should not.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 1024 * 1024 + 1 };

static long window[50], count, fast, slow, requests;
static bool held;

static bool begins(const char *line, const char *with) { return strncmp(line, with, strlen(with)) == 0; }

/* The next decimal in thousandths; goes past it and the space behind it. */
static long next(const char **at) {
    const char *digit = *at;
    long value = 0;
    while (*digit >= '0' && *digit <= '9')
        value = value * 10 + (*digit++ - '0');
    int places = 0;
    if (*digit == '.')
        for (digit++; *digit >= '0' && *digit <= '9'; places++)
            value = value * 10 + (*digit++ - '0');
    for (; places < 3; places++)
        value *= 10;
    *at = digit + 1;
    return value;
}

/* Takes a close; true when it acts. */
static bool take(long close) {
    long *place = &window[count % 50];
    if (count >= 50)
        slow -= *place;
    if (count >= 10)
        fast -= window[(count - 10) % 50];
    *place = close;
    slow += close;
    fast += close;
    if (++count < 50 || (5 * fast > slow) == held)
        return false;
    held = !held;
    printf("{\"type\":\"order\",\"request\":\"%ld\",\"symbol\":\"BTCUSDT\",\"side\":\"%s\","
           "\"order_type\":\"market\",\"quantity\":\"1\"}\n",
           ++requests, held ? "buy" : "sell");
    return true;
}

int main(void) {
    static char line[LINE_BYTES], batch[LINE_BYTES];
    const char *closes = "";
    long number = 0;
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (begins(line, "{\"type\":\"order\"") || begins(line, "{\"type\":\"fill\"") ||
            begins(line, "{\"type\":\"position\""))
            continue;
        if (begins(line, "{\"type\":\"go\"")) {
            long until = strtol(strstr(line, "\"until\":") + 8, NULL, 10);
            while (number <= until)
                if (number++, take(next(&closes)))
                    break;
            printf("{\"type\":\"done\",\"id\":%ld}\n", number - 1);
        } else if (begins(line, "{\"type\":\"candles\"")) {
            number = strtol(strstr(line, "\"first\":") + 8, NULL, 10);
            const char *from = strstr(line, "\"close\":\"") + 9;
            size_t length = strcspn(from, "\"");
            memcpy(batch, from, length);
            batch[length] = '\0';
            closes = batch;
        } else if (begins(line, "{\"type\":\"hello\"")) {
            puts("{\"type\":\"ready\",\"sdk\":\"bench/1.0\",\"batches\":true}");
        } else if (begins(line, "{\"type\":\"stop\"")) {
            puts("{\"type\":\"bye\"}");
            return 0;
        }
        fflush(stdout);
    }
    return 0;
}

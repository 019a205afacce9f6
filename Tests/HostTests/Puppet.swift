import FoundationEssentials
import Glibc
import Host
import TestSupport
import Wire

/// A native strategy that does what a test tells it to, line by line, and starts within milliseconds.
///
/// A signal `SAY` makes it write its data as a line of the protocol; what the host says about orders comes back in its
/// log. `custom_params.mode` makes it misbehave.
enum Puppet {
    /// Why it cannot be made here; nil when it can.
    static let hindrance: String? =
        compiler == nil ? "there is no C compiler: apt install gcc libc6-dev" : nil

    private static let compiler: String? = ["/usr/bin/cc", "/usr/bin/gcc", "/usr/bin/clang"].first {
        (path: String) in access(path, X_OK) == 0
    }

    struct CompilerFailed: Error { let words: String }

    /// The program, compiled once.
    static let program: Result<[UInt8], CompilerFailed> = {
        do {
            return .success(try compile(source))
        } catch {
            return .failure(error as? CompilerFailed ?? CompilerFailed(words: "\(error)"))
        }
    }()

    /// Compiles a C program into one file without libraries.
    static func compile(_ source: String) throws -> [UInt8] {
        let folder = Places.makeTemporaryFolder()
        // Only tidiness is lost when the folder stays behind.
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data(source.utf8).write(to: URL(filePath: folder + "/main.c"))
        let ending = try ChildProcess(
            compiler ?? "/usr/bin/cc", ["-O1", "-static", "-o", folder + "/main", folder + "/main.c"],
            environment: ["PATH": "/usr/local/bin:/usr/bin:/bin"]
        ).finishBlocking()
        guard ending.code == 0 else { throw CompilerFailed(words: ending.errors) }
        return Array(try Data(contentsOf: URL(filePath: folder + "/main")))
    }

    /// Its strategy.json.
    ///
    /// - Parameter more: Members beside its own, such as `"restart":{"policy":"temporary"}`.
    static func config(mode: String, _ more: String = "") -> String {
        #"{"kind":"native","lookback_period":3,"memory_mb":64,"custom_params":{"mode":"\#(mode)"}"#
            + (more.isEmpty ? "" : ",\(more)") + "}"
    }

    private static let source = #"""
        #include <fcntl.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/socket.h>
        #include <time.h>
        #include <unistd.h>

        static char line[300 * 1024], mode[64] = "plain";
        static long candles, live, first, last, backward;

        static int is(const char *word) { return strcmp(mode, word) == 0; }
        static int of_type(const char *type) {
            char text[64];
            snprintf(text, sizeof text, "\"type\":\"%s\"", type);
            return strstr(line, text) != NULL;
        }
        static void say(const char *text) { fputs(text, stdout), fputc('\n', stdout), fflush(stdout); }
        static void sleep_on(void) { for (;;) { struct timespec t = {3600, 0}; nanosleep(&t, NULL); } }

        static void misbehave(void) {
            static char chunk[65536];
            memset(chunk, 'x', sizeof chunk);
            if (is("flood"))
                for (;;) say("{\"type\":\"log\",\"level\":\"debug\",\"message\":\"flood\"}");
            if (is("garbage"))
                for (;;) say("this is no JSON");
            if (is("endless"))
                for (;;) { if (write(1, chunk, sizeof chunk) < 0) exit(9); }
            if (is("errors"))
                for (;;) { if (write(2, chunk, sizeof chunk) < 0) exit(9); }
            if (is("chatter")) {
                chunk[1023] = '\n';
                for (;;) { if (write(2, chunk, 1024) < 0) exit(9); }
            }
            if (is("deaf")) sleep_on();
            if (is("fork")) {
                pid_t child = fork();
                fprintf(stderr, "fork gave %s\n", child < 0 ? "an error" : "a child");
                if (child == 0) sleep_on();
            }
            if (is("bomb"))
                for (;;) if (fork() < 0) { perror("fork"); exit(4); }
            if (is("socket"))
                fprintf(stderr, "socket gave %s\n", socket(AF_INET, SOCK_STREAM, 0) < 0 ? "an error" : "one");
            if (is("half")) {
                say("{\"type\":\"log\",\"level\":\"info\",\"message\":\"half \xC3\"}");
                say("{\"type\":\"metric\",\"name\":\"x\",\"value\":NaN}");
                say("{\"type\":\"metric\",\"name\":\"x\",\"value\":1e999}");
                say("{\"type\":\"order\",\"request\":\"n-1\",\"symbol\":\"BTCUSDT\",\"side\":\"buy\","
                    "\"order_type\":\"market\",\"quantity\":\"NaN\"}");
            }
            if (is("burn")) for (;;) candles++;
            if (is("twice")) say("{\"type\":\"ready\",\"sdk\":\"puppet/1\"}");
        }

        int main(void) {
            if (fgets(line, sizeof line, stdin) == NULL) return 2;
            const char *parameters = strstr(line, "\"parameters\":");
            const char *found = parameters ? strstr(parameters, "\"mode\":\"") : NULL;
            if (found) {
                found += strlen("\"mode\":\"");
                size_t length = strcspn(found, "\"");
                if (length < sizeof mode) memcpy(mode, found, length), mode[length] = '\0';
            }
            if (is("silent")) sleep_on();
            fprintf(stderr, "hello: %s", line);
            say("{\"type\":\"ready\",\"sdk\":\"puppet/1\"}");
            misbehave();
            while (fgets(line, sizeof line, stdin) != NULL) {
                char *end = strrchr(line, '\n');
                if (end) *end = '\0';
                if (of_type("ping")) {
                    if (is("hang")) sleep_on();
                    printf("{\"type\":\"pong\",\"id\":%ld}\n", atol(strstr(line, "\"id\":") + 5));
                    fflush(stdout);
                } else if (of_type("candle")) {
                    int history = strstr(line, "\"history\":true") != NULL;
                    long time = atol(strstr(line, "\"time\":") + 7);
                    candles++;
                    if (!history) live++;
                    if (time <= last) backward++;
                    if (first == 0) first = time;
                    last = time;
                    if (is("eager")) {
                        printf("{\"type\":\"order\",\"request\":\"eager-%ld\",\"symbol\":\"BTCUSDT\",\"side\":\"buy\","
                               "\"order_type\":\"market\",\"quantity\":\"0.1\"}\n", candles);
                        fflush(stdout);
                    }
                    if (is("cut") && !history) {
                        say("{\"type\":\"order\",\"request\":\"whole\",\"symbol\":\"BTCUSDT\",\"side\":\"buy\","
                            "\"order_type\":\"market\",\"quantity\":\"0.01\"}");
                        // Nothing of it is missing but the end of its line.
                        fputs("{\"type\":\"order\",\"request\":\"torn\",\"symbol\":\"BTCUSDT\",\"side\":\"buy\","
                              "\"order_type\":\"market\",\"quantity\":\"0.01\"}", stdout), fflush(stdout);
                        return 7;
                    }
                    if (is("plain")) fprintf(stderr, "candle %s\n", line);
                } else if (strstr(line, "\"action\":\"CRASH\"")) {
                    fprintf(stderr, "told to crash\n");
                    return 5;
                } else if (strstr(line, "\"action\":\"REPORT\"")) {
                    fprintf(stderr, "%ld candles, %ld live, from %ld to %ld, %ld backward\n", candles, live, first,
                            last, backward);
                } else if (of_type("signal")) {
                    char *data = strstr(line, "\"data\":{");
                    if (data) {
                        line[strlen(line) - 1] = '\0'; /* the brace of the signal itself */
                        say(data + strlen("\"data\":"));
                    }
                } else if (of_type("stop")) {
                    if (is("stubborn")) continue;
                    say("{\"type\":\"bye\"}");
                    return 0;
                } else {
                    fprintf(stderr, "%s\n", line);
                }
            }
            if (is("stubborn")) sleep_on();
            return 0;
        }
        """#
}

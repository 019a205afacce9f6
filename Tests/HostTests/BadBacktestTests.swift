import Catalogue
import FoundationEssentials
import Glibc
import Host
import Lab
import MarketData
import Sandbox
import Testing
import Trading
import Wire

extension HostTests {
    /// Strategies that do harm or nothing in a backtest, behind real walls, each with one behind it in the queue.
    @Suite("Bad backtests") struct BadBacktestTests {
        /// A program that buys at its tenth candle and does what its mode says at its twentieth.
        private static let program: Result<[UInt8], any Error> = Result {
            try Puppet.compile(
                #"""
                #include <stdio.h>
                #include <stdlib.h>
                #include <string.h>
                #include <unistd.h>

                static char line[300 * 1024], chunk[65536], mode[64];
                static long candles;

                static int is(const char *word) { return strcmp(mode, word) == 0; }
                static void say(const char *text) { fputs(text, stdout), fputc('\n', stdout), fflush(stdout); }
                static void wait_on(void) { for (;;) pause(); }
                #define LOG "{\"type\":\"log\",\"level\":\"info\",\"message\":\"well\"}"

                static void misbehave(void) {
                    memset(chunk, 'x', sizeof chunk);
                    if (is("hang")) wait_on();
                    if (is("mutter")) say(LOG), wait_on();
                    if (is("memory"))
                        for (;;) {
                            char *more = malloc(4 << 20);
                            if (more == NULL) exit(8);
                            memset(more, 1, 4 << 20);
                        }
                    if (is("crash")) {
                        volatile int *volatile nowhere = (volatile int *)8;
                        *nowhere = 1;
                    }
                    if (is("garbage")) for (;;) say("this is no JSON");
                    if (is("endless")) for (;;) if (write(1, chunk, sizeof chunk) < 0) exit(9);
                    if (is("exit")) fprintf(stderr, "out of ideas\n"), exit(3);
                    if (is("leave")) exit(0);
                    if (is("bye")) say("{\"type\":\"bye\",\"reason\":\"enough\"}"), exit(0);
                    if (is("flood")) for (;;) say(LOG);
                    if (is("shut")) close(1), wait_on();
                    if (is("orphan")) {
                        if (fork() == 0) wait_on();
                        exit(4);
                    }
                    if (is("noisy"))
                        for (int number = 0; number < 20000; number++) fprintf(stderr, "line %d\n", number);
                }

                int main(void) {
                    if (fgets(line, sizeof line, stdin) == NULL) return 2;
                    const char *found = strstr(line, "\"parameters\":{\"mode\":\"");
                    if (found) {
                        found += strlen("\"parameters\":{\"mode\":\"");
                        size_t length = strcspn(found, "\"");
                        if (length < sizeof mode) memcpy(mode, found, length);
                    }
                    say("{\"type\":\"ready\",\"sdk\":\"bad/1\"}");
                    while (fgets(line, sizeof line, stdin) != NULL) {
                        if (strstr(line, "\"type\":\"ping\"")) {
                            if (candles == 20) candles++, misbehave();
                            printf("{\"type\":\"pong\",\"id\":%ld}\n", atol(strstr(line, "\"id\":") + 5));
                            fflush(stdout);
                        } else if (strstr(line, "\"type\":\"candle\"") && !strstr(line, "\"history\":true")) {
                            if (++candles == 10)
                                say("{\"type\":\"order\",\"request\":\"a\",\"symbol\":\"BTCUSDT\",\"side\":\"buy\","
                                    "\"order_type\":\"market\",\"quantity\":\"1\"}");
                        } else if (strstr(line, "\"type\":\"stop\"")) {
                            say("{\"type\":\"bye\"}");
                            return 0;
                        }
                    }
                    return 0;
                }
                """#)
        }

        private static let series = SeriesKey(
            venue: "binance", symbol: "BTCUSDT", resolution: Resolution(milliseconds: 60_000))
        private static let start = Timestamp(milliseconds: 1_735_689_600_000)
        private static let settings = ["lab.answer_timeout=2s", "lab.parallel_runs=4"]

        /// Puts 120 quiet minutes into the store, uploads the program, and gives the strategy's id.
        private func prepare(_ fixture: HostFixture) async throws -> String {
            let hundred = FixedDecimal(100)
            let candles = (0..<120).map { minute in
                Candle(
                    symbol: "BTCUSDT", resolution: Self.series.resolution,
                    openTime: Self.start.advanced(byMilliseconds: Int64(minute) * 60_000), open: hundred,
                    high: FixedDecimal(101), low: FixedDecimal(99), close: hundred,
                    volume: FixedDecimal(1000))
            }
            try fixture.host.candles.write(
                candles, to: Self.series, now: Self.start.advanced(byMilliseconds: 86_400_000))
            return try await fixture.host.upload(
                BundleUpload(
                    content: Self.program.get(), fileName: "main", name: "bad",
                    config: Array(
                        #"{"kind":"native","lookback_period":3,"memory_mb":64,"custom_params":{"mode":"good"}}"#
                            .utf8)),
                by: "ada"
            ).id
        }

        private func request(_ mode: String) -> BacktestRequest {
            BacktestRequest(
                parameters: .members(["mode": .string(mode)]), series: [Self.series],
                start: Self.start.advanced(byMilliseconds: 600_000),
                end: Self.start.advanced(byMilliseconds: 7_200_000))
        }

        private func ended(_ number: Int64, _ fixture: HostFixture) async throws -> LabRun {
            let lab = try #require(fixture.host.lab)
            try await fixture.wait("the end of run \(number)") {
                try !lab.run(number).state.isUnderWay
            }
            return try lab.run(number)
        }

        /// The children of this process, watchers and strategies.
        private static func children() throws -> Set<String> {
            var found: Set<String> = []
            for task in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task") {
                // A thread may have ended meanwhile, and its children have gone over to another.
                let text = try? String(contentsOfFile: "/proc/self/task/\(task)/children", encoding: .utf8)
                for pid in (text ?? "").split(separator: " ") { found.insert(String(pid)) }
            }
            return found
        }

        /// Everything below the host's folder but what it writes down, by path.
        private static func files(_ fixture: HostFixture) throws -> Set<String> {
            let all = try FileManager.default.subpathsOfDirectory(atPath: fixture.folder)
            return Set(all.filter { !$0.hasSuffix("-wal") && !$0.hasSuffix("-shm") && !$0.contains("log") })
        }

        /// Control groups of this host's runs, in whichever hierarchies they are.
        private static func groups(_ fixture: HostFixture) throws -> [String] {
            let own = ConfinedLauncher.groupName(data: fixture.folder)
            var found: [String] = []
            func look(_ folder: String, depth: Int) {
                // Groups come and go while one looks.
                let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
                for name in names {
                    var status = stat()
                    guard lstat(folder + "/" + name, &status) == 0, status.st_mode & S_IFMT == S_IFDIR
                    else { continue }
                    if name.hasPrefix("lab-"), folder.hasSuffix(own) { found.append(folder + "/" + name) }
                    if depth < 6 { look(folder + "/" + name, depth: depth + 1) }
                }
            }
            look("/sys/fs/cgroup", depth: 0)
            return found
        }

        @Test
        func
            `each ends its run for a reason that says what it was, keeps what came until then, and the next goes on`()
            async throws
        {
            try await HostFixture.run(settings: Self.settings) { fixture in
                let id = try await prepare(fixture)
                let lab = try #require(fixture.host.lab)
                let before = (children: try Self.children(), files: try Self.files(fixture))
                let causes = [
                    ("hang", "hung: did not answer for 2 s"),
                    ("mutter", "hung: did not answer for 2 s"),
                    ("memory", "killed for memory: limit 64 MiB"),
                    ("crash", "killed by signal 11 (SIGSEGV: it touched memory that it does not have"),
                    ("garbage", "protocol violation: more than 100 refused lines; the last:"),
                    ("endless", "protocol violation: a line of more than 65536 bytes"),
                    ("exit", "exit code 3: out of ideas"),
                    ("leave", "it ended by itself"),
                    ("bye", "ended by itself: enough"),
                    ("flood", "too many lines: more than 10000 in answer to one candle"),
                    ("shut", "closed its standard output, and did not end"),
                    ("orphan", "exit code 4"),
                ]
                var runs: [(mode: String, cause: String, number: Int64)] = []
                for (mode, cause) in causes {
                    let run = try await lab.request(request(mode), of: id, by: "ada")
                    runs.append((mode, cause, run.number))
                }
                let good = try await lab.request(request("good"), of: id, by: "ada")
                let noisy = try await lab.request(request("noisy"), of: id, by: "ada")
                if getenv("BULLPEN_TEST_GROUPS") == nil {
                    try await fixture.wait("the first one's groups") { try !Self.groups(fixture).isEmpty }
                }
                for (mode, cause, number) in runs {
                    let run = try await ended(number, fixture)
                    #expect(run.state == .failed, "\(mode)")
                    #expect(run.cause?.hasPrefix(cause) == true, "\(mode): \(run.cause ?? "")")
                    let result = try lab.result(number)
                    #expect(result.bars == 19, "\(mode)")
                    #expect(result.fills.count == 1, "\(mode)")
                    #expect(result.log.count <= 1_000, "\(mode)")
                }
                #expect(try await ended(good.number, fixture).state == .completed)
                let loud = try await ended(noisy.number, fixture)
                #expect(loud.state == .completed)
                #expect(try lab.result(noisy.number).log.count == 1_000)
                try await fixture.wait("the last of the processes and groups") {
                    try Self.children().isSubset(of: before.children) && Self.groups(fixture).isEmpty
                }
                #expect(try Self.files(fixture).subtracting(before.files).isEmpty)
            }
        }

        @Test func `one that hangs is cancelled without waiting for its patience to run out`() async throws {
            try await HostFixture.run(settings: ["lab.answer_timeout=600s"]) { fixture in
                let id = try await prepare(fixture)
                let lab = try #require(fixture.host.lab)
                let run = try await lab.request(request("hang"), of: id, by: "ada")
                try await fixture.wait("its start") { try lab.run(run.number).state == .running }
                _ = try await lab.cancel(run.number, by: "ada")
                #expect(try await ended(run.number, fixture).state == .cancelled)
            }
        }
    }
}

import Glibc
import Journal
import TestSupport
import Testing
import Wire

@testable import bullpen

// One after another: each starts processes, and the machine has few processors.
@Suite("Command line", .serialized)
struct CommandTests {
    private let line: CommandLineFixture

    init() throws {
        line = try CommandLineFixture()
    }

    private func json(_ ending: ChildProcess.Ending) throws -> JSONValue {
        try JSONParser.parse(ending.output)
    }

    // MARK: - Exit codes and errors

    /// The exit code, then the command line.
    private static let endings = [
        "0 help", "0 --help", "0 status", "0 status s1", "0 list", "0 version",
        "1 validate /bin/true", "1 delete s1", "1 list --server http://example.org",
        "2 status nobody", "2 status twin", "2 upload /nonexistent",
        "3 status idle", "3 stop idle", "3 list --server http://127.0.0.1:1",
        "4 config check --set server.port=0", "4 config check --config /nonexistent",
        "5 start slow --wait --timeout 1",
        "64", "64 nonsense", "64 token", "64 status --nonsense", "64 start", "64 list one two",
        "64 stop s1 --orders burn", "64 orders --limit 0", "64 list --server file:///etc",
        "64 signal s1 BUY novalue",
    ]

    @Test(arguments: endings)
    func `each way to end has its code, and every failure is one line on standard error`(
        ending text: String
    ) async throws {
        let words = text.split(separator: " ").map { String($0) }
        let ending = try await line.start(Array(words.dropFirst())).finish()
        #expect("\(ending.code)" == words[0], "\(ending.errors)")
        if ending.code == 0 {
            #expect(ending.errors.isEmpty && !ending.output.isEmpty)
        } else {
            #expect(ending.errors.hasPrefix("bullpen: ") && ending.errors.hasSuffix("\n"))
            #expect(ending.errors.split(separator: "\n").count == 1, "\(ending.errors)")
        }
    }

    @Test func `an output that takes nothing is said, and one that nobody reads any more is not`()
        async throws
    {
        let program = Places.products + "/bullpen"
        let full = try await ChildProcess.run(
            "/bin/sh", ["-c", "exec \(program) version >/dev/full"], environment: line.environment())
        #expect(full.code == 1)
        #expect(full.errors == "bullpen: standard output takes nothing: No space left on device\n")
        let read = try await ChildProcess.run(
            "/bin/bash", ["-c", "\(program) config defaults | head -1; exit ${PIPESTATUS[0]}"],
            environment: line.environment())
        #expect(read.code == 0 && read.errors.isEmpty, "\(read.errors)")
    }

    @Test func `a data folder that is none is refused in words`() async throws {
        let empty = try await line.run("vault", "init", "--data", "")
        #expect(empty.code == 64 && empty.errors == "bullpen: --data is empty\n")
        let device = try await line.run("vault", "init", "--data", "/dev/null")
        #expect(device.code == 1)
        #expect(device.errors == "bullpen: the data folder /dev/null cannot be made: File exists\n")
        let file = line.write("kraken-BTCUSDT-1m.csv", "time_ms,open,high,low,close,volume\n")
        let system = try await line.run("data", "import", file, "--data", "/proc")
        #expect(system.code == 1)
        #expect(
            system.errors == "bullpen: the folder /proc/market cannot be made: No such file or directory\n")
    }

    @Test func `a misspelt verb or option is answered with the nearest one`() async throws {
        #expect(
            try await line.run("statsu").errors == "bullpen: \"statsu\" is no verb; did you mean status?\n")
        #expect(try await line.run("list", "--jsno").errors.contains("did you mean --json?"))
        #expect(
            try await line.run("token", "creat").errors.contains(
                "there are: token create, token list, token revoke"))
    }

    @Test func `every verb explains itself`() throws {
        let parser = ArgumentParser(commands: Command.all)
        for command in Command.all {
            let words = command.name.split(separator: " ").map { String($0) }
            for asked in [words + ["--help"], words + ["-h"], ["help"] + words] {
                guard case .help(let found?) = try parser.parse(asked) else {
                    Issue.record("\(asked) is no call for help")
                    continue
                }
                #expect(found.name == command.name)
            }
            let text = HelpText.of(command)
            #expect(text.hasPrefix(command.summary) && text.contains("Usage: bullpen \(command.name)"))
            #expect(command.allOptions.allSatisfy { text.contains("--\($0.name)") })
        }
    }

    @Test func `no verb is called as another begins`() {
        #expect(Set(Command.all.map(\.name)).count == Command.all.count)
        for command in Command.all {
            let optionNames = command.allOptions.map(\.name)
            #expect(Set(optionNames).count == optionNames.count, "\(command.name) has an option twice")
        }
    }

    // MARK: - Lists

    @Test func `a list reads all pages and is aligned`() async throws {
        let ending = try await line.run("list")
        let lines = ending.output.split(separator: "\n")
        #expect(lines.count == 7)
        #expect(lines[1].hasSuffix("refused 3 system calls"))
        #expect(lines[4].hasSuffix("killed for memory: limit 64 MiB, peak 64 MiB"))
        #expect(lines[0].hasPrefix("ID    NAME"))
        #expect(lines[1].hasPrefix("s1    crossover"))
        #expect(
            !ending.output.contains("\u{1B}"), "neither colours nor a strategy's name may steer the terminal")
    }

    @Test func `a list is JSON when asked for`() async throws {
        let items = try await json(line.run("list", "--json"))["items"]?.arrayValue
        #expect(items?.count == 6)
        #expect(items?.first?["status"]?["state"] == .string("running"))
    }

    @Test func `what was refused is said with the rule and what to do instead`() async throws {
        let output = try await line.run("violations", "s1").output
        let lines = output.split(separator: "\n")
        #expect(lines.first == "refused socket(AF_INET, SOCK_STREAM)")
        #expect(lines[1] == "    network is not available to strategies: use `subscribe`")
        #expect(lines[2].hasSuffix("12 times, last at 2023-11-14 22:14:20 in run r1"))
        #expect(lines[3].hasPrefix("killed for mount("))
        #expect(!output.contains("\u{1B}"))
        #expect(try await line.run("violations", "idle").output == "Nothing was refused to idle.\n")
    }

    @Test func `a reconciliation says what differs and is unknown, and ends with 0 only when all agree`()
        async throws
    {
        let all = try await line.run("reconcile")
        #expect(all.code == 1 && all.errors.contains("not in agreement: bin"))
        let lines = all.output.split(separator: "\n").map { String($0) }
        #expect(
            lines[0].hasPrefix("bin (binance testnet): DOES NOT AGREE, orders and trades asked at 2023-11-14")
        )
        #expect(lines[1] == "  the venue may not be asked until 2023-11-14 22:14:20 UTC: banned")
        #expect(
            lines[2].contains("order 42 of s1, buy 2 BTCUSDT: what became of it is unknown since 2023-11-14"))
        #expect(lines[3] == "    it may be: 7, 8")
        #expect(lines[5].contains("BTC") && lines[5].contains("EXTERNAL, blocks what adds risk"))
        #expect(lines[6].hasPrefix("paper (binance testnet): agrees"))
        let accepted = try await line.run("reconcile", "bin", "--accept")
        #expect(accepted.code == 0, "\(accepted.errors)")
        #expect(accepted.output.contains("Booking as external on bin: -0.1 BTC\n"))
        #expect(accepted.output.contains("booked as external: -0.1 BTC"))
        #expect(try await line.run("reconcile", "paper", "--accept").code == 0)
        #expect(try await json(line.run("reconcile", "paper", "--json"))["items"]?.arrayValue?.count == 1)
    }

    @Test func `an empty list says so, and is an empty list in JSON`() async throws {
        #expect(try await line.run("positions").output == "No open positions.\n")
        #expect(try await line.run("positions", "--json").output == "{\"items\":[]}\n")
    }

    @Test func `a strategy is found by its name when only one has it`() async throws {
        #expect(try await json(line.run("status", "crossover", "--json"))["run"] == .string("r1"))
        #expect(try await line.run("status", "twin").errors.contains("s2, s3"))
    }

    @Test func `status says how the run was started`() async throws {
        #expect(try await line.run("status", "crossover").output.contains("started     warm in 3.1 ms\n"))
        #expect(try await !line.run("status", "idle").output.contains("started "))
    }

    // MARK: - Doing things

    @Test func `a backtest is waited for and its figures are shown`() async throws {
        let ended = try await line.run("backtest", "crossover", "-p", "fast=5")
        #expect(ended.output.contains("total return  2.51 %\n"), "\(ended.output)\(ended.errors)")
        #expect(ended.output.contains("max drawdown  12.34 %\n"))
        #expect(ended.output.contains("sharpe        1.5000\n"))
        #expect(ended.output.contains("series        binance BTCUSDT 1h\n"))
        #expect(try await line.run("backtest", "crossover", "--detach").output == "7\n")
    }

    @Test func `a backtest sends what was asked for, and a path is uploaded first`() async throws {
        let path = line.write("b.py", "print('hello')\n")
        let ended = try await line.run(
            "backtest", path, "--detach", "--json", "--series", "binance/BTCUSDT/1h", "--from", "2024-02-29",
            "--to", "2024-03-01T12:30", "--fee", "0.001", "--taker-fee", "0.002", "--latency", "5",
            "--seed", "18446744073709551615", "--capital", "500", "-p", "fast=5", "-p", "mode=calm")
        let asked = try json(ended)["job"]?["asked"]
        let wanted = """
            {"series":[{"venue":"binance","symbol":"BTCUSDT","resolution":"1h"}],"start":1709164800000,\
            "end":1709296200000,"capital":"500","seed":"18446744073709551615","costs":{"maker_fee":"0.001",\
            "taker_fee":"0.002","latency_ms":5},"parameters":{"fast":5,"mode":"calm"},"version":"abc123"}
            """
        #expect(asked?.text == wanted)
    }

    @Test func `a backtest that fails ends with 1 and says why`() async throws {
        let failed = try await line.run("backtest", "crossover", "--title", "bad")
        #expect(failed.code == 1 && failed.errors == "bullpen: run 8 is failed: it \"died\"\n")
        for wrong in [
            ["--venue", "binance"], ["--from", "2023-02-29"], ["--series", "binance/BTCUSDT"],
            ["--latency", "-1"],
            ["--to", "2024-01-01T25:00"],
        ] {
            #expect(try await line.start(["backtest", "crossover"] + wrong).finish().code == 64, "\(wrong)")
        }
    }

    @Test func `runs are listed, compared, repeated and saved`() async throws {
        let list = try await line.run("lab", "list").output
        #expect(list.contains("2.51 %") && list.contains("failed"))
        let beside = try await line.run("compare", "7", "9").output
        #expect(beside.contains("RUN 7") && beside.contains("RUN 9") && beside.contains("fast"))
        #expect(beside.contains("runs 7 and 9") && beside.contains("-0.5"))
        #expect(beside.contains("run 9 and holding BTCUSDT") && beside.contains("0.25"))
        #expect(try await line.run("lab", "repeat", "7").output.hasSuffix("bit for bit.\n"))
        #expect(try await line.run("report", "7", "-o", "-").output == "\"a report\"")
        #expect(try await line.run("lab", "show", "77").code == 2)
    }

    @Test func `upload sends the file and prints the new id`() async throws {
        let path = line.write("a.py", "print('hello')\n")
        #expect(try await line.run("upload", path).output == "new\n")
        let sent = try await json(line.run("upload", path, "--name", "first", "--json"))["config"]?["sent"]?
            .stringValue
        #expect(sent?.contains("filename=\"a.py\"") == true)
        #expect(sent?.contains("print('hello')") == true)
        #expect(sent?.contains("first") == true)
    }

    @Test func `upload sends a folder as a zip archive that others can read`() async throws {
        let folder = line.home + "/mine"
        mkdir(folder, 0o755)
        mkdir(folder + "/lib", 0o755)
        mkdir(folder + "/.git", 0o755)
        let files = ["strategy.json": "{}", "strategy.py": "import lib.tool\n", "lib/tool.py": "x = 1\n"]
        for (name, text) in files { _ = line.write("mine/" + name, text) }
        _ = line.write("mine/.git/config", "secret")
        let bundle = try Bundle(path: folder + "/")
        #expect(bundle.fileName == "mine.zip")
        guard case .bytes(let bytes) = bundle.content else {
            Issue.record("a folder is no archive")
            return
        }
        let archive = line.home + "/mine.zip"
        let file = fopen(archive, "w")
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
        let listing = try await ChildProcess.run(
            "/usr/bin/python3",
            [
                "-I", "-c",
                "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None\n"
                    + "print([(n, z.read(n).decode()) for n in z.namelist()])", archive,
            ])
        #expect(
            listing.output
                == "[('lib/tool.py', 'x = 1\\n'), ('strategy.json', '{}'), ('strategy.py', 'import lib.tool\\n')]\n"
        )
    }

    @Test func `what is no strategy's folder is refused before it is read`() async throws {
        let folder = line.home + "/many"
        let made = try await ChildProcess.run(
            "/bin/bash",
            [
                "-c",
                "mkdir -p \(folder)/a && cd \(folder) && touch strategy.py a/{1..2000} && ln -s .. a/round",
            ])
        #expect(made.code == 0)
        let many = try await line.run("upload", folder)
        #expect(many.code == 1)
        #expect(
            many.errors == "bullpen: \(folder) holds more than can be uploaded: is it a strategy's folder?\n")
        let device = try await line.run("upload", "/dev/zero")
        #expect(device.code == 1 && device.errors == "bullpen: /dev/zero is neither a file nor a folder\n")
        let small = line.home + "/small"
        mkdir(small, 0o755)
        mkfifo(small + "/pipe.py", 0o644)
        symlink("..", small + "/up")
        _ = line.write("small/strategy.py", "x = 1\n")
        guard case .bytes(let bytes) = try Bundle(path: small).content else {
            Issue.record("a folder is no archive")
            return
        }
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.contains("strategy.py") && !text.contains("pipe.py") && !text.contains("up/"))
    }

    @Test func `validate shows what is wrong, where, and the line`() async throws {
        let ending = try await line.run("validate", line.write("a.py", "def f(:\n"))
        #expect(ending.output == "a.py:3: invalid syntax\n    def f(:\n")
        #expect(ending.code == 1)
    }

    @Test func `start waits until the strategy runs`() async throws {
        #expect(try await line.run("start", "s1").output == "s1 is starting\n")
        #expect(try await line.run("start", "s1", "--wait").output == "s1 is running\n")
    }

    @Test func `a signal carries its values with their types`() async throws {
        let ending = try await line.run(
            "signal", "s1", "BUY", "quantity=0.25", "urgent=true", "note=by hand", "tags=[\"a\"]", "--json")
        #expect(
            try json(ending)["got"]?.text
                == #"{"action":"BUY","quantity":0.25,"urgent":true,"note":"by hand","tags":["a"]}"#)
    }

    @Test func `limits, accounts and feeds are changed by key and value`() async throws {
        let limits = try await json(
            line.run("limits", "set", "order_notional=5000", "--strategy", "crossover", "--json"))
        #expect(limits["got"]?.text == #"{"strategies":{"s1":{"order_notional":5000}}}"#)
        let venue = try await json(line.run("limits", "set", "exposure=9", "--venue", "binance", "--json"))
        #expect(venue["got"]?.text == #"{"venues":{"binance":{"exposure":9}}}"#)
        let peak = try await json(line.run("limits", "peak", "--account", "paper", "--json"))
        #expect(peak["asked"] == .string("POST /limits/peak"))
        #expect(peak["got"]?.text == #"{"scope":"account:paper"}"#)
        let all = try await json(line.run("limits", "peak", "--json"))
        #expect(all["got"]?.text == #"{"scope":"global"}"#)
        let feed = try await json(line.run("feeds", "add", "may", "kind=replay", "speed=60", "--json"))
        #expect(feed["asked"] == .string("POST /feeds"))
        #expect(feed["got"]?.text == #"{"id":"may","kind":"replay","speed":60}"#)
        let live = try await json(
            line.run(
                "feeds", "add", "btc", "kind=binance", "symbols=BTCUSDT,ETHUSDT", "resolutions=1m",
                #"derived=["1h"]"#, "--json"))
        #expect(
            live["got"]?.text
                == #"{"id":"btc","kind":"binance","symbols":["BTCUSDT","ETHUSDT"],"resolutions":["1m"],"derived":["1h"]}"#
        )
        let account = try await json(line.run("accounts", "set", "a/b", "leverage=2", "--json"))
        #expect(account["asked"] == .string("PATCH /accounts/a%2Fb"))
    }

    @Test func `halt says what and why, for all or for one`() async throws {
        let all = try await json(line.run("halt", "--reason", "news", "--flatten", "--json"))
        #expect(all["got"]?.text == #"{"scope":"all","reason":"news","flatten":true}"#)
        let one = try await json(line.run("halt", "--strategy", "crossover", "--json"))
        #expect(one["got"]?.text == #"{"scope":"strategy:s1"}"#)
        let account = try await json(line.run("halt", "--account", "second", "--json"))
        #expect(account["got"]?.text == #"{"scope":"account:second"}"#)
        let venue = try await json(line.run("halt", "--venue", "binance", "--json"))
        #expect(venue["got"]?.text == #"{"scope":"venue:binance"}"#)
        let both = try await line.run("resume", "--account", "second", "--strategy", "crossover")
        #expect(both.code == 64)
        #expect(both.errors.contains("--venue, --account and --strategy exclude each other"))
        #expect(try await line.run("halt", "--venue", "binance", "--account", "second").code == 64)
    }

    @Test func `a flatten is waited for, with a line for every step, and fails when something stays`()
        async throws
    {
        let ended = try await line.run("halt", "--account", "paper", "--flatten", "--wait")
        #expect(ended.code == 1)
        #expect(
            ended.output == """
                Halted: account:paper, by ada since 1970-01-01 00:00:00: odd
                BTCUSDT of s1 on paper: cancelling 0.5, order 7 pending cancel
                ETHUSDT of s1 on paper: waiting 2: the outcome of order 9 is unknown
                BTCUSDT of s1 on paper: closing 0.5, order 8 open
                BTCUSDT of s1 on paper: closed
                ETHUSDT of s1 on paper: stuck 2: refused

                """)
        #expect(ended.errors.contains("1 position could not be closed; give the same command to try again"))
        let alone = try await line.run("halt", "--wait")
        #expect(alone.code == 64)
    }

    @Test func `logs shows lines, and follows over broken connections without a gap`() async throws {
        #expect(try await line.run("logs", "s1").output.hasSuffix("info line 2\n"))
        let child = try line.start(["logs", "s1", "-f", "--json"])
        let numbers = (1...6).map { _ in
            child.readLine().flatMap { try? JSONParser.parse($0)["seq"]?.intValue }
        }
        child.send(signal: SIGKILL)
        _ = await child.finish()
        #expect(numbers == [1, 2, 3, 4, 5, 6])
    }

    // MARK: - Secrets

    @Test func `login keeps a token that only its owner can read, and logout forgets it`() async throws {
        #expect(try await line.run("list", token: nil).errors == "bullpen: not logged in: bullpen login\n")
        let ending = try await line.run("login", "--name", "ada", input: "correct horse\n", token: nil)
        #expect(ending.output == "Logged in at \(line.address) as ada, operator.\n")
        let path = line.home + "/.config/bullpen/credentials.json"
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        #expect(line.text(of: path).contains("bp_test_token_4711") && !line.text(of: path).contains("horse"))
        #expect(try await line.run("list", token: nil).code == 0)
        #expect(try await line.run("logout", token: nil).code == 0)
        #expect(!line.text(of: path).contains("bp_test_token_4711"))
        #expect(try await line.run("list", token: nil).code == 1)
    }

    @Test func `a wrong password is refused and kept out of the words`() async throws {
        let ending = try await line.run("login", "--name", "ada", input: "wrong horse\n", token: nil)
        #expect(ending.code == 1)
        #expect(ending.errors == "bullpen: name or password is wrong\n")
    }

    @Test func `a password comes from standard input and is never in the list of processes`() async throws {
        let added = try await json(
            line.run("user", "add", "bob", "--role", "author", "--json", input: "sesame-77\n"))
        #expect(added["length"] == .number("9"))
        let own = try await json(
            line.run("user", "passwd", "ada", "--own", "--json", input: "old-1\nnew-2\n"))
        #expect(own["got"]?.text == #"{"password":"new-2","current_password":"old-1"}"#)
        // This one waits for its answer, so that it can be looked at.
        let child = try line.start(["user", "add", "hang"])
        child.write("sesame-77\n")
        #expect(line.nextHostLine() == "hanging")
        var seen = line.text(of: "/proc/\(child.processID)/cmdline")
        seen += line.text(of: "/proc/\(child.processID)/environ")
        child.send(signal: SIGKILL)
        _ = await child.finish()
        #expect(seen.contains("hang"))
        #expect(!seen.contains("sesame"))
    }

    @Test func `no option takes a password`() {
        let secrets = ["password", "secret", "key", "token"]
        for command in Command.all {
            for option in command.allOptions where option.value != nil {
                #expect(!secrets.contains { option.name.contains($0) }, "\(command.name) --\(option.name)")
            }
        }
    }

    @Test func `a venue's key and secret come from standard input, and the secret comes back in no word`()
        async throws
    {
        let added = try await json(
            line.run(
                "keys", "add", "binance", "--account", "live", "--expires", "2027-06-30", "--json",
                input: "the-api-key\nthe secret\n"))
        let got = try #require(added["got"])
        #expect(got["api_key"] == .string("the-api-key") && got["secret"] == .string("the secret"))
        #expect(got["account"] == .string("live") && got["environment"] == nil)
        #expect(got["expires_at"] == .number("1814313600000"))
        let words = try await line.run("keys", "add", "binance", "--live", input: "the-api-key\nthe secret\n")
        #expect(
            words.output
                == "key-1 (binance testnet, vmPU…Eh8A) is kept, active for account live.\nLook at this: this key may withdraw.\n"
        )
        // A private key has several lines.
        let pem = "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----"
        let rotated = try await json(
            line.run("keys", "rotate", "key-1", "--json", input: "the-api-key\n\(pem)\n"))
        #expect(rotated["got"]?["secret"] == .string(pem))
        let refused = try await line.run("keys", "rotate", "key-1", input: "refused\nthe secret\n")
        #expect(refused.code == 1 && refused.errors.contains("does not take this key"))
        #expect(!refused.errors.contains("the secret"))
        #expect(try await line.run("keys", "add", "binance", input: "only-a-key\n").code == 64)
        #expect(try await line.run("keys", "set", "key-1", "secret=x").code == 64)
        #expect(try await line.run("keys", "list").output.contains("vmPU…Eh8A"))
        #expect(try await line.run("keys", "test", "key-1").output.contains("was tried: works"))
        #expect(try await line.run("keys", "remove", "key-1").code == 0)
    }

    // MARK: - On this machine

    @Test func `a backup is made, checked and put back, and damage is noticed`() async throws {
        let data = line.home + "/data"
        mkdir(data, 0o700)
        do {
            // Closed before the backup, which also works while it is open.
            let database = try Database(path: data + "/journal.db")
            try database.run(script: "CREATE TABLE t (x INTEGER); INSERT INTO t VALUES (42);")
        }
        _ = line.write("data/bullpen.toml", "[server]\nport = 9001\n")
        let archive = line.home + "/backup"
        let made = try await json(line.run("backup", archive, "--data", data, "--json"))
        #expect(made["items"] == .number("2"))
        #expect(try await line.run("restore", archive, "--check").code == 0)
        let restored = line.home + "/restored"
        #expect(try await line.run("restore", archive, restored).code == 0)
        #expect(line.text(of: restored + "/bullpen.toml").contains("9001"))
        let number = try Database(path: restored + "/journal.db").first("SELECT x FROM t") {
            row throws(DatabaseFailure) in
            try row.int(0)
        }
        #expect(number == 42)
        #expect(try await line.run("restore", archive, restored).code == 1, "it is not empty any more")
        _ = line.write("backup/data/bullpen.toml", "[server]\nport = 9002\n")
        #expect(try await line.run("restore", archive, "--check").errors.contains("bullpen.toml"))
        #expect(try await line.run("restore", line.home + "/none", "--check").code == 2)
        #expect(try await line.run("backup", line.home + "/b2", "--data", line.home + "/none").code == 2)
    }

    @Test func `config shows where a value comes from`() async throws {
        let file = line.write("my.toml", "[server]\nport = 9001\n[paper]\nkind = \"margin\"\n")
        let shown = try await json(
            line.run(
                "config", "show", "--config", file, "--set", "server.port=9002", "--json",
                variables: ["BULLPEN_LOG_LEVEL": "debug"]))
        #expect(shown["server.port"]?["value"] == .number("9002"))
        #expect(shown["server.port"]?["origin"] == .string("--set"))
        #expect(shown["paper.kind"]?["origin"] == .string("\(file):4"))
        #expect(shown["log.level"]?["origin"] == .string("BULLPEN_LOG_LEVEL"))
        #expect(try await line.run("config", "check", "--config", file).output == "\(file) is good.\n")
    }

    @Test func `the example of the environment is the one in the repository`() async throws {
        let made = try await line.run("config", "defaults", "--environment").output
        #expect(
            made == line.text(of: Places.package + "/.env.example"),
            "bullpen config defaults --environment > .env.example")
    }

    @Test func `the completion script is one that bash reads`() async throws {
        let script = try await line.run("completion").output
        let ending = try await ChildProcess.run(
            "/bin/bash",
            [
                "--norc", "-c",
                script + "\nCOMP_WORDS=(bullpen sta); COMP_CWORD=1; _bullpen; echo ${COMPREPLY[@]}",
            ])
        #expect(ending.output == "start startup status\n")
        #expect(ending.errors.isEmpty)
    }
}

import Glibc
import TestSupport
import Testing
import Wire

/// The installation that tests run.
private enum Staged {
    static let program = Places.package + "/.build/stage-debug/bin/bullpen"
    static let runtimes = Places.package + "/.build/test-runtimes"
    static let canRun = access(program, X_OK) == 0 && access(runtimes + "/bare/root", F_OK) == 0
}

/// What looks at the walls from the command line: `shell`, `doctor --sandbox`, `profile record`.
///
/// They need an installation, which `scripts/test` makes, and the right to make control groups.
@Suite(
    "Commands behind the walls",
    .enabled(if: Staged.canRun, "scripts/stage debug makes what they need"))
struct SandboxCommandTests {
    private func run(_ words: String..., input: String = "") async throws -> ChildProcess.Ending {
        try await ChildProcess.run(
            Staged.program, words + ["--runtimes", Staged.runtimes],
            environment: ["HOME": "/tmp", "PATH": "/usr/bin:/bin", "SECRET": "a key"], input: input)
    }

    @Test("a shell takes Python over a pipe, says what is refused, and shows no host")
    func shell() async throws {
        let ending = try await run(
            "shell", "python",
            input: """
                import os, socket
                print(sorted(os.listdir('/')), os.environ.get('SECRET'), os.isatty(0))
                socket.socket()
                1/0
                print('still', 'here')

                """)
        #expect(ending.code == 0, "\(ending)")
        #expect(ending.output.contains("'bundle'") && ending.output.contains("None False"))
        #expect(ending.output.contains("still here"))
        #expect(ending.errors.contains("bullpen: refused: socket(AF_INET"))
        #expect(ending.errors.contains("ZeroDivisionError"))
    }

    @Test("a shell from a nursery is the same, and shows a bundle that lies anywhere")
    func warmShell() async throws {
        let ending = try await run(
            "shell", "python", "--warm", "--bundle", Places.package + "/strategy-templates/grid",
            input: """
                import os, socket, sys
                print(sorted(os.listdir('/')), len(open('/bundle/strategy.py').read()) > 100, 'bullpen.runtime' in sys.modules)
                socket.socket()

                """)
        #expect(ending.code == 0, "\(ending)")
        #expect(ending.output.contains("'bundle'") && ending.output.contains("True True"))
        #expect(ending.errors.contains("bullpen: refused: socket(AF_INET"))
        let native = try await run("shell", "native", "--warm")
        #expect(native.code == 1 && native.errors.contains("profile native has no nursery"), "\(native)")
    }

    @Test(
        "an ordinary user without control groups has a shell, too, and is told what is not promised",
        .enabled(if: geteuid() == 0, "needs root to become an ordinary user"),
        arguments: [["python"], ["python", "--warm"], ["native"]])
    func ordinaryShell(_ words: [String]) async throws {
        // Nothing that is handed over, so that there are no groups to make.
        let program =
            words[0] == "native" ? "list /\n" : "import os\nprint(os.getuid(), sorted(os.listdir('/')))\n"
        let ending = try await ChildProcess.run(
            "/usr/bin/setpriv",
            ["--reuid=64123", "--regid=64123", "--clear-groups", Staged.program, "shell"] + words
                + ["--runtimes", Staged.runtimes, "--data", "/tmp"],
            environment: ["HOME": "/tmp", "PATH": "/usr/bin:/bin"], input: program)
        #expect(ending.code == 0, "\(ending)")
        #expect(ending.output.contains("bundle"))
        #expect(ending.errors.contains("not promised here: CPU share"), "\(ending.errors)")
    }

    @Test("what the inside writes cannot steer the terminal")
    func shellIsHarmless() async throws {
        let ending = try await run("shell", "python", input: "print('\\x1b[2J', 'gr\\u00fc\\u00dfe')\n")
        #expect(!ending.output.unicodeScalars.contains("\u{1B}"))
        #expect(ending.output.contains("\u{FFFD}[2J") && ending.output.contains("grüße"))
    }

    @Test("a shell shows a bundle, and ends with 1 when the inside ends badly")
    func shellShowsBundle() async throws {
        let folder = Places.package + "/strategy-templates/grid"
        let ending = try await run(
            "shell", "python", "--bundle", folder,
            input: "print(len(open('/bundle/strategy.py').read()) > 100)\nraise SystemExit(3)\n")
        #expect(ending.code == 1)
        #expect(ending.output.contains("True"))
        #expect(ending.errors.contains("exit code 3"))
        let unknown = try await run("shell", "pyton")
        #expect(unknown.code == 2)
        #expect(unknown.errors.contains("did you mean python?"))
    }

    @Test("Control-C interrupts what runs inside, and the shell goes on")
    func interrupts() async throws {
        let child = try ChildProcess(
            Staged.program, ["shell", "python", "--runtimes", Staged.runtimes],
            environment: ["HOME": "/tmp", "PATH": "/usr/bin:/bin"])
        child.write("while True: print('round', flush=True)\n\n")
        while let line = child.readLine(), !line.hasSuffix("round") {}
        child.send(signal: SIGINT)
        let ending = await child.finish(input: "print('after', 'it')\n")
        #expect(ending.code == 0, "\(ending.errors)")
        #expect(ending.errors.contains("KeyboardInterrupt"))
        #expect(ending.output.contains("after it"))
    }

    @Test("a shell for programs has commands")
    func shellForPrograms() async throws {
        let ending = try await run(
            "shell", "native", input: "list /\nconnect\nput /work/x hello\nshow /work/x\nput /usr/x y\n")
        #expect(ending.code == 0, "\(ending)")
        #expect(ending.output.contains("bundle/") && ending.output.contains("hello"))
        #expect(
            ending.output.contains("Operation not permitted")
                && ending.output.contains("Read-only file system"))
        #expect(ending.errors.contains("refused: socket(AF_INET"))
    }

    @Test("doctor scores every wall of a profile as standing", arguments: ["python", "native"])
    func scores(_ profile: String) async throws {
        let ending = try await run("doctor", "--sandbox", profile, "--json")
        #expect(ending.code == 0, "\(ending)")
        let answer = try JSONParser.parse(Array(ending.output.utf8)[...])
        let items = try #require(answer["items"]?.arrayValue)
        #expect(items.map { $0["door"]?.stringValue } == (profile == "native" ? ["cold"] : ["cold", "warm"]))
        for item in items {
            #expect(item["profile"]?.stringValue == profile)
            #expect(item["standing"]?.intValue == item["of"]?.intValue)
            #expect((item["of"]?.intValue ?? 0) > 20)
        }
        #expect((answer["others"]?["bwrap"]?["given"]?.intValue ?? 99) < 10)
    }

    @Test("a profile for doctor needs --sandbox")
    func doctorMisuse() async throws {
        #expect(try await run("doctor", "python").code == 64)
        #expect(try await run("doctor", "--sandbox", "pyton").code == 2)
    }

    @Test("profile record says what a strategy of the templates needs and what it does not")
    func records() async throws {
        let ending = try await run(
            "profile", "record", "python", Places.package + "/strategy-templates/ma-crossover", "--json")
        #expect(ending.code == 0, "\(ending)")
        let answer = try JSONParser.parse(Array(ending.output.utf8)[...], limits: .init(bytes: 1 << 20))
        let unused = try #require(answer["unused"]?.arrayValue).compactMap(\.stringValue)
        #expect(unused.contains("epoll_wait") && !unused.contains("read"))
        let uses = try #require(answer["uses"]?.arrayValue)
        #expect(
            uses.contains { $0["call"]?.stringValue == "read" && $0["outcome"]?.stringValue == "allowed" })
        #expect(try await run("profile", "record", "python", "/tmp").code == 2)
    }
}

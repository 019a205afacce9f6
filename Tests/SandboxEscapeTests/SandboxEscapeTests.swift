import FoundationEssentials
import Glibc
import TestSupport
import Testing
import Wire

/// The exam: strategies that try to get out, run through a whole host, and looked at from outside.
///
/// The cases, and what is demanded of each, are in `exam/cases.py`. `BULLPEN_EXAM_PROFILES` names other profiles than
/// `python`, with commas between or as `all`, and has every case tried; `BULLPEN_EXAM_REPORT` names a file that gets the
/// verdicts, as lines of JSON.
@Suite("Sandbox escapes", .serialized, .enabled(if: hindrance == nil, "\(hindrance ?? "")"))
struct SandboxEscapeTests {
    /// A host under exam.
    struct Sitting: CustomTestStringConvertible, Sendable {
        let door: String
        let user: String
        let profile: String
        var testDescription: String { "\(door) door, host as \(user), profile \(profile)" }
        var options: [String] { ["--door", door, "--user", user, "--profile", profile] }
    }

    /// The profiles that are named, `all` being those that come with the host; nil when none is.
    static let profiles: [String]? = variable("BULLPEN_EXAM_PROFILES").map { names in
        guard names == "all" else { return names.split(separator: ",").map { String($0) } }
        // Without the folder there is no host that could be staged, and these tests are skipped.
        let files =
            (try? FileManager.default.contentsOfDirectory(atPath: Places.package + "/sandbox-profiles")) ?? []
        return files.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
    }

    /// Native programs have one door: nothing of theirs can be loaded beforehand.
    static let sittings: [Sitting] = (profiles ?? ["python"]).flatMap { profile in
        (profile == "native" ? ["cold"] : ["cold", "warm"]).flatMap { door in
            // What control groups do not hold does not depend on the door; lent ids do more for the warm one.
            (profiles != nil
                ? ["root", "user", "lent", "alone"] : ["root", "user", door == "cold" ? "alone" : "lent"])
                .map { Sitting(door: door, user: $0, profile: profile) }
        }
    }

    /// Which of them sit at the same time: one mostly waits, so that two do what two processors can. Where profiles are named,
    /// on a quiet machine, each sits by itself.
    static let rounds: [Round] = {
        guard profiles == nil else { return sittings.map { Round(sittings: [$0]) } }
        let roots = sittings.filter { $0.user == "root" }
        let users = sittings.filter { $0.user == "user" }.reversed()
        return zip(roots, users).map { Round(sittings: [$0, $1]) }
            + [Round(sittings: sittings.filter { ["lent", "alone"].contains($0.user) })]
    }()

    /// Hosts under exam at the same time.
    struct Round: CustomTestStringConvertible, Sendable {
        let sittings: [Sitting]
        var testDescription: String { sittings.map(\.testDescription).joined(separator: "; ") }
    }

    @Test func `every host has its turn`() {
        #expect(
            Self.rounds.flatMap(\.sittings).map(\.testDescription).sorted()
                == Self.sittings.map(\.testDescription).sorted())
    }

    @Test(.timeLimit(.minutes(10)), arguments: rounds)
    func `nobody gets out`(_ round: Round) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for sitting in round.sittings {
                group.addTask {
                    let verdicts = try await Self.examine(sitting.options)
                    #expect(verdicts.contains { $0["name"]?.stringValue == "remains" })
                }
            }
            try await group.waitForAll()
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `without walls every attempt works, so that each case is known to bite`() async throws {
        for profile in Self.profiles ?? ["python"] {
            let verdicts = try await Self.examine(["--controls", "--profile", profile])
            for verdict in verdicts {
                // What this machine's kernel refuses even to root is said, and not passed over.
                guard case .object(let traits)? = verdict["traits"], !traits.isEmpty else { continue }
                let name = verdict["name"]?.stringValue ?? ""
                for trait in traits {
                    print("\(name): \(trait.name), even without walls: \(trait.value.stringValue ?? "")")
                }
            }
        }
    }

    @Test func `the table of attacks in EXAM.md is that of the cases`() async throws {
        let ending = try await ChildProcess.run(Self.python, ["-B", Self.program, "--table"])
        try #require(ending.code == 0, "\(ending.errors)")
        let file = URL(filePath: Places.package + "/docs/EXAM.md")
        let document = try String(contentsOf: file, encoding: .utf8)
        #expect(
            document.contains(ending.output),
            "put the output of `python3 Tests/SandboxEscapeTests/exam --table` into docs/EXAM.md")
    }

    // MARK: - Running it

    private static let program = Places.package + "/Tests/SandboxEscapeTests/exam"
    private static let python = "/usr/bin/python3"

    /// Runs the exam's program and notes each case that did not pass.
    private static func examine(_ options: [String]) async throws -> [JSONValue] {
        let ending = try await ChildProcess.run(
            python, ["-B", program] + options + (profiles == nil ? ["--brief"] : []),
            environment: ["PATH": "/usr/local/bin:/usr/bin:/bin"])
        let lines = ending.output.split(separator: "\n").map { String($0) }
        try report(lines.filter { $0.contains("\"verdict\": ") })
        let verdicts = try lines.map { try JSONParser.parse($0) }
        for verdict in verdicts where verdict["passed"] == .bool(false) {
            let name = verdict["name"]?.stringValue ?? ""
            let words = (verdict["complaints"]?.arrayValue ?? []).compactMap(\.stringValue)
            if verdict["promised"] == .bool(false) {
                print("\(name), which is not promised here: \(words.joined(separator: "; "))")
            } else {
                Issue.record("\(name), \(options.joined(separator: " ")): \(words.joined(separator: "; "))")
            }
        }
        #expect(ending.code == 0, "\(ending.errors)")
        return verdicts
    }

    private static func report(_ lines: [String]) throws {
        guard let path = variable("BULLPEN_EXAM_REPORT") else { return }
        let file = try #require(fopen(path, "a"), "\(path) cannot be written to")
        defer { fclose(file) }
        for line in lines { #expect(fputs(line + "\n", file) >= 0) }
    }

    private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}

/// Why it cannot run here; nil when it can.
private let hindrance: String? = {
    for path in [".build/stage-debug/bin/bullpen", ".build/stage-debug/libexec/bullpen/confine"]
    where access(Places.package + "/" + path, X_OK) != 0 {
        return "\(path) is missing: scripts/test stages it"
    }
    if access(Places.package + "/.build/test-runtimes/bare", R_OK) != 0 {
        return ".build/test-runtimes/bare is missing: scripts/test makes it"
    }
    if access("/usr/bin/python3", X_OK) != 0 { return "/usr/bin/python3 is missing" }
    if geteuid() != 0 { return "only root sees all from outside, and can hand control groups to others" }
    return nil
}()

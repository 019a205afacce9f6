import Posix
import Sandbox
import Wire

extension Command {
    /// `doctor --sandbox`: what walls really stand around a process under each profile.
    static func scoreSandbox(_ invocation: Invocation) async throws {
        let scratch = try ScratchFolder()
        let plain = try LocalSandbox(invocation, bundles: scratch.folder)
        defer { plain.close() }
        let poking = try LocalSandbox(invocation, showsPoke: true)
        defer { poking.close() }
        let names = invocation.optionalOperand("profile").map { [$0] } ?? plain.profiles.keys.sorted()
        var items: [JSONValue] = []
        var missing: [String] = []
        for name in names {
            let profile = try plain.profile(name)
            let sandbox = OperatorProgram.isNative(profile) ? poking : plain
            for door in ConfinedChild.Door.all(of: profile) {
                let score = try await score(profile, by: door, in: sandbox, bundle: scratch.path)
                items.append(json(profile, door, score))
                missing += score.rows.filter { !$0.holds }.map { "\(name), \(door.words): \($0.wall.words)" }
                if !invocation.wantsJSON { for line in lines(profile, door, score) { Console.say(line) } }
            }
        }
        _ = scratch.path
        if invocation.wantsJSON {
            Console.say(JSONValue.members(["items": .array(items), "others": others]).text)
        } else {
            for line in closing { Console.say(line) }
        }
        guard missing.isEmpty else {
            throw CommandFailure(.error, "does not stand: \(missing.joined(separator: ", "))")
        }
    }

    private static func score(
        _ profile: Profile, by door: ConfinedChild.Door, in sandbox: LocalSandbox, bundle: String
    ) async throws(CommandFailure) -> SandboxScore {
        let child = try await sandbox.start(
            LaunchRequest(
                strategy: "doctor", run: "doctor-\(profile.name)-\(door.rawValue)",
                profile: OperatorProgram.report.run(in: profile),
                bundle: bundle), by: door)
        let relay = ConfinedRelay(child)
        var (output, errors): ([UInt8], [UInt8]) = ([], [])
        var heard: [Violation] = []
        var outcome: Result<SandboxScore, FieldFailure>?
        relay.onViolation = { heard.append($0) }
        relay.onErrors = { errors += $0 }
        relay.onOutput = { bytes in
            output += bytes
            guard outcome == nil, let end = output.firstIndex(of: 0x0A) else { return }
            // It waits for the end of its input now, and can be looked at.
            do throws(FieldFailure) {
                let inside = try InsideView(json: parse(output[..<end]))
                outcome = .success(
                    SandboxScore(
                        of: child, inside: inside, heard: heard,
                        landlockVersion: sandbox.launcher.report.landlockVersion))
            } catch {
                outcome = .failure(error)
            }
            relay.endInput()
        }
        let (report, _) = try await relay.run(until: MonotonicClock.nanoseconds + 30_000_000_000)
        switch outcome {
        case .success(let score): return score
        case .failure(let failure):
            throw CommandFailure(.error, "\(profile.name): the report from inside cannot be read: \(failure)")
        case nil:
            let words = String(decoding: errors.suffix(500), as: UTF8.self)
            throw CommandFailure(
                .error, "\(profile.name): nothing came from inside: \(report.words) \(words)")
        }
    }

    private static func parse(_ line: ArraySlice<UInt8>) throws(FieldFailure) -> JSONValue {
        do {
            return try JSONParser.parse(line)
        } catch {
            throw FieldFailure(field: "", reason: "it is not JSON: \(error)")
        }
    }

    private static func json(
        _ profile: Profile, _ door: ConfinedChild.Door, _ score: SandboxScore
    ) -> JSONValue {
        let rows = score.rows.map { row in
            JSONValue.members([
                "wall": .string(row.wall.rawValue), "words": .string(row.wall.words),
                "stands": .bool(row.holds),
                "found": .string(row.finding),
                "others": .object(
                    OtherSandbox.allCases.map {
                        .init($0.rawValue, .string(row.others[$0]?.rawValue ?? "no"))
                    }),
            ])
        }
        return .members([
            "profile": .string(profile.name), "version": .integer(profile.version),
            "door": .string(door.rawValue),
            "standing": .integer(score.points), "of": .integer(score.rows.count), "walls": .array(rows),
        ])
    }

    private static var others: JSONValue {
        .object(
            OtherSandbox.allCases.map { other in
                let points = SandboxScore.points(of: other)
                return .init(
                    other.rawValue,
                    .members([
                        "what": .string(other.words), "given": .integer(points.given),
                        "asked": .integer(points.asked),
                    ]))
            })
    }

    private static func lines(
        _ profile: Profile, _ door: ConfinedChild.Door, _ score: SandboxScore
    ) -> [String] {
        var table = Table(
            [.left("WALL"), .judged("HERE")] + OtherSandbox.allCases.map { .left($0.rawValue.uppercased()) }
                + [.left("FOUND")])
        for row in score.rows {
            table.add(
                [row.wall.words, row.holds ? "ok" : "missing"]
                    + OtherSandbox.allCases.map { row.others[$0]?.rawValue ?? "no" } + [row.finding])
        }
        return [
            "Profile \(profile.name), version \(profile.version), started \(door.words): "
                + "\(score.points) of \(score.rows.count) walls stand.",
            "",
        ] + table.lines + [""]
    }

    private static var closing: [String] {
        let words = OtherSandbox.allCases.map { other in
            let points = SandboxScore.points(of: other)
            return "\(other.words) \(points.given), and \(points.asked) more when asked"
        }
        return [
            "The others, of \(SandboxScore.Wall.allCases.count): " + words.joined(separator: "; ") + ".",
            "As read and tried by Bullpen's authors in November 2026; docs/OPERATING.md says how.",
        ]
    }
}

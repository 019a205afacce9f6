import Sandbox
import Wire

extension Command {
    static let profileRecord = Command(
        name: "profile record", group: .host,
        summary: "Run strategies behind a profile's walls and write down every system call.",
        details: """
            Says which allowed calls nobody made and which calls were refused. Each strategy is taken through history,
            candles, fills and signals of a simulated market; no host is needed, and nothing is traded. A call that is
            recorded is decided as the profile decides it.
            """,
        operands: [
            Operand(name: "profile", explanation: "The profile's name."),
            Operand(name: "folder", explanation: "Folders with a strategy in each.", count: .any),
        ],
        options: LocalSandbox.options, usesServer: false
    ) { invocation in
        let folders = invocation.rest("folder")
        guard !folders.isEmpty else {
            throw CommandFailure.usage("profile record: name at least one folder with a strategy in it")
        }
        let sandbox = try LocalSandbox(invocation)
        defer { sandbox.close() }
        let profile = try sandbox.profile(invocation.operand("profile"))
        var total = CallRecording()
        var runs: [JSONValue] = []
        for (index, folder) in folders.map(LocalConfiguration.absolute).enumerated() {
            let script = try StrategyRehearsal.Script(folder: folder, profile: profile.name)
            var request = LaunchRequest(
                strategy: script.name, run: "record-\(index)", profile: profile, bundle: folder,
                entry: script.entry)
            request.isRecorded = true
            let relay = ConfinedRelay(try await sandbox.start(request))
            let rehearsal = try StrategyRehearsal(script, relay)
            let report = try await rehearsal.run()
            let recording = relay.child.recorder?.recording ?? CallRecording()
            guard rehearsal.wasReady, report.cause == .finished else {
                throw CommandFailure(
                    .error,
                    "\(script.name) did not go through: \(report.words); it said last:\n\(rehearsal.lastWords)"
                )
            }
            total.merge(recording)
            let calls = recording.counts.values.reduce(0, +)
            runs.append(.members(["strategy": .string(script.name), "calls": .integer(calls)]))
            if !invocation.wantsJSON { Console.say("\(script.name): \(calls) calls") }
        }
        let proposal = ProfileProposal(profile, total)
        invocation.show(json(profile, proposal, total, runs), lines(profile, proposal))
    }

    private static func json(
        _ profile: Profile, _ proposal: ProfileProposal, _ recording: CallRecording, _ runs: [JSONValue]
    ) -> JSONValue {
        let groups = proposal.groups.map { group in
            JSONValue.members([
                "group": .string(group.name), "why": .string(group.reason),
                "calls": .array(group.calls.filter { !$0.isUnused }.map { .string($0.call) }),
                "unused": .array(group.calls.filter(\.isUnused).map { .string($0.call) }),
            ])
        }
        let uses = recording.uses(Set(CallRecording.Outcome.allCases)).map { use, count in
            JSONValue.members([
                "call": .string(use.call), "arguments": .string(use.arguments),
                "outcome": .string(use.outcome.rawValue), "count": .integer(count),
            ])
        }
        return .members([
            "profile": .string(profile.name), "version": .integer(profile.version), "runs": .array(runs),
            "proposed": .array(groups),
            "unused": .array(proposal.unused.map { .string($0) }),
            "kept_though_seen": .array(proposal.needlesslyExcused.map { .string($0) }),
            "uses": .array(uses),
        ])
    }

    private static func lines(_ profile: Profile, _ proposal: ProfileProposal) -> [String] {
        var allowed = Table([.left("GROUP"), .left("CALL"), .right("SEEN"), .left("PROPOSAL")])
        for group in proposal.groups {
            for call in group.calls {
                let words =
                    if call.isUnused { "remove: nobody needs it" } else if let reason = call.reasonToKeep {
                        call.count == 0 ? "keep: \(reason)" : "keep, and drop its excuse: it was seen"
                    } else { "keep" }
                allowed.add([group.name, call.call, "\(call.count)", words])
            }
        }
        var refused = Table([.left("CALL"), .left("ARGUMENTS"), .right("SEEN"), .left("WHAT BECAME OF IT")])
        for (use, count) in proposal.refused {
            refused.add([use.call, use.arguments, "\(count)", use.outcome.rawValue])
        }
        let unused = proposal.unused
        let sum =
            unused.isEmpty
            ? "Profile \(profile.name), version \(profile.version), allows nothing that nobody needs."
            : "Profile \(profile.name), version \(profile.version), could do without: \(unused.joined(separator: ", "))."
        return [""] + allowed.lines + ["", "Refused, and got over:"] + refused.lines + ["", sum]
    }
}

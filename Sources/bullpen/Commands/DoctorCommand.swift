import Glibc
import Host
import Sandbox
import Wire

extension Command {
    static let doctor = Command(
        name: "doctor", group: .host, summary: "Say what this machine can and cannot do for the host.",
        details: """
            Works without a running host. Ends with 1 when something is missing, and says how to get it. With --sandbox it
            runs a program behind each profile's walls, or one profile's, looks at it from outside and from inside, and
            scores what really stands, beside what other sandboxes give.
            """,
        operands: [
            Operand(
                name: "profile", explanation: "With --sandbox: one profile instead of all.", count: .optional)
        ],
        options: [.flag("sandbox", "Score the walls that profiles put up on this machine.")]
            + LocalSandbox.options,
        usesServer: false
    ) { invocation in
        guard !invocation.has("sandbox") else { return try await scoreSandbox(invocation) }
        guard invocation.optionalOperand("profile") == nil else {
            throw CommandFailure.usage("doctor: a profile needs --sandbox beside it")
        }
        let local = try LocalConfiguration(invocation)
        let layout: InstalledLayout?
        do {
            layout = try InstalledLayout.ofThisProgram(share: invocation.value("share"))
        } catch {
            layout = nil  // One of the checks says so.
        }
        let groups = ControlGroups(name: "doctor-\(getpid())")
        defer { groups.remove() }
        let checks = Doctor.checks(
            kernel: KernelReport.probe(groups: groups.survey), users: .survey(launcher: layout?.confine),
            withoutGroups: local.configuration.sandbox.withoutControlGroups, layout: layout,
            dataFolder: local.folder)
        invocation.show(.members(["items": .array(checks.map(\.json))]), lines(checks))
        let missing = checks.filter { $0.state == .missing }
        guard missing.isEmpty else {
            throw CommandFailure(.error, "missing: \(missing.map(\.name).joined(separator: ", "))")
        }
    }

    private static func lines(_ checks: [CheckView]) -> [String] {
        var table = Table([.left("WHAT"), .judged("STATE"), .left("FOUND")])
        for check in checks { table.add([check.name, check.state.rawValue, check.detail]) }
        let remedies = checks.compactMap { check in check.remedy.map { "\(check.name): \($0)" } }
        return table.lines + (remedies.isEmpty ? [] : [""] + remedies)
    }
}

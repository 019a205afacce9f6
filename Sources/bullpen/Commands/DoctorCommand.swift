import Glibc
import Host
import Sandbox
import Wire

extension Command {
    static let doctor = Command(
        name: "doctor", group: .host, summary: "Say what this machine can and cannot do for the host.",
        details:
            "Works without a running host. Ends with 1 when something is missing, and says how to get it.",
        options: LocalConfiguration.options + [
            .value("share", "folder", "Where share/bullpen lies, when not beside the program.")
        ], usesServer: false
    ) { invocation in
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

import Host
import Sandbox
import Wire

extension Command {
    static let runtimeInstall = Command(
        name: "runtime install", group: .host, summary: "Make the runtimes that strategies run in.",
        details: """
            bare is Python's standard library, scientific adds numpy, pandas and scikit-learn from PyPI, pinned by
            hash, optimiser is Optuna for searches over parameters, native is for programs. One that is there and right is left alone.
            """,
        operands: [
            Operand(
                name: "runtime",
                explanation: "Which: native, bare, scientific, optimiser; all unless told otherwise.",
                count: .any)
        ],
        options: LocalConfiguration.options + [
            .value("to", "folder", "Where; runtimes in the data folder unless told otherwise."),
            .value("share", "folder", "Where share/bullpen lies, when not beside the program."),
        ], usesServer: false
    ) { invocation in
        var wanted: [Runtime] = []
        for name in invocation.rest("runtime") {
            guard let runtime = Runtime(rawValue: name) else {
                let allowed = Runtime.allCases.map(\.rawValue).joined(separator: ", ")
                throw CommandFailure.usage(
                    "runtime install: there is no runtime \"\(name)\"; there are: \(allowed)")
            }
            wanted.append(runtime)
        }
        let local = try LocalConfiguration(invocation)
        if invocation.value("to") == nil { try local.makeFolder() }
        let folder = invocation.value("to") ?? local.folder + "/runtimes"
        let layout: InstalledLayout
        do {
            layout = try InstalledLayout.ofThisProgram(share: invocation.value("share"))
        } catch {
            throw CommandFailure(.error, "\(error)")
        }
        let installer = RuntimeInstaller(runtimes: folder, requirements: layout.profiles + "/runtimes")
        var outcomes: [JSONValue.Member] = []
        for runtime in wanted.isEmpty ? Runtime.allCases : wanted {
            do {
                let outcome = try installer.install(runtime) { progress in
                    if !invocation.wantsJSON { Console.say("\(runtime.rawValue): \(progress)") }
                }
                outcomes.append(JSONValue.Member(runtime.rawValue, .string(outcome.rawValue)))
            } catch {
                throw CommandFailure(.error, "\(error)")
            }
        }
        invocation.show(.object(outcomes), outcomes.map { "\($0.name) is there (\(Words.text($0.value)))." })
    }
}

import FoundationEssentials
import Wire

extension Command {
    /// What can be saved of a run.
    private enum Part: String, CaseIterable {
        case html, trades, fills, equity

        /// Where the host has it, and under what name it is saved.
        func place(_ run: String) -> (path: String, file: String) {
            switch self {
            case .html: ("report.html", "bullpen-run-\(run).html")
            case .trades, .fills, .equity: ("\(rawValue).csv", "bullpen-\(rawValue)-\(run).csv")
            }
        }
    }

    static let report = Command(
        name: "report", group: .lab, summary: "Save what came of a backtest: a page, or tables.",
        details: "The page holds everything in itself and can be sent to somebody. Tables are CSV.",
        operands: [.run],
        options: [
            .value("format", "html|trades|fills|equity", "What to save; html unless told otherwise."),
            .value(
                "output", "file", short: "o",
                "Where to; - is standard output. Otherwise a name of its own here."),
        ]
    ) { invocation in
        let run = invocation.operand("run")
        let part = try invocation.choice("format", as: Part.self) ?? .html
        let (path, name) = part.place(run)
        let bytes = try await Server(invocation).bytes("/lab/backtests/\(run.asPathPiece)/\(path)")
        let file = invocation.value("output") ?? name
        guard file != "-" else { return Console.write(String(decoding: bytes, as: UTF8.self)) }
        do {
            try Data(bytes).write(to: URL(filePath: file))
        } catch {
            throw CommandFailure(.error, "\(file) cannot be written: \(error)")
        }
        invocation.show(.members(["file": .string(file), "bytes": .integer(bytes.count)]), [file])
    }
}

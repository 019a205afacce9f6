import Wire

/// Lets the interpreter's own parser look at a bundle's Python files, inside the sandbox.
///
/// This value says what to run and reads the answer; whoever owns the launcher runs it, with the bundle mounted
/// read-only and the limits of ``Request``. The answer comes from a process that has read hostile files and is
/// believed no further than its form allows.
public struct PythonSyntaxCheck: Sendable {
    /// What to run.
    public struct Request: Hashable, Sendable {
        /// Arguments of the interpreter, its own name not among them.
        public let arguments: [String]
        /// Standard output is cut, and the check counted as failed, beyond so many bytes.
        public let maximumOutputBytes: Int
        /// The check is killed after so long.
        public let timeoutMilliseconds: Int
        /// Its memory in MiB.
        ///
        /// CPython needs some 100 bytes for each byte of source.
        public let memoryMegabytes: Int
    }

    /// How the check's process ended.
    public enum End: Hashable, Sendable {
        case exited(code: Int)
        /// Killed, with the cause in words, such as "it used more than 512 MiB".
        case killed(cause: String)
    }

    private let files: [String]

    /// Checks the Python files of `bundle`.
    public init(_ bundle: StrategyBundle) {
        files = bundle.pythonFiles
    }

    /// What to run, with the paths as they are inside the sandbox.
    ///
    /// - Parameters:
    ///   - program: Where check.py lies, such as `/sdk/check.py`.
    ///   - folder: Where the bundle lies, such as `/bundle`.
    public func request(program: String, folder: String) -> Request {
        // Isolated, without site packages and bytecode files: nothing of the bundle can be imported.
        Request(
            arguments: ["-I", "-S", "-B", program, folder] + files, maximumOutputBytes: 1 << 20,
            timeoutMilliseconds: 20_000, memoryMegabytes: 512)
    }

    /// Reads what the check wrote.
    ///
    /// - Parameters:
    ///   - output: Standard output, at most ``Request/maximumOutputBytes``.
    ///   - errors: Standard error, for the message when the check failed.
    public func problems(output: [UInt8], errors: [UInt8], end: End) -> [ValidationProblem] {
        var problems: [ValidationProblem] = []
        var checked: Int?
        for line in output.split(separator: 0x0A).prefix(1000) {
            do {
                let value = try JSONParser.parse(Array(line), limits: .line)
                if let count = value["checked"]?.intValue { checked = count }
                if let problem = problem(value) { problems.append(problem) }
            } catch {
                return [Self.failed("it wrote something that is not a finding", errors)]
            }
        }
        switch end {
        case .killed(let cause):
            return problems + [Self.failed(cause, errors)]
        case .exited(0) where checked == files.count: return problems
        case .exited(let code):
            return problems + [Self.failed("it ended with code \(code) before all files were read", errors)]
        }
    }

    private func problem(_ value: JSONValue) -> ValidationProblem? {
        guard let word = value["problem"]?.stringValue, let code = ValidationProblem.Code(rawValue: word),
            code == .syntax || code == .strategyClassMissing || code == .checkFailed
        else { return nil }
        let file = value["file"]?.stringValue.flatMap { files.contains($0) ? $0 : nil }
        func positive(_ name: String) -> Int? {
            value[name]?.intValue.flatMap { (1...10_000_000).contains($0) ? $0 : nil }
        }
        return ValidationProblem(
            code, Self.cut(value["message"]?.stringValue ?? "does not parse", 1000), field: file,
            line: positive("line"), column: positive("column"),
            source: value["source"]?.stringValue.map { Self.cut($0, 400) })
    }

    private static func failed(_ cause: String, _ errors: [UInt8]) -> ValidationProblem {
        let last = errors.split(separator: 0x0A).last.map { BundleName.printable($0) }
        let words = last.map { "; its last words: \(cut($0, 200))" } ?? ""
        return ValidationProblem(
            .checkFailed, "the Python files could not be checked: \(cut(cause, 200))\(words)")
    }

    /// A cut text without characters that are no text.
    private static func cut(_ text: String, _ count: Int) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.prefix(count).filter {
                    $0.properties.generalCategory != .control || $0 == "\t"
                }))
    }
}

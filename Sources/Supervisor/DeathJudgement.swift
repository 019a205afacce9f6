internal import Sandbox

extension RunLifecycle.Death {
    /// What the sandbox saw of an end, judged for a restart and put in words with what the child last printed.
    ///
    /// - Parameter lastWords: The last lines of its standard error, oldest first.
    init(_ report: DeathReport, lastWords: [String]) {
        switch report.cause {
        case .finished: self.init(cause: report.words, kind: .clean)
        case .exitCode:
            let last = lastWords.last { !$0.allSatisfy(\.isWhitespace) }
            self.init(cause: last.map { "\(report.words): \($0.prefix(300))" } ?? report.words, kind: .crash)
        case .memory, .limit, .signal: self.init(cause: report.words, kind: .crash)
        case .systemCall: self.init(cause: report.words, kind: .violation)
        }
    }
}

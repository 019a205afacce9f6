internal import Sandbox

extension RunLifecycle.Death {
    /// What the sandbox saw of an end, judged for a restart and put in words with what the child last printed.
    ///
    /// - Parameters:
    ///   - lastWords: The last lines of its standard error, oldest first.
    ///   - profile: What it ran under.
    ///   - refusal: What it was refused last.
    init(_ report: DeathReport, lastWords: [String], profile: Profile, refusal: Violation? = nil) {
        switch report.cause {
        case .finished: self.init(cause: report.words, kind: .clean)
        case .exitCode:
            var words = [report.words]
            if let last = lastWords.last(where: { !$0.allSatisfy(\.isWhitespace) }) {
                let hint = DeathHint(
                    profile: profile, memoryBytes: report.usage.memoryLimitBytes, refusal: refusal)
                words = ["\(report.words): \(last.prefix(300))"]
                if let more = hint.words(for: last) { words.append(more) }
            }
            self.init(cause: words.joined(separator: "; "), kind: .crash)
        case .memory: self.init(cause: "\(report.words); \(DeathHint.ofMemory)", kind: .crash)
        case .limit, .signal: self.init(cause: report.words, kind: .crash)
        case .systemCall: self.init(cause: report.words, kind: .violation)
        }
    }
}

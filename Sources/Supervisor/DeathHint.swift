internal import Sandbox

/// What a limit or a rule has to do with the error that a strategy ended with, and what to do about it.
///
/// It goes by the words of the last line, as Python and C programs end with them. A strategy can print what it likes;
/// then the hint is as wrong as the line before it, and nothing else comes of it.
struct DeathHint: Sendable {
    let profile: Profile
    let memoryBytes: Int
    /// What it was refused last.
    let refusal: Violation?

    /// The hint to a last line, or nil.
    func words(for line: String) -> String? {
        let known = Self.errors.first { error in error.signs.contains { line.contains($0) } }
        return known.map { $0.words(self) }
    }

    private struct KnownError: Sendable {
        let signs: [String]
        let words: @Sendable (DeathHint) -> String
    }

    private static let errors: [KnownError] = [
        KnownError(signs: ["gaierror", "name resolution", "Name or service not known"]) { _ in
            sentence(of: .network)
        },
        KnownError(signs: ["[Errno 1]", "Operation not permitted"]) { hint in
            hint.refusal.map { "refused was \($0)" } ?? sentence(of: .otherCalls)
        },
        KnownError(signs: ["[Errno 13]", "[Errno 30]", "Permission denied", "Read-only file system"]) { _ in
            sentence(of: .writing)
        },
        KnownError(signs: ["[Errno 28]", "No space left on device"]) { hint in
            let folders = hint.profile.writable.map {
                "\($0.path) takes \($0.bytes >> 20) MiB in \($0.inodes) files"
            }
            return folders.joined(separator: ", ")
        },
        KnownError(signs: ["[Errno 27]", "File too large"]) { hint in
            "a file may have \(hint.profile.limits.fileBytes >> 20) MiB"
        },
        KnownError(signs: ["[Errno 24]", "Too many open files"]) { hint in
            "\(hint.profile.limits.openFiles) files may be open at a time: close what is not needed"
        },
        KnownError(signs: ["can't start new thread", "[Errno 11]", "Resource temporarily unavailable"]) {
            hint in
            "it may have \(hint.profile.limits.processes) processes and threads: use fewer, such as n_jobs=1"
        },
        KnownError(signs: ["MemoryError", "[Errno 12]", "Cannot allocate memory", "std::bad_alloc"]) { hint in
            "it may have \(hint.memoryBytes >> 20) MiB: \(ofMemory)"
        },
    ]

    /// What to do when there is too little memory.
    static let ofMemory = "keep less in memory, or set memory_mb in strategy.json"

    private static func sentence(of rule: SandboxRule) -> String { "\(rule.words): \(rule.advice)" }
}

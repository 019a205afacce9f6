/// A kind of file tree that strategies run in. Its folder is all that a strategy sees of a system.
public enum Runtime: String, CaseIterable, Hashable, Sendable {
    /// The C and C++ libraries, for programs that bring the rest.
    case native
    /// Python and its standard library.
    case bare
    /// Python with numpy, pandas and scikit-learn.
    case scientific
    /// Python with Optuna, for searches over parameters. No strategy runs in it.
    case optimiser

    /// Whether Python is in it.
    var hasPython: Bool { self != .native }

    /// Whether packages from PyPI are in it, pinned in a file of its name.
    var hasPackages: Bool { self == .scientific || self == .optimiser }
}

/// Why a runtime could not be made or read.
public struct RuntimeFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The runtime's name.
    public let runtime: String
    /// The reason in words, with what to do.
    public let reason: String

    /// The runtime and the reason.
    public var description: String { "runtime \(runtime): \(reason)" }
}

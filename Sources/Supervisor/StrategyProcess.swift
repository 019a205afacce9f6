public import Posix

/// What a child has used and may use.
public struct ChildUsage: Hashable, Sendable {
    /// Processor time of the whole tree, in seconds.
    public var cpuSeconds = 0.0
    /// How long the tree was held back because it had used up its share, in seconds.
    public var throttledSeconds = 0.0
    /// Memory in use, in bytes.
    public var memoryBytes = 0
    /// The most memory that was in use at once, in bytes.
    public var peakMemoryBytes = 0
    /// The limit of memory, in bytes.
    public var memoryLimitBytes = 0

    /// Nothing used yet.
    public init() {}
}

/// The hands on a confined child that its pipes do not give.
public protocol ChildControl: Sendable {
    /// What the child's tree has used so far.
    func usage() -> ChildUsage
    /// Kills every process of the tree at once.
    func kill()
    /// After the end: what the end was, in words, judged with what the walls saw; then takes the walls down.
    ///
    /// - Parameters:
    ///   - status: What the kernel said.
    ///   - lastWords: The last lines of the child's standard error.
    func conclude(_ status: ExitStatus, lastWords: [String]) -> RunLifecycle.Death
}

/// A child that runs behind its walls, as the launcher hands it over.
public final class StrategyProcess: Sendable {
    /// Its number, as the host sees it.
    public let pid: Int32
    /// The kernel's handle on it; readable once it has ended.
    let process: FileDescriptor
    /// Its standard input; non-blocking.
    let input: FileDescriptor
    /// Its standard output; non-blocking.
    let output: FileDescriptor
    /// Its standard error; non-blocking.
    let errors: FileDescriptor
    let control: any ChildControl

    /// Takes over a child that was just started.
    public init(
        pid: Int32, process: consuming FileDescriptor, input: consuming FileDescriptor,
        output: consuming FileDescriptor, errors: consuming FileDescriptor, control: any ChildControl
    ) {
        self.pid = pid
        self.process = process
        self.input = input
        self.output = output
        self.errors = errors
        self.control = control
    }
}

/// Why no child could be started, in words that say what to do.
public struct LaunchRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// The reason.
    public let description: String

    /// Gives a reason.
    public init(_ reason: String) {
        description = reason
    }
}

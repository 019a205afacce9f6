internal import CConfine
internal import Glibc
internal import Posix
internal import Wire

/// Makes the runtimes: whole small file trees, of which nothing is shared with the machine's own /usr.
///
/// `<runtimes>/<name>` is a link to `<runtimes>/<name>-<stamp>`, where the stamp says what it was made from. A new one
/// is made beside the old one and the link moved over, so that a strategy always sees one whole tree; the one before
/// stays, since strategies may run in it.
public struct RuntimeInstaller: Sendable {
    /// What an installation did.
    public enum Outcome: String, Hashable, Sendable {
        /// It made a new tree.
        case made
        /// What was there is still right.
        case unchanged
    }

    private let folder: String
    private let requirements: String
    private let python: String

    /// Describes where to make runtimes, and from what.
    ///
    /// - Parameters:
    ///   - runtimes: The folder of all runtimes.
    ///   - requirements: The folder of pinned requirements, `<name>.txt`.
    ///   - python: The interpreter to take. By its path: one on `PATH` may be somebody's shim.
    public init(runtimes: String, requirements: String, python: String = "/usr/bin/python3") {
        folder = runtimes
        self.requirements = requirements
        self.python = python
    }

    /// Makes a runtime unless it is there already. Takes about a second; the scientific one downloads about 100 MB.
    ///
    /// - Parameter progress: Told in words what is being done.
    @discardableResult
    public func install(
        _ runtime: Runtime, progress: (String) -> Void = { _ in }
    ) throws(RuntimeFailure) -> Outcome {
        let inputs = try RuntimeInputs(runtime, python: python, requirements: requirements)
        let link = folder + "/" + runtime.rawValue
        let target = runtime.rawValue + "-" + inputs.stamp
        func isThere() -> Bool { Files.linkTarget(link) == target && Files.exists(link + "/runtime.json") }
        if isThere() { return .unchanged }
        do {
            try Files.makeFolders(folder)
            // Two installers at a time would make the same tree twice.
            let lock = try FileDescriptor.open(folder + "/.lock", O_RDWR | O_CREAT)
            guard flock(lock.number, LOCK_EX) == 0 else {
                throw SystemCallError(call: "flock", number: errno, subject: folder)
            }
            if isThere() { return .unchanged }
            let draft = folder + "/." + target + ".new"
            try RuntimeBuilder(runtime: runtime, root: draft + "/root", inputs: inputs).build(progress)
            try Files.create(draft + "/runtime.json", inputs.catalogueEntry.bytes)
            try publish(draft, as: target, link)
            return .made
        } catch let failure as RuntimeFailure {
            throw failure
        } catch {
            throw RuntimeFailure(runtime: runtime.rawValue, reason: "\(error)")
        }
    }

    /// Puts a whole tree in its place, moves the link over to it, and removes all but it and the one before.
    private func publish(_ draft: String, as target: String, _ link: String) throws(SystemCallError) {
        let before = Files.linkTarget(link)
        try Files.removeTree(folder + "/" + target)
        try Files.rename(draft, folder + "/" + target)
        try Files.replaceLink(link, to: target)
        let name = link.split(separator: "/").last.map(String.init) ?? link
        for other in Files.names(in: folder)
        where other.hasPrefix(name + "-") || other.hasPrefix("." + name + "-") {
            if other != target, other != before { try Files.removeTree(folder + "/" + other) }
        }
    }
}

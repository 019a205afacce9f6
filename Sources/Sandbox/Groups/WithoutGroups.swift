internal import Glibc

/// What may stand in for limits by control groups where the host has no right to make any.
public enum WithoutGroups: String, CaseIterable, Hashable, Sendable {
    /// Nothing: the strategy is not started.
    case refuse
    /// Resource limits of each process, and the host's own eye on the whole. See ``Supervision``.
    case rlimits

    /// The limits that can be replaced.
    public static let layers: Set<Layer> = [.memoryLimit, .cpuLimit, .processLimit]

    /// Whether this kernel counts processes for each user namespace apart (Linux 5.14). Before, all strategies of a user
    /// and the host itself would count together.
    static let countsProcessesApart: Bool = {
        var name = utsname()
        guard unsafe uname(&name) == 0 else { return false }
        let release = unsafe withUnsafeBytes(of: name.release) {
            unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        let parts = release.split { $0 == "." || $0 == "-" }.prefix(2).compactMap { Int($0) }
        return parts.count == 2 && (parts[0], parts[1]) >= (5, 14)
    }()

    /// The resource limits in place of those of `missing`.
    static func resources(
        insteadOf missing: Set<Layer>, memoryBytes: Int, processes: Int, hasOwnUser: Bool
    ) -> [(resource: Int32, value: UInt64)] {
        var limits: [(Int32, UInt64)] = []
        if missing.contains(.memoryLimit) {
            // Private memory that it may write to, reserved or used. More fails inside, as a MemoryError in Python.
            limits.append((2, UInt64(memoryBytes)))  // data
            // Whatever else takes addresses: libraries, reservations, memory shared with itself.
            limits.append((9, UInt64(memoryBytes + (1 << 30))))  // as
        }
        if missing.contains(.processLimit), hasOwnUser || countsProcessesApart {
            // The watcher is one more of that user.
            limits.append((6, UInt64(processes + 1)))  // nproc
        }
        return limits
    }
}

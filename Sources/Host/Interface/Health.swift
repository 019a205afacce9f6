import Synchronization
public import Wire

/// How the host's parts are, kept where any thread may read it at once.
///
/// Each part reports when its state changes; `GET /health` reads without asking anyone.
public final class HealthBoard: Sendable {
    private let parts = Mutex<[(name: String, fault: String?)]>([])

    /// A board with the named parts, all well.
    public init(parts names: [String] = []) {
        parts.withLock { $0 = names.map { ($0, nil) } }
    }

    /// Reports a part as well, or with `fault` what is wrong with it in words.
    public func report(_ part: String, fault: String? = nil) {
        parts.withLock { parts in
            if let index = parts.firstIndex(where: { $0.name == part }) {
                parts[index].fault = fault
            } else {
                parts.append((part, fault))
            }
        }
    }

    /// Leaves out a part that there is no more.
    public func forget(_ part: String) {
        parts.withLock { parts in parts.removeAll { $0.name == part } }
    }

    /// Whether every part is well.
    public var isWell: Bool { parts.withLock { $0.allSatisfy { $0.fault == nil } } }

    /// Each part's state: `ok`, or what is wrong.
    public var json: JSONValue { json { $0 } }

    /// Each part's state without words that tell a stranger about the machine: `ok` or `fault`.
    public var outline: JSONValue { json { _ in "fault" } }

    private func json(_ words: (String) -> String) -> JSONValue {
        parts.withLock { parts in
            .object(parts.map { JSONValue.Member($0.name, .string($0.fault.map(words) ?? "ok")) })
        }
    }
}

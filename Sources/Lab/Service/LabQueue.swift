import Synchronization

/// Work that takes a whole processor core each, begun in fair turns between users.
///
/// Of those who wait, the user with the least under way is next, then the one whose last turn was longest ago; a user's own
/// work begins in the order in which it came. Work runs in a task of its own and may block a thread of its own, never the
/// queue.
public final class LabQueue: Sendable {
    /// What was handed in, for ``withdraw(_:)``.
    public struct Ticket: Hashable, Sendable {
        fileprivate let number: Int
    }

    private struct Entry {
        let ticket: Ticket
        let work: @Sendable (_ core: Int) async -> Void
    }

    private struct User {
        var waiting: [Entry] = []
        var running = 0
        /// The turn it had last; nought for none.
        var lastTurn = 0
    }

    private struct State {
        var users: [String: User] = [:]
        var freeCores: [Int]
        var tickets = 0
        var turns = 0
        var isClosed = false

        /// The next to begin, when a core is free and somebody waits.
        mutating func next() -> (entry: Entry, user: String, core: Int)? {
            guard !isClosed, let core = freeCores.min() else { return nil }
            let chosen = users.filter { !$0.value.waiting.isEmpty }.min {
                ($0.value.running, $0.value.lastTurn, $0.key) < ($1.value.running, $1.value.lastTurn, $1.key)
            }
            guard let name = chosen?.key, var user = chosen?.value else { return nil }
            freeCores.removeAll { $0 == core }
            turns += 1
            user.running += 1
            user.lastTurn = turns
            let entry = user.waiting.removeFirst()
            users[name] = user
            return (entry, name, core)
        }

        mutating func ended(_ name: String, core: Int) {
            freeCores.append(core)
            users[name]?.running -= 1
            if let user = users[name], user.running == 0, user.waiting.isEmpty { users[name] = nil }
        }
    }

    /// The core of the work that runs in this task, from nought; nil outside any.
    @TaskLocal public static var core: Int?

    /// How many may be under way at once.
    public let cores: Int
    private let state: Mutex<State>

    /// A queue on so many cores.
    public init(cores: Int) {
        precondition(cores > 0)
        self.cores = cores
        state = Mutex(State(freeCores: Array(0..<cores)))
    }

    /// Hands in `work`, which begins when its user's turn has come and a core is free.
    ///
    /// - Parameter work: Is told which core is its own, from nought; when it returns the core is given back. It is never
    ///   called once the queue is closed.
    @discardableResult
    public func submit(
        for user: String, _ work: @escaping @Sendable (_ core: Int) async -> Void
    ) -> Ticket {
        let ticket = state.withLock { state in
            state.tickets += 1
            let ticket = Ticket(number: state.tickets)
            state.users[user, default: User()].waiting.append(Entry(ticket: ticket, work: work))
            return ticket
        }
        begin()
        return ticket
    }

    /// Runs `work` in its turn and waits for what it returns.
    ///
    /// - Returns: Nil when the task was cancelled, or the queue closed, before its turn came.
    public func run<Result: Sendable>(
        for user: String, _ work: @escaping @Sendable (_ core: Int) async -> Result
    ) async -> Result? {
        let box = Waiting<Result>()
        let ticket = submit(for: user) { core in box.settle(await work(core)) }
        let result = await withTaskCancellationHandler {
            await box.result
        } onCancel: {
            if withdraw(ticket) { box.settle(nil) }
        }
        return result
    }

    /// Takes work back that has not begun.
    ///
    /// - Returns: False when it has begun, or is unknown.
    @discardableResult
    public func withdraw(_ ticket: Ticket) -> Bool {
        state.withLock { state in
            for (name, user) in state.users {
                guard let index = user.waiting.firstIndex(where: { $0.ticket == ticket }) else { continue }
                state.users[name]?.waiting.remove(at: index)
                if user.running == 0, user.waiting.count == 1 { state.users[name] = nil }
                return true
            }
            return false
        }
    }

    /// How many wait and how many are under way, of one user or of all.
    public func load(of user: String? = nil) -> (waiting: Int, running: Int) {
        state.withLock { state in
            let counted = state.users.filter { user == nil || $0.key == user }.values
            return (counted.reduce(0) { $0 + $1.waiting.count }, counted.reduce(0) { $0 + $1.running })
        }
    }

    /// Begins nothing more.
    public func close() { state.withLock { $0.isClosed = true } }

    private func begin() {
        while let (entry, user, core) = state.withLock({ $0.next() }) {
            // Nobody waits for this task: it gives the core back, and its work tells whoever wants to know.
            Task {
                await entry.work(core)
                self.state.withLock { $0.ended(user, core: core) }
                self.begin()
            }
        }
    }
}

/// Where somebody waits for a result that may never come.
private final class Waiting<Result: Sendable>: Sendable {
    private struct State {
        var outcome: Result??
        var waiter: CheckedContinuation<Result?, Never>?
    }

    private let state = Mutex(State())

    func settle(_ result: Result?) {
        let waiter = state.withLock { state -> CheckedContinuation<Result?, Never>? in
            guard state.outcome == nil else { return nil }
            state.outcome = .some(result)
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: result)
    }

    var result: Result? {
        get async {
            await withCheckedContinuation { continuation in
                let known = state.withLock { state -> Result?? in
                    if state.outcome == nil { state.waiter = continuation }
                    return state.outcome
                }
                if let known { continuation.resume(returning: known) }
            }
        }
    }
}

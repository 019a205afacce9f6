internal import Posix

/// A strategy's process that a nursery has made before anybody has asked for it, and that waits to be told whose it is.
///
/// What takes long is done: it is copied from the nursery, has a user, namespaces, a root, control groups and resource
/// limits of its own. What is left, because it depends on the strategy or must come last, is done before a byte of the
/// strategy is there to be run: the bundle's view, giving up capabilities, Landlock and both filters. Until then trusted
/// code alone runs in it, and it knows nothing of any strategy.
///
/// It belongs to the spawner's thread. Whoever has it lets it go on or ends it.
final class ReadyStrategy {
    let user: PlanCompiler.User
    /// Its control groups. Whoever gives them to a run keeps them here until the strategy runs.
    var group: ChildGroup
    /// Its process.
    let pid: Int32
    private let watcher: Int32
    private var waiting: LauncherStart.Waiting?
    private let users: UserAllocator
    private let spawner: Spawner

    init(
        _ waiting: consuming LauncherStart.Waiting, as user: PlanCompiler.User, in group: ChildGroup,
        users: UserAllocator, spawner: Spawner
    ) {
        (pid, watcher) = (waiting.strategy, waiting.watcher)
        for pid in [waiting.strategy, waiting.watcher] { spawner.takeOn(pid) }
        self.waiting = consume waiting
        self.user = user
        self.group = group
        self.users = users
        self.spawner = spawner
    }

    /// Hands it the bundle, and waits until the strategy runs. The caller answers for its processes, group and user from
    /// then on; when it throws, end it.
    func goOn(
        with bundle: (path: String, attributes: UInt64), deadline: Duration
    ) throws(LaunchFailure) -> LauncherStart.Started {
        guard let waiting = waiting.take() else { preconditionFailure("it has gone on already") }
        letGo()
        return try waiting.goOn(with: bundle, deadline: deadline)
    }

    /// Ends it, if it has not gone on, and takes away what it has left.
    func end() {
        if let waiting = waiting.take() {
            waiting.abandon()
            letGo()
        }
        group.killAndRemove()
        users.giveBack(user.uid)
    }

    private func letGo() {
        for pid in [pid, watcher] { spawner.letGo(pid) }
    }
}

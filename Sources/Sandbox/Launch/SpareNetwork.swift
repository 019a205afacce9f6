internal import CConfine
internal import Posix

/// An empty network namespace that is kept ready for the next strategy: making one takes longer than most other walls.
///
/// It belongs to the host's own user namespace, so a strategy has no rights over it. Only a host that is root can make
/// one so; what is started without one has its own made together with its other namespaces.
final class SpareNetwork: @unchecked Sendable {
    // @unchecked: touched by the spawner's thread alone.

    /// One namespace, for as long as this is held, or somebody is in it.
    final class Namespace {
        fileprivate let descriptor: FileDescriptor

        fileprivate init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

        /// Valid while this is held.
        var number: Int32 { descriptor.number }
    }

    private let spawner: Spawner
    /// False as well once the kernel has refused to make one.
    private var isWanted: Bool
    private var ready: Namespace?

    /// - Parameter isWanted: Whether the host may make them.
    init(spawner: Spawner, isWanted: Bool) {
        self.spawner = spawner
        self.isWanted = isWanted
        guard isWanted else { return }
        spawner.perform { [weak self] in self?.make() }
    }

    /// The namespace, for one strategy; nil when there is none. The next one is made when that strategy has begun.
    func take() -> Namespace? {
        guard isWanted else { return nil }
        spawner.schedule(after: .milliseconds(10)) { [weak self] in self?.make() }
        return ready.take()
    }

    /// Lets go of it, and makes no more.
    func close() {
        isWanted = false
        ready = nil
    }

    /// Makes one, unless there is one.
    func make() {
        guard isWanted, ready == nil else { return }
        let made = confine_make_network()
        guard made >= 0 else {
            isWanted = false
            return
        }
        ready = Namespace(FileDescriptor(owning: made))
    }
}

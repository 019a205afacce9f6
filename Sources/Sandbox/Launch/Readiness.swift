internal import Glibc

/// Waiting for a few descriptors, outside an event loop.
enum Readiness {
    /// Waits until one of `descriptors` can be read or has hung up. Empty when the time is over.
    static func wait(for descriptors: [Int32], milliseconds: Int32) -> Set<Int32> {
        var entries = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let count = unsafe poll(&entries, nfds_t(entries.count), milliseconds)
        guard count > 0 else { return [] }
        return Set(entries.filter { $0.revents != 0 }.map(\.fd))
    }

    /// Whether something can be read now.
    static func canRead(_ descriptor: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&entry, 1, 0) == 1 && entry.revents & Int16(POLLIN) != 0
    }
}

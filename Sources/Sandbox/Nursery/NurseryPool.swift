internal import Glibc
internal import Posix

/// The nurseries of a host, one for each profile that wants one, and their successors.
///
/// A nursery is started when the first strategy of its profile is, which waits for it: loading takes as long there as
/// in a strategy of its own. When a nursery has served long enough its successor is loaded beside it. One that dies is
/// replaced, after a pause that doubles each time; meanwhile strategies are started cold.
///
/// It belongs to the spawner's thread.
final class NurseryPool: @unchecked Sendable {
    // @unchecked: all of it is touched on the spawner's thread alone, as each function checks.

    /// Starts a nursery for a profile; `number` tells it from others.
    typealias Start = (_ profile: Profile, _ number: Int) throws(LaunchFailure) -> Nursery
    /// Takes away what an ended nursery has left.
    typealias Remove = (Nursery) -> Void

    private let spawner: Spawner
    private let settings: NurserySettings
    private let start: Start
    private let remove: Remove
    private let report: @Sendable (_ isFault: Bool, _ words: String) -> Void
    private var stalls: [String: Stall] = [:]
    private var started = 0
    private var made = 0
    private var isClosed = false

    /// How long a strategy waits for a nursery that loads, and how long that may load.
    private static let patience = Duration.seconds(10)
    private static let loading = Duration.seconds(60)
    /// So many strategies in a row that could not be made of a nursery, and it is given up.
    private static let refusals = 3

    /// The nurseries of one profile.
    private final class Stall {
        let profile: Profile
        var current: Place?
        var next: Place?
        /// Strategies that wait for the first nursery.
        var waiting: [(Nursery?) -> Void] = []
        var failures = 0
        var refusals = 0
        /// The moment before which no nursery is started again.
        var pauseEnds: UInt64 = 0

        init(_ profile: Profile) { self.profile = profile }
    }

    /// A nursery that is watched.
    private final class Place {
        let nursery: Nursery
        var watches: [EventLoop.Watch] = []

        init(_ nursery: Nursery) { self.nursery = nursery }
    }

    init(
        spawner: Spawner, settings: NurserySettings, start: @escaping Start, remove: @escaping Remove,
        report: @escaping @Sendable (_ isFault: Bool, _ words: String) -> Void
    ) {
        self.spawner = spawner
        self.settings = settings
        self.start = start
        self.remove = remove
        self.report = report
    }

    /// Calls `use` with a nursery for strategies of `profile`, or with nil when they have to be started cold now.
    func withNursery(for profile: Profile, _ use: @escaping (Nursery?) -> Void) {
        precondition(spawner.isCurrent)
        guard settings.isEnabled, !isClosed, profile.nursery != nil else { return use(nil) }
        let stall = stalls[profile.name] ?? Stall(profile)
        stalls[profile.name] = stall
        // A profile that somebody has changed for one run is no longer the nursery's.
        guard stall.profile == profile else { return use(nil) }
        if let current = stall.current {
            if isWornOut(current.nursery) { load(stall) }
            return use(current.nursery)
        }
        load(stall)
        guard stall.next != nil else { return use(nil) }
        stall.waiting.append(use)
    }

    /// A strategy was made of a nursery.
    func succeeded(_ profile: Profile) {
        stalls[profile.name]?.refusals = 0
        stalls[profile.name]?.failures = 0
    }

    /// A strategy could not be made of a nursery.
    func failed(_ profile: Profile, _ failure: LaunchFailure) {
        precondition(spawner.isCurrent)
        guard let stall = stalls[profile.name] else { return }
        stall.refusals += 1
        report(
            true,
            "a strategy of profile \(profile.name) is started cold, since its nursery failed: \(failure)")
        guard stall.refusals >= Self.refusals, let place = stall.current else { return }
        stall.refusals = 0
        stall.current = nil
        end(place)
        pause(stall, "no strategy could be made of it: \(failure)")
    }

    /// The profiles that have been asked for.
    var profiles: [Profile] { stalls.values.map(\.profile) }

    /// The nursery of a profile that takes requests, and has not served long enough.
    func current(for profile: Profile) -> Nursery? {
        precondition(spawner.isCurrent)
        guard let stall = stalls[profile.name], stall.profile == profile, let place = stall.current,
            !isWornOut(place.nursery)
        else { return nil }
        return place.nursery
    }

    /// Tells one process that is made ahead from others.
    func nextReadyNumber() -> Int {
        made += 1
        return made
    }

    /// The processes that were made ahead and wait.
    var readyPids: [Int32] { stalls.values.compactMap { $0.current?.nursery.ready?.pid } }

    /// The nurseries that take requests.
    var pids: [Int32] { stalls.values.compactMap { $0.current?.nursery.pid } }

    /// Ends all nurseries. Their strategies live on.
    func close() {
        precondition(spawner.isCurrent)
        isClosed = true
        for stall in stalls.values {
            for place in [stall.current, stall.next].compactMap({ $0 }) { end(place) }
            release(stall, with: nil)
        }
        stalls = [:]
    }

    // MARK: - Loading

    private func isWornOut(_ nursery: Nursery) -> Bool {
        let age = Duration.nanoseconds(Int64(MonotonicClock.nanoseconds - nursery.born))
        return nursery.starts >= settings.startsBeforeRenewal || age >= settings.age
    }

    /// Starts the next nursery of a profile, unless one loads or the time is not ripe.
    private func load(_ stall: Stall) {
        guard stall.next == nil, MonotonicClock.nanoseconds >= stall.pauseEnds else { return }
        started += 1
        do {
            let place = Place(try start(stall.profile, started))
            stall.next = place
            do {
                place.watches.append(
                    try spawner.watch(place.nursery.control) { [self] in hear(stall, place) })
                place.watches.append(
                    try spawner.watch(place.nursery.process) { [self] in lose(stall, place) })
            } catch {
                stall.next = nil
                end(place)
                return pause(stall, "\(error)")
            }
            // Weakly, or a nursery that has ended keeps its descriptors until these moments.
            spawner.schedule(after: Self.patience) { [self, weak place] in
                if let place, stall.next === place { release(stall, with: nil) }
            }
            spawner.schedule(after: Self.loading) { [self, weak place] in
                guard let place, stall.next === place, !isClosed else { return }
                stall.next = nil
                end(place)
                pause(stall, "it did not load within \(Self.loading)")
            }
        } catch {
            pause(stall, "\(error)")
        }
    }

    private func hear(_ stall: Stall, _ place: Place) {
        place.nursery.readWord()
        guard case .ready = place.nursery.state, stall.next === place else {
            // The other end has closed, so the process has ended or is about to; that is watched too.
            if let watch = place.watches.first { spawner.unwatch(watch) }
            return
        }
        if let old = stall.current { end(old) }
        stall.current = place
        stall.next = nil
        let milliseconds = (MonotonicClock.nanoseconds - place.nursery.born) / 1_000_000
        report(false, "the nursery of profile \(stall.profile.name) is ready after \(milliseconds) ms")
        release(stall, with: place.nursery)
    }

    private func lose(_ stall: Stall, _ place: Place) {
        let wasCurrent = stall.current === place
        if wasCurrent { stall.current = nil }
        if stall.next === place { stall.next = nil }
        let words = end(place)
        pause(stall, words.isEmpty ? "it has ended" : words)
    }

    /// Lets those that wait go on.
    private func release(_ stall: Stall, with nursery: Nursery?) {
        let waiting = stall.waiting
        stall.waiting = []
        for use in waiting { use(nursery) }
    }

    private func pause(_ stall: Stall, _ reason: String) {
        stall.failures = min(stall.failures + 1, 8)
        let pause = 500 << (stall.failures - 1)
        stall.pauseEnds = MonotonicClock.nanoseconds + UInt64(pause) * 1_000_000
        report(
            true,
            "the nursery of profile \(stall.profile.name) is gone: \(reason). "
                + "Strategies start cold for \(pause) ms at least")
        release(stall, with: nil)
        spawner.schedule(after: .milliseconds(pause)) { [self] in
            if !isClosed, stall.current == nil { load(stall) }
        }
    }

    @discardableResult
    private func end(_ place: Place) -> String {
        for watch in place.watches { spawner.unwatch(watch) }
        place.watches = []
        let words = place.nursery.end()
        remove(place.nursery)
        return words
    }
}

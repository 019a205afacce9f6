import Glibc
import Journal
import Posix
import TestSupport
import Testing
import Trading
import Wire

@testable import Host

@Suite("Story store")
struct StoryStoreTests {
    private let folder: String
    private let log: HostLog
    private var path: String { folder + "/stories.db" }

    init() throws {
        folder = Places.makeTemporaryFolder()
        log = HostLog(part: "stories", sink: try .memory())
    }

    private func remove() {
        for name in ["stories.db", "stories.db.damaged"] {
            for suffix in ["", "-wal", "-shm"] { unlink(folder + "/" + name + suffix) }
        }
        rmdir(folder)
    }

    private func note(_ order: Int64, _ words: String, time: Int64 = 1, after: Int64 = 0) -> StoryNote {
        StoryNote(order: OrderID(order), time: time, after: after, fact: .person(name: "ann", did: words))
    }

    private func texts(_ store: StoryStore, _ order: Int64 = 1) async throws -> [String] {
        await store.settle()
        return try store.lines(of: OrderID(order)).lines.map(\.line.text)
    }

    @Test func `a story has its first lines and its last, and says how many are left out`() async throws {
        defer { remove() }
        var bounds = StoryStore.Bounds()
        (bounds.firstLines, bounds.lastLines) = (3, 4)
        let store = try StoryStore(path: path, bounds: bounds, log: log)
        for part in 0..<5 {
            store.write((0..<5).map { note(1, "\(part * 5 + $0)") }, lost: 0, start: 1)
            store.write([note(2, "other")], lost: 0, start: 1)
        }
        #expect(try await texts(store) == ["0", "1", "2", "21", "22", "23", "24"].map { "ann: \($0)" })
        #expect(try store.lines(of: OrderID(1)).leftOut == 18)
        #expect(try await texts(store, 2).count == 5)
        store.close()
    }

    @Test func `what is too old goes, and what is too much, the oldest first`() async throws {
        defer { remove() }
        var bounds = StoryStore.Bounds()
        bounds.age = 1_000
        let store = try StoryStore(path: path, bounds: bounds, log: log)
        for time in 0..<10 { store.write([note(1, "\(time)", time: Int64(time) * 500)], lost: 0, start: 1) }
        store.prune(at: 4_600)
        #expect(try await texts(store) == ["8", "9"].map { "ann: \($0)" })
        store.close()

        bounds.bytes = 1 << 20
        let full = try StoryStore(path: path, bounds: bounds, log: log)
        let long = String(repeating: "x", count: 4_000)
        // No more at once than the store lets wait.
        for first in stride(from: 10, to: 1_010, by: 50) {
            let notes = (first..<first + 50).map { note(Int64($0), long, time: 5_000) }
            #expect(full.write(notes, lost: 0, start: 2))
            await full.settle()
        }
        full.prune(at: 5_000)
        full.prune(at: 5_000)
        #expect(try await texts(full, 10).isEmpty, "the oldest")
        full.close()
    }

    @Test
    func `no more goes at once than keeps the next lines from waiting, and it goes on until it is enough`()
        async throws
    {
        defer { remove() }
        var bounds = StoryStore.Bounds()
        bounds.bytes = 0
        let store = try StoryStore(path: path, bounds: bounds, log: log)
        let count = StoryStore.pruneLines + 500
        for first in stride(from: 0, to: count, by: 500) {
            store.write((first..<first + 500).map { note(Int64($0), "\($0)") }, lost: 0, start: 1)
            await store.settle()
        }
        // Each step begins behind the one before.
        func settleAll() async { for _ in 0..<12 { await store.settle() } }
        store.prune(at: 2)
        await settleAll()
        #expect(try await texts(store, Int64(StoryStore.pruneLines) - 1).isEmpty)
        #expect(try await texts(store, Int64(StoryStore.pruneLines)) == ["ann: \(StoryStore.pruneLines)"])
        store.prune(at: 2)
        await settleAll()
        #expect(try await texts(store, Int64(count) - 1).isEmpty)
        store.close()
    }

    @Test func `lines that could not be kept are counted for the orders of that time`() async throws {
        defer { remove() }
        let store = try StoryStore(path: path, log: log)
        store.write([note(1, "a", time: 10), note(2, "b", time: 10)], lost: 0, start: 1)
        store.write([note(1, "c", time: 20)], lost: 7, start: 1)
        await store.settle()
        #expect(try store.lines(of: OrderID(1)).lost == 7)
        #expect(try store.lines(of: OrderID(2)).lost == 0)
        store.close()
    }

    @Test func `a damaged database is moved aside and the host goes on`() async throws {
        defer { remove() }
        let file = try FileDescriptor.open(path, O_WRONLY | O_CREAT)
        try file.writeAll([UInt8](repeating: 0x5A, count: 8_192)[...])
        let store = try StoryStore(path: path, log: log)
        store.write([note(1, "a")], lost: 0, start: 1)
        #expect(try await texts(store) == ["ann: a"])
        #expect(access(path + ".damaged", R_OK) == 0)
        store.close()
    }

    // MARK: - One order of things

    private func order(_ status: OrderStatus, at time: Int64) -> Order {
        let intent = OrderIntent(
            id: OrderID(1),
            clientID: ClientOrderID(prefix: .init(strategy: "s", run: "r"), order: OrderID(1)),
            strategy: "s", run: "r", account: "a", venue: "paper", request: "1", origin: .strategy,
            terms: OrderTerms(symbol: "BTCUSDT", side: .buy, type: .market, quantity: .one),
            reservePrice: .one, createdAt: Timestamp(milliseconds: 100))
        return Order(
            intent: intent, status: status, quantity: .one, price: nil, filledQuantity: .zero,
            filledNotional: .zero, fee: .zero, venueOrderID: nil, reason: nil, cancelWanted: false,
            amendment: nil, venueFilledQuantity: .zero, inferredQuantity: .zero,
            updatedAt: Timestamp(milliseconds: time))
    }

    private func event(_ id: Int64, _ status: OrderStatus, at time: Int64) -> OrderStory.Event {
        OrderStory.Event(
            id: id, time: Timestamp(milliseconds: time + 1), event: .order(order(status, at: time)))
    }

    @Test func `notes stand behind the last event that was decided before them, whatever the clock says`()
        async throws
    {
        defer { remove() }
        let store = try StoryStore(path: path, log: log)
        store.begin(start: 1_000, after: 0)
        // All in one millisecond, and once the clock went back.
        store.write(
            [
                note(1, "handed over", time: 100, after: 2), note(1, "accepted", time: 100, after: 2),
                note(1, "later", time: 90, after: 5),
                // Decided, and never written down: the host died first.
                note(1, "lost", time: 101, after: 9),
            ], lost: 0, start: 1_000)
        store.begin(start: 2_000, after: 5)
        store.write([note(1, "after the start", time: 300, after: 5)], lost: 0, start: 2_000)
        await store.settle()
        let notes = try store.lines(of: OrderID(1)).lines
        let events = [
            event(2, .pending, at: 100), event(5, .open, at: 100), event(6, .unknown, at: 300),
            event(8, .cancelled, at: 310),
        ]
        let entries = OrderStory(order(.cancelled, at: 310), events: events, notes: notes).entries
        #expect(
            entries.map { $0.source == .person ? $0.text : $0.kind.rawValue } == [
                "asked", "allowed", "recorded", "ann: handed over", "ann: accepted", "recorded",
                "ann: later", "ann: lost", "ann: after the start", "recorded", "recorded",
            ])
        store.close()
    }
}

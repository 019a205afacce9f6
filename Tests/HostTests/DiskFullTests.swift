import Glibc
import Host
import TestSupport
import Testing
import Trading
import Wire

/// A file system of a few megabytes.
private enum SmallDisk {
    static func mount(on folder: String) async throws -> Bool {
        let options = "size=16m,mode=0700"
        return try await ChildProcess.run(
            "/bin/mount", ["-t", "tmpfs", "-o", options, "bullpen-test", folder]
        ).code == 0
    }

    static func unmount(_ folder: String) async throws {
        _ = try await ChildProcess.run("/bin/umount", ["-l", folder])
        rmdir(folder)
    }

    static func canBeMounted() async throws -> Bool {
        let folder = Places.makeTemporaryFolder()
        let can = try await mount(on: folder)
        try await unmount(folder)
        return can
    }
}

extension HostTests {
    @Suite(
        "A full disk",
        .enabled("only root, and not in every container, can mount a small file system") {
            try await SmallDisk.canBeMounted()
        })
    struct DiskFullTests {
        /// A file system of a few megabytes that is gone at the end.
        static func onSmallDisk(_ body: (String) async throws -> Void) async throws {
            let folder = Places.makeTemporaryFolder()
            try #require(try await SmallDisk.mount(on: folder))
            do {
                try await body(folder)
            } catch {
                try await SmallDisk.unmount(folder)
                throw error
            }
            try await SmallDisk.unmount(folder)
        }

        /// Writes until nothing more fits.
        static func fill(_ path: String) throws {
            let file = open(path, O_WRONLY | O_CREAT, 0o600)
            try #require(file >= 0)
            defer { close(file) }
            for size in [1 << 20, 4096, 512, 1] {
                let chunk = [UInt8](repeating: 0x2E, count: size)
                while write(file, chunk, size) == size {}
            }
        }

        @Test func `new orders are denied with that reason, cancels pass, and trading goes on with space`()
            async throws
        {
            try await Self.onSmallDisk { folder in
                let fixture = try await HostFixture(folder: folder)
                let id = try await fixture.runPuppet()
                try await fixture.candle("100")
                try await fixture.order(id, "held", "buy", "1")
                #expect(try await fixture.order(id, "waiting", "buy", "1", price: "95").status == .open)

                try Self.fill(folder + "/ballast")
                try await fixture.ask(id, "first", "buy", "1")
                let first = try await fixture.answer(id, "first") { $0 != "pending" }
                #expect(["not_placed", "denied"].contains(first["status"]?.stringValue ?? ""), "\(first)")
                try await fixture.ask(id, "second", "buy", "1")
                let second = try await fixture.answer(id, "second") { $0 != "pending" }
                #expect(second["status"] == .string("denied"))
                #expect(
                    second["reason"]?.stringValue?.contains("the journal cannot take it: ") == true
                        && second["reason"]?.stringValue?.contains("full") == true, "\(second)")
                #expect(fixture.host.health.json["journal"]?.stringValue?.contains("full") == true)
                try await fixture.say(id, ["type": .string("cancel"), "request": .string("waiting")])
                _ = try await fixture.answer(id, "waiting") { $0 == "cancelled" }

                try #require(unlink(folder + "/ballast") == 0)
                try await fixture.wait("the journal") {
                    fixture.host.health.json["journal"] == .string("ok")
                }
                #expect(try await fixture.order(id, "after", "buy", "1").status == .filled)
                try await fixture.waitForOrder(id, "waiting") { $0.status == .cancelled }
                let held = try await fixture.host.status(of: id).positions.map(\.quantity)
                #expect(held == [FixedDecimal(2)])
                await fixture.host.drain()

                // Nothing is torn: the next host finds the same.
                let next = try await HostFixture(folder: folder)
                #expect(try await next.host.status(of: id).positions.map(\.quantity) == held)
                let statuses = Dictionary(
                    uniqueKeysWithValues: try await next.orders(id).map { ($0.request, $0.status) })
                #expect(statuses["held"] == .filled && statuses["after"] == .filled)
                #expect(statuses["waiting"] == .cancelled)
                #expect(statuses["second"] == .denied)
                await next.host.drain()
            }
        }

        @Test func `a strategy can be stopped while the disk is full`() async throws {
            try await Self.onSmallDisk { folder in
                let fixture = try await HostFixture(folder: folder)
                let id = try await fixture.runPuppet()
                try Self.fill(folder + "/ballast")
                await #expect(throws: HostError.self) {
                    _ = try await fixture.host.stop(id, orders: nil, by: "ada")
                }
                try await fixture.wait(id) { $0.state == .stopped }
                try #require(unlink(folder + "/ballast") == 0)
                await fixture.host.drain()
            }
        }
    }
}

extension HostFixture {
    /// Makes a puppet ask for an order, and waits for nothing.
    func ask(_ strategy: String, _ request: String, _ side: String, _ quantity: String) async throws {
        try await say(
            strategy,
            [
                "type": .string("order"), "request": .string(request), "symbol": .string("BTCUSDT"),
                "side": .string(side), "order_type": .string("market"), "quantity": .string(quantity),
            ])
    }

    /// The last thing that a puppet was told about an order, once `isDone` says so of its status. Read from its memory of
    /// the log, since on a full disk the journal knows nothing of it.
    func answer(
        _ strategy: String, _ request: String, _ isDone: (String) -> Bool
    ) async throws -> JSONValue {
        var last: JSONValue?
        try await wait("an answer about \(request)", about: strategy) {
            last = try await answers(strategy, request).last
            return last?["status"]?.stringValue.map(isDone) ?? false
        }
        return try #require(last)
    }
}

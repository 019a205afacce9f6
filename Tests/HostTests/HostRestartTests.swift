import FoundationEssentials
import Glibc
import Host
import Journal
import TestSupport
import Testing
import Trading
import Wire

extension HostTests {
    @Suite("The host's own end and beginning") struct HostRestartTests {
        static let saved = JSONValue.members(["trend": .string("up")])

        /// A strategy with a position, an open order and a saved state, on prices that the test sends.
        static func busy(_ fixture: HostFixture, _ mode: String) async throws -> String {
            let id = try await fixture.runPuppet(mode, #""orders_at_death":"cancel""#)
            try await fixture.candle("100")
            try await fixture.order(id, "held", "buy", "1")
            try await fixture.order(id, "waiting", "buy", "2", price: "95")
            try await fixture.say(id, ["type": .string("state"), "state": saved])
            return id
        }

        @Test func `a host that drains leaves everything for the next, which goes on with it`() async throws {
            let first = try await HostFixture()
            let running = try await Self.busy(first, "plain")
            let paused = try await Self.busy(first, "paused")
            _ = try await first.host.pause(paused, by: "ada")
            let stopped = try await Self.busy(first, "stopped")
            _ = try await first.host.stop(stopped, orders: .keep, by: "ada")
            let crashed = try await first.runPuppet("crashed", #""restart":{"policy":"temporary"}"#)
            try await first.tell(crashed, "CRASH")
            for id in [stopped, crashed] { try await first.wait(id) { $0.state == .stopped } }
            let again = try await first.runPuppet("again")
            _ = try await first.host.stop(again, orders: nil, by: "ada")
            try await first.wait(again) { $0.state == .stopped }
            _ = try await first.host.restart(again, by: "ada")
            try await first.wait(again) { $0.state == .running }
            _ = try await first.host.halt(HaltRequest(scope: .strategy(paused), reason: "odd"), by: "ada")
            _ = try await first.host.halt(HaltRequest(scope: .venue("coinspot"), reason: "slow"), by: "eve")
            _ = try await first.host.addAccount(try JSONParser.parse(#"{"id":"second"}"#), by: "ada")
            _ = try await first.host.halt(
                HaltRequest(scope: .account("second"), reason: "unused"), by: "bob")
            _ = try await first.host.changeLimits(
                try JSONParser.parse(#"{"global":{"open_orders":7}}"#), by: "ada")
            let before = try await first.lines(running)
            await first.host.drain()

            let second = try await HostFixture(folder: first.folder)
            for id in [running, again] { try await second.wait(id) { $0.state == .running } }
            try await second.wait(paused) { $0.state == .paused }
            for id in [stopped, crashed] {
                #expect(try await second.host.status(of: id).state == .stopped, "\(id)")
            }
            for id in [running, paused, stopped] {
                #expect(try await second.host.status(of: id).positions.map(\.quantity) == [.one])
                let orders = try await second.orders(id)
                #expect(orders.map(\.request) == ["waiting", "held"])
                #expect(orders.map(\.status) == [.open, .filled], "\(id)")
            }
            // The run that goes on is told what it had, and its log goes on too.
            let lines = try await second.lines(running)
            #expect(Array(lines.prefix(before.count)) == before)
            #expect(lines.contains("host: ended: ended by itself"))
            let hello = try JSONParser.parse(
                String(try #require(lines.last { $0.contains("stderr: hello: ") }).drop { $0 != "{" }))
            #expect(hello["state"] == Self.saved)
            #expect(hello["positions"]?.arrayValue?.first?["quantity"] == .string("1"))
            #expect(hello["orders"]?.arrayValue?.first?["request"] == .string("waiting"))
            #expect(hello["parameters"] == .members(["mode": .string("plain")]))
            #expect(try await second.host.strategy(running).warnings.count == 1)
            let halts = try await second.host.haltState(owner: nil).halts
            #expect(halts.map(\.scope) == [.strategy(paused), .venue("coinspot"), .account("second")])
            #expect(halts.map(\.by) == ["ada", "eve", "bob"])
            #expect(halts.map(\.reason) == ["odd", "slow", "unused"])
            #expect(try await second.host.limits().global["open_orders"] == .integer(7))
            // And it trades on.
            try await second.candle("94")
            try await second.waitForOrder(running, "waiting") { $0.status == .filled }
            try await second.order(running, "more", "buy", "1")
            try await second.waitForOrder(running, "more") { $0.status == .filled }
            await second.end()
        }

        @Test
        func `a host killed in the middle of trading loses nothing, and none may join it while it lives`()
            async throws
        {
            let folder = try HostFixture.prepare(Places.makeTemporaryFolder())
            let first = try await HostFixture(folder: folder, settings: ["market.speed=600"])
            let id = try await first.upload(
                """
                from bullpen import Strategy

                class Trader(Strategy):
                    def on_start(self):
                        self.count = (self.state or {"count": 0})["count"]

                    def on_candle(self, candle):
                        if candle.history:
                            return
                        self.count += 1
                        self.save_state({"count": self.count})
                        if self.position().is_flat:
                            self.buy("0.01")
                        else:
                            self.sell(self.position().quantity)

                    def on_fill(self, fill):
                        self.log(f"filled {fill.trade}")
                """)
            try await first.run(id)
            await first.host.drain()

            let serving = try ServingHost(folder: folder)
            // While it trades, no other host gets in.
            do {
                _ = try await HostFixture(folder: folder)
                Issue.record("a second host was let in")
            } catch let taken as DataFolderTaken {
                #expect(taken.holder == Int(serving.process.processID))
                #expect(taken.description.contains("in use by process \(serving.process.processID)"))
            }
            try await serving.waitForLines(10, of: id, with: "filled ", seconds: 20)
            let child = try #require(Self.children(of: serving.process.processID).first)
            await serving.kill()

            let second = try await HostFixture(folder: folder, settings: ["market.speed=600"])
            // The child of the killed host dies with it.
            try await second.wait("the child's end") { Self.isGone(child) }
            try await second.wait(id) { $0.state == .running }
            // Everything that the strategy was told of is there, once.
            let fills = try await second.host.fills(of: id, page: PageRequest(limit: 1000)).items
            let trades = fills.map(\.id)
            #expect(Set(trades).count == trades.count)
            let told = try await second.lines(id).compactMap { line in
                line.hasPrefix("strategy: filled ") ? String(line.dropFirst("strategy: filled ".count)) : nil
            }
            #expect(told.count >= 10)
            #expect(Set(told).isSubset(of: Set(trades)))
            #expect(Set(told).count == told.count)
            let state = try await second.host.status(of: id)
            #expect(state.restarts == 0)
            // It trades on.
            try await second.wait("new fills", about: id) {
                try await second.host.fills(of: id, page: PageRequest(limit: 1000)).items.count > trades.count
                    + 3
            }
            await second.end()
        }

        /// Whether a process has ended; nobody may have asked yet how.
        static func isGone(_ process: pid_t) -> Bool {
            guard let stat = FileManager.default.contents(atPath: "/proc/\(process)/stat") else {
                return true
            }
            return String(decoding: stat, as: UTF8.self).split(separator: " ").contains("Z")
        }

        static func children(of process: pid_t) throws -> [pid_t] {
            var found: [pid_t] = []
            for task in try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task") {
                let path = "/proc/\(process)/task/\(task)/children"
                let text = FileManager.default.contents(atPath: path).map {
                    String(decoding: $0, as: UTF8.self)
                }
                found += (text ?? "").split(separator: " ").compactMap { pid_t($0) }
            }
            return found
        }

        @Test func `a corrupt journal is refused with the reason, and left as it was`() async throws {
            let first = try await HostFixture()
            let id = try await first.runPuppet()
            try await first.candle("100")
            try await first.order(id, "one", "buy", "1")
            await first.host.drain()
            let path = first.folder + "/journal.db"
            var content = Array(try Data(contentsOf: URL(filePath: path)))
            for place in stride(from: 8192, to: content.count, by: 997) { content[place] ^= 0xA5 }
            try Data(content).write(to: URL(filePath: path))
            let names = try FileManager.default.contentsOfDirectory(atPath: first.folder).sorted()
            do {
                _ = try await HostFixture(folder: first.folder)
                Issue.record("a host was opened on a corrupt journal")
            } catch {
                #expect("\(error)".contains("journal.db"), "\(error)")
                #expect("\(error)".contains("malformed") || "\(error)".contains("damaged"), "\(error)")
            }
            #expect(Array(try Data(contentsOf: URL(filePath: path))) == content)
            // A log of SQLite's may be left that holds nothing.
            let left = try FileManager.default.contentsOfDirectory(atPath: first.folder).sorted()
            #expect(left.filter { $0 != "journal.db-wal" } == names)
            #expect(FileManager.default.contents(atPath: path + "-wal")?.isEmpty != false)
            try FileManager.default.removeItem(atPath: first.folder)
        }
    }
}

import FoundationEssentials
import Glibc
import Host
import Posix
import TestSupport
import Testing
import Vault
import Wire

extension HostTests {
    @Suite("Exchange credentials") struct CredentialTests {
        /// A secret that stands in no file of this test's folder unless the host puts it there.
        private static let secret = "Zq7-exchange-secret-5f3a9c1e77b0"
        private static let apiKey = "Zq7-exchange-api-key-8812aa90"

        private static func fixture(_ settings: [String] = []) async throws -> HostFixture {
            let folder = Places.makeTemporaryFolder()
            try KeyFile.make(folder + "/master.key")
            let fixture = try await HostFixture(folder: folder, settings: settings)
            _ = try await fixture.host.identity.addUser(
                "ada", role: .author, password: "correct horse", by: "host")
            return fixture
        }

        private static func body(_ more: KeyValuePairs<String, JSONValue> = [:]) -> JSONValue {
            .object(
                [
                    .init("venue", .string("binance")), .init("api_key", .string(apiKey)),
                    .init("secret", .string(secret)), .init("keep_refused", .bool(true)),
                ] + more.map { .init($0.key, $0.value) })
        }

        /// Where `needle` stands in the host's data folder but for the master key; symbolic links are not followed.
        private static func places(of needles: [String], below folder: String) throws -> [String] {
            try FileManager.default.subpathsOfDirectory(atPath: folder).filter { name in
                let path = "\(folder)/\(name)"
                guard !name.hasPrefix("runtimes"), let data = FileManager.default.contents(atPath: path)
                else { return false }
                return data.withUnsafeBytes { data in needles.contains { Self.holds(data, $0) } }
            }
        }

        /// How often `needles` stand in the readable memory of a process.
        private static func count(of needles: [String], inMemoryOf process: Int) throws -> (
            found: Int, bytes: Int
        ) {
            let memory = open("/proc/\(process)/mem", O_RDONLY)
            try #require(memory >= 0, "the memory of \(process) cannot be read")
            defer { close(memory) }
            var (found, bytes) = (0, 0)
            for line in try String(decoding: contents("/proc/\(process)/maps"), as: UTF8.self).split(
                separator: "\n")
            {
                let words = line.split(separator: " ")
                let range = words[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
                guard range.count == 2, words[1].hasPrefix("r"), range[1] > range[0] else { continue }
                var buffer = [UInt8](repeating: 0, count: Int(range[1] - range[0]))
                let count = pread(memory, &buffer, buffer.count, off_t(range[0]))
                guard count > 0 else { continue }
                bytes += count
                buffer.withUnsafeBytes { buffer in
                    let read = UnsafeRawBufferPointer(rebasing: buffer[..<count])
                    found += needles.count { Self.holds(read, $0) }
                }
            }
            return (found, bytes)
        }

        /// Whether `needle` stands in `bytes`. Fast in a debug build, too.
        private static func holds(_ bytes: UnsafeRawBufferPointer, _ needle: String) -> Bool {
            let wanted = Array(needle.utf8)
            guard var place = bytes.baseAddress else { return false }
            let end = place + bytes.count - wanted.count + 1
            while place < end, let found = memchr(place, Int32(wanted[0]), end - place) {
                if memcmp(found, wanted, wanted.count) == 0 { return true }
                place = UnsafeRawPointer(found) + 1
            }
            return false
        }

        private static func contents(_ path: String) throws -> [UInt8] {
            let file = open(path, O_RDONLY)
            try #require(file >= 0)
            defer { close(file) }
            var (all, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 65_536))
            while case let count = read(file, &buffer, buffer.count), count > 0 { all += buffer[..<count] }
            return all
        }

        @Test("nothing that the host writes, and no memory of a strategy, holds an exchange's secret")
        func holdsNoSecret() async throws {
            let fixture = try await Self.fixture(["log.level=debug"])
            let (host, folder) = (fixture.host, fixture.folder)
            let strategy = try await fixture.runPuppet()
            let made = try await host.addCredential(Self.body(), by: "ada")
            let id = made.credential.id
            _ = try await host.testCredential(id, by: "ada")
            _ = try await host.rotateCredential(
                id,
                .members([
                    "api_key": .string(Self.apiKey), "secret": .string(Self.secret),
                    "keep_refused": .bool(true),
                ]), by: "ada")
            try await fixture.say(
                strategy, ["type": .string("log"), "level": .string("info"), "message": .string("hi")])
            let later = try await fixture.puppet(name: "later")
            try await fixture.run(later, StartOptions(feed: "injected"))
            let needles = [Self.secret, Self.apiKey]
            for one in [strategy, later] {
                let pid = try #require(try await host.status(of: one).pid)
                let memory = try Self.count(of: needles, inMemoryOf: pid)
                #expect(memory.found == 0 && memory.bytes > 100_000, "\(memory)")
            }
            #expect(!made.json.text.contains("exchange"))
            #expect(!fixture.log.lines.contains { line in needles.contains { line.contains($0) } })
            #expect(try Self.places(of: needles, below: folder) == [])
            await host.drain()
            #expect(try Self.places(of: needles, below: folder) == [])
            #expect(
                try Self.places(of: [id], below: folder).contains("journal.db"),
                "the search finds what is there")
            try FileManager.default.removeItem(atPath: folder)
        }

        @Test("a host that crashes leaves no core dump, and nothing secret in its last words")
        func crash() async throws {
            let folder = Places.makeTemporaryFolder()
            let program = Places.package + "/.build/stage-debug/bin/bullpen"
            let port = Int.random(in: 30_000...60_000)
            let host = try ChildProcess(
                "/bin/sh",
                [
                    "-c",
                    "cd '\(folder)' && ulimit -c unlimited 2>/dev/null; "
                        + "exec '\(program)' serve --data '\(folder)' --port \(port) --passphrase "
                        + "--set market.symbols=BTCUSDT",
                ], environment: ["PATH": "/usr/bin:/bin", "SWIFT_BACKTRACE": "enable=no"])
            host.write(Self.secret + "\n")
            var said: [String] = []
            while let line = host.readLine(), !line.hasPrefix("Ready") { said.append(line) }
            host.send(signal: SIGSEGV)
            let ending = await host.finish()
            #expect(ending.code == 128 + SIGSEGV, "\(said) \(ending.errors.prefix(400))")
            #expect(!(said.joined() + ending.output + ending.errors).contains("exchange-secret"))
            let left = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(left.contains("journal.db") && !left.contains { $0.hasPrefix("core") }, "\(left)")
            #expect(try Self.places(of: [Self.secret], below: folder) == [])
            try FileManager.default.removeItem(atPath: folder)
        }

        @Test func `a credential is listed, changed and removed, and the next host has it`() async throws {
            let fixture = try await Self.fixture()
            let host = fixture.host
            let made = try await host.addCredential(
                Self.body(["name": .string("mine"), "rotate_after_days": .integer(30)]), by: "ada")
            #expect(made.json["key"] == .string("Zq7-…aa90") && made.json["active"] == .bool(false))
            #expect(made.json["environment"] == .string("testnet"))
            let changed = try await host.changeCredential(
                made.credential.id,
                .members([
                    "name": .string("yours"), "rotate_after_days": .null, "traders": .array([.string("ada")]),
                ]),
                by: "root")
            #expect(changed.json["name"] == .string("yours") && changed.json["rotate_after_days"] == .null)
            await #expect(throws: HostError.self) {
                try await host.changeCredential(
                    made.credential.id, .members(["traders": .array([.string("nobody")])]), by: "root")
            }
            await #expect(throws: HostError.self) {
                try await host.changeCredential(
                    made.credential.id, .members(["account": .string("no-such")]), by: "root")
            }
            await host.drain()
            let next = try await HostFixture(folder: fixture.folder)
            let found = try await next.host.credentials(owner: "ada")
            #expect(found.map(\.credential) == [changed.credential])
            try await next.host.removeCredential(made.credential.id, by: "root")
            await #expect(throws: HostError.notFound(kind: "credential", id: made.credential.id)) {
                try await next.host.credential(made.credential.id)
            }
            await next.end()
        }

        @Test func `a host whose master key is gone runs, says so, and keeps what it has`() async throws {
            let fixture = try await Self.fixture()
            _ = try await fixture.host.addCredential(Self.body(), by: "ada")
            #expect(fixture.host.health.isWell)
            await fixture.host.drain()
            try FileManager.default.removeItem(atPath: fixture.folder + "/master.key")
            let next = try await HostFixture(folder: fixture.folder)
            let words = next.host.health.json["vault"]?.stringValue
            #expect(words == "it is closed: its master key is missing; it came from a key file")
            #expect(try await next.host.credentials(owner: nil).count == 1)
            await #expect(throws: HostError.self) {
                try await next.host.addCredential(Self.body(), by: "ada")
            }
            await next.end()
        }
    }
}

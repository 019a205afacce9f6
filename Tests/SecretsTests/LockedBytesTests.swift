import FoundationEssentials
import Glibc
import TestSupport
import Testing

@testable import Secrets

@Suite("Locked bytes")
struct LockedBytesTests {
    /// A secret that stands in no file, no literal and no argument: 48 bytes, the same in every process.
    private static func byte(_ index: Int) -> UInt8 { UInt8(truncatingIfNeeded: index &* 151 &+ 0x5A) ^ 0x33 }

    private static func makeSecret() throws -> LockedBytes {
        try LockedBytes(count: 48) { buffer throws(SecretFailure) in
            for index in 0..<48 { buffer[index] = byte(index) }
        }
    }

    /// In how many places of `bytes` the secret, or its first sixteen bytes, stands.
    private static func count(in bytes: UnsafeRawBufferPointer, length: Int = 16, mask: UInt8 = 0) -> Int {
        var found = 0
        guard bytes.count >= length else { return 0 }
        let first = byte(0) ^ mask
        for start in 0...(bytes.count - length) where bytes[start] == first {
            if (1..<length).allSatisfy({ bytes[start + $0] == byte($0) ^ mask }) { found += 1 }
        }
        return found
    }

    /// What the kernel says of the pages at an address: `VmFlags` of man 5 proc.
    private static func flags(at address: UInt) throws -> Set<Substring> {
        var isFound = false
        for line in try contents("/proc/self/smaps").split(separator: "\n") {
            let range = line.split(separator: " ").first?.split(separator: "-") ?? []
            if range.count == 2, let low = UInt(range[0], radix: 16), let high = UInt(range[1], radix: 16) {
                isFound = (low..<high).contains(address)
            } else if isFound, line.hasPrefix("VmFlags:") {
                return Set(line.split(separator: " ").dropFirst())
            }
        }
        return []
    }

    /// Files of /proc have no size beforehand.
    private static func contents(_ path: String) throws -> String {
        let file = open(path, O_RDONLY)
        try #require(file >= 0)
        defer { close(file) }
        var (all, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 16))
        while case let count = read(file, &buffer, buffer.count), count > 0 { all += buffer[..<count] }
        return String(decoding: all, as: UTF8.self)
    }

    /// In how many places of this process's memory the secret stands.
    private static func placesInMemory() throws -> Int {
        let memory = open("/proc/self/mem", O_RDONLY)
        try #require(memory >= 0)
        defer { close(memory) }
        var places = 0
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { buffer.deallocate() }
        for line in try contents("/proc/self/maps").split(separator: "\n") {
            let words = line.split(separator: " ")
            let range = words[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            guard range.count == 2, words[1].hasPrefix("rw") else { continue }
            var address = range[0]
            while address < range[1] {
                let own = UInt(bitPattern: buffer)
                let count = pread(memory, buffer, min(1 << 20, Int(range[1] - address)), off_t(address))
                guard count > 0 else { break }
                // What this very search has read before is no place of its own.
                let isOwn = (own..<own + (1 << 20)).overlaps(address..<address + UInt(count))
                if !isOwn { places += Self.count(in: UnsafeRawBufferPointer(start: buffer, count: count)) }
                address += UInt(count)
            }
            memset(buffer, 0, 1 << 20)
        }
        return places
    }

    @Test func `its pages are locked, in no core dump and in no forked child`() throws {
        let secret = try Self.makeSecret()
        let address = secret.withBytes { UInt(bitPattern: $0.baseAddress) }
        let flags = try Self.flags(at: address)
        #expect(flags.isSuperset(of: ["lo", "dd", "dc"]), "\(flags.sorted())")
        #expect(try Self.flags(at: address + 4096).isDisjoint(with: ["rd", "wr"]))
        #expect(try Self.flags(at: address - 4096).isDisjoint(with: ["rd", "wr"]))
    }

    @Test func `bytes of any length come out as they went in`() throws {
        for count in [0, 1, 15, 4095, 4096, 4097, 100_000] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            let secret = try LockedBytes(bytes)
            #expect(secret.count == count && secret.withBytes { Array($0) } == bytes)
            #expect(secret.equals(try LockedBytes(bytes)))
            #expect(!secret.equals(try LockedBytes(bytes + [1])))
            if count > 0 {
                #expect(!secret.equals(try LockedBytes(bytes.dropLast() + [bytes[count - 1] ^ 1])))
            }
        }
    }

    @Test("a secret that signs stands in one place of the memory, and in none when it is gone")
    func onePlace() async {
        await #expect(processExitsWith: .success) {
            var key: SigningKey? = SigningKey(apiKey: "name", secret: try Self.makeSecret())
            try #require(try Self.placesInMemory() == 1)
            for number in 0..<100 { _ = key?.hmacSHA256(Array("message \(number)".utf8)) }
            for number in 0..<100 { _ = key?.hmacSHA512(Array("message \(number)".utf8)) }
            let master = try LockedBytes.random(32)
            let box = try SealedBox.seal(try Self.makeSecret(), key: master, context: [])
            try #require(try SealedBox.open(box, key: master, context: []).count == 48)
            try #require(try Self.placesInMemory() == 1)
            key = nil
            try #require(try Self.placesInMemory() == 0)
        }
    }

    @Test func `an array that was wiped holds nothing of it`() throws {
        var bytes = (0..<48).map(Self.byte)
        LockedBytes.wipe(&bytes)
        #expect(bytes == [UInt8](repeating: 0, count: 48))
    }

    /// The folder in which a copy of this very program is to crash; nil in tests.
    private static let crashFolder = getenv("BULLPEN_TEST_CRASH").map { String(cString: $0) }

    @Test("this process crashes with a key in use", .enabled(if: crashFolder != nil))
    func crashes() throws {
        chdir(Self.crashFolder ?? "/")
        // What is not locked is in a core dump, by which the search is seen to work.
        let plain = (0..<48).map { Self.byte($0) ^ 0xFF }
        let key = SigningKey(apiKey: "name", secret: try Self.makeSecret())
        dump(key)
        print(key, String(reflecting: key), Mirror(reflecting: key).children.count)
        _ = key.hmacSHA256(plain)
        precondition(key.apiKey.isEmpty, "it crashes with \(key)")
    }

    @Test("a crash with a key in use leaves nothing of it on standard error or in a core dump")
    func crash() async throws {
        let folder = TemporaryFolder.make()
        defer { TemporaryFolder.remove(folder) }
        // Not an exit test, which allows no core dumps.
        let program = try #require(realpath("/proc/self/exe", nil).map { String(cString: $0) })
        let ending = try await ChildProcess.run(
            "/bin/sh",
            [
                "-c",
                "ulimit -c unlimited 2>/dev/null; exec \"$0\" --testing-library swift-testing --filter crashes",
                program,
            ], environment: ["BULLPEN_TEST_CRASH": folder, "SWIFT_BACKTRACE": "enable=yes,color=no"])
        #expect(ending.code > 128, "\(ending.output)")
        #expect(ending.errors.contains("it crashes with (signing key)"))
        for output in [ending.errors, ending.output] {
            #expect(Array(output.utf8).withUnsafeBytes { Self.count(in: $0) } == 0)
        }
        // Where the kernel writes dumps into the process's folder, there is one now.
        let cores = try FileManager.default.contentsOfDirectory(atPath: folder)
        if try Self.contents("/proc/sys/kernel/core_pattern") == "core\n", Self.mayDump {
            #expect(!cores.isEmpty, "no core dump was written")
        }
        for core in cores {
            let data = try #require(FileManager.default.contents(atPath: "\(folder)/\(core)"))
            #expect(data.withUnsafeBytes { Self.count(in: $0) } == 0, "\(core) holds the secret")
            #expect(data.withUnsafeBytes { Self.count(in: $0, mask: 0xFF) } > 0, "the search finds nothing")
        }
    }

    /// Whether this process may leave core dumps at all.
    private static var mayDump: Bool {
        var limit = rlimit()
        return getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit) == 0 && limit.rlim_max > 1 << 30
    }
}

/// A folder under /tmp that a test removes.
private enum TemporaryFolder {
    static func make() -> String {
        var template = Array("/tmp/bullpen-secrets-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil)
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func remove(_ path: String) {
        // Only tidiness is lost when it stays behind.
        try? FileManager.default.removeItem(atPath: path)
    }
}

import FoundationEssentials
import Glibc
import TestSupport
import Testing

/// A `bullpen serve` of its own over a data folder, to be killed.
struct ServingHost {
    let process: ChildProcess
    private let folder: String

    /// Comes back when it is ready. Its market goes 600 times as fast as ours.
    init(folder: String) throws {
        self.folder = folder
        process = try ChildProcess(
            HostFixture.layout.prefix + "/bin/bullpen",
            [
                "serve", "--data", folder, "--port", "\(Self.freePort())", "--set", "market.speed=600",
                "--set", "market.symbols=BTCUSDT",
            ], environment: ["PATH": "/usr/bin:/bin"])
        while let line = process.readLine() {
            if line.hasPrefix("Ready.") { break }
        }
    }

    /// Waits until so many lines of a strategy's log have these words.
    func waitForLines(_ count: Int, of strategy: String, with words: String, seconds: Int) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while lines(of: strategy).count(where: { $0.contains(words) }) < count {
            try #require(
                ContinuousClock.now < deadline,
                "\(count) of \"\(words)\" in \(lines(of: strategy).suffix(40).joined(separator: "\n"))")
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// As its file has them: nobody is logged in here to ask for them.
    private func lines(of strategy: String) -> [Substring] {
        let data = FileManager.default.contents(atPath: folder + "/runs/\(strategy)/log.jsonl") ?? Data()
        return String(decoding: data, as: UTF8.self).split(separator: "\n")
    }

    /// Ends it without a word to it.
    func kill() async {
        process.send(signal: SIGKILL)
        _ = await process.finish()
    }

    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 ? getsockname(descriptor, address, &length) : -1
            }
        }
        try #require(result == 0)
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

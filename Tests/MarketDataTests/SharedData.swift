import Foundation

/// Real market data beside the project, when it is there.
enum SharedData {
    static let folder: String? = {
        let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let beside = package.deletingLastPathComponent().appending(path: "shared/data").path
        let path = ProcessInfo.processInfo.environment["BULLPEN_SHARED_DATA"] ?? beside
        return FileManager.default.fileExists(atPath: path + "/MANIFEST.md") ? path : nil
    }()

    static var isThere: Bool { folder != nil }

    static func candles(_ name: String) -> String { folder! + "/ohlcv/" + name }
}

/// A folder that disappears with its owner.
final class ScratchFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "bullpen-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file and returns its path.
    func write(_ name: String, _ text: String) throws -> String {
        let file = path + "/" + name
        try Data(text.utf8).write(to: URL(filePath: file))
        return file
    }

    /// Writes a gzip file and returns its path; the last `cut` bytes are left away.
    func writeCompressed(_ name: String, _ text: String, cut: Int = 0) throws -> String {
        let file = path + "/" + name
        let process = Process()
        process.executableURL = URL(filePath: "/bin/gzip")
        process.arguments = ["-c", try write("plain", text)]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try data.dropLast(cut).write(to: URL(filePath: file))
        return file
    }
}

import Foundation

@testable import Catalogue

/// A folder that disappears with its owner.
final class ScratchFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "bullpen-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit {
        let files = FileManager.default
        for case let name as String in files.enumerator(atPath: path) ?? .init() {
            try? files.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path + "/" + name)
        }
        try? files.removeItem(atPath: path)
    }
}

/// Runs programs that a test needs.
enum Program {
    static func run(
        _ path: String, _ arguments: [String], in folder: String? = nil
    ) throws -> (output: [UInt8], errors: [UInt8], code: Int) {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        if let folder { process.currentDirectoryURL = URL(filePath: folder) }
        let errorFile = NSTemporaryDirectory() + "bullpen-errors-" + UUID().uuidString
        try Data().write(to: URL(filePath: errorFile))
        defer { try? FileManager.default.removeItem(atPath: errorFile) }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = try FileHandle(forWritingTo: URL(filePath: errorFile))
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let errors = try Data(contentsOf: URL(filePath: errorFile))
        return (Array(data), Array(errors), Int(process.terminationStatus))
    }

    /// Makes a zip archive with Python's zipfile; `script` finds it as `z`.
    static func zip(_ script: String) throws -> [UInt8] {
        let program = """
            import io, sys, zipfile, warnings, stat
            warnings.simplefilter("ignore")
            b = io.BytesIO()
            z = zipfile.ZipFile(b, "w", zipfile.ZIP_DEFLATED)
            def mode(name, m):
                i = zipfile.ZipInfo(name); i.create_system = 3; i.external_attr = m << 16; return i
            def patch(old, new):
                global data; data = data.replace(old, new)
            data = None
            \(script)
            z.close()
            data = data or b.getvalue()
            sys.stdout.buffer.write(data)
            """
        let result = try run("/usr/bin/python3", ["-I", "-c", program])
        struct Failed: Error { let words: String }
        guard result.code == 0 else { throw Failed(words: String(decoding: result.errors, as: UTF8.self)) }
        return result.output
    }
}

/// Where the sources are.
let packageFolder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

import Foundation
import Testing

/// Runs the Python tests in `Tests/Python`, which test the SDK, the templates and the schemas, with the interpreter
/// that strategies get. By hand: `cd Tests/Python && /usr/bin/python3 -m unittest`.
@Suite("Python SDK and templates")
struct PythonTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Python")

    private static let files: [String] = {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return all.filter { $0.hasPrefix("test_") && $0.hasSuffix(".py") }.sorted()
    }()

    @Test func `there are Python tests to run`() {
        #expect(Self.files.contains("test_runtime.py"))
    }

    @Test(
        .enabled(
            if: FileManager.default.isExecutableFile(atPath: "/usr/bin/python3"),
            "there is no /usr/bin/python3: apt install python3"),
        arguments: files)
    func `the Python tests pass`(file: String) async throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/python3")
        process.arguments = [
            "-B", "-W", "error::ResourceWarning", "-m", "unittest", String(file.dropLast(3)),
        ]
        process.currentDirectoryURL = Self.folder
        let report = Pipe()
        process.standardError = report
        process.standardOutput = report
        try process.run()
        let output = try report.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let text = String(decoding: output, as: UTF8.self)
        #expect(process.terminationStatus == 0, "\(text)")
        #expect(text.contains("Ran "), "\(text)")
    }
}

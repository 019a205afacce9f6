import FoundationEssentials
import Glibc
import Posix

/// A folder on the disk that `TMPDIR` names, or in the working directory: `/tmp` may be memory.
final class BenchFolder: Sendable {
    let path: String

    /// - Parameter isInMemory: In memory instead, where making things durable costs nothing.
    init(isInMemory: Bool = false) throws {
        var parent = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? ".build"
        if !parent.hasPrefix("/") { parent = FileManager.default.currentDirectoryPath + "/" + parent }
        if isInMemory { parent = "/dev/shm" }
        path = "\(parent)/bench-\(getpid())-\(MonotonicClock.nanoseconds)"
        guard unsafe mkdir(path, 0o755) == 0 else {
            throw SystemCallError(call: "mkdir", number: errno, subject: path)
        }
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: path) } catch {
            complain("\(path) stays behind: \(error)")
        }
    }

    /// Puts a file into it, readable for all: strategies run as other users.
    func write(_ bytes: [UInt8], to name: String, mode: UInt32 = 0o644) throws {
        let file = try FileDescriptor.open(path + "/" + name, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        try file.writeAll(bytes[...])
    }

    /// Makes a folder in it.
    func make(_ name: String) throws {
        guard unsafe mkdir(path + "/" + name, 0o755) == 0 else {
            throw SystemCallError(call: "mkdir", number: errno, subject: path + "/" + name)
        }
    }

    /// Compiles a program of `Sources/bench/Programs` into it, and gives its path.
    func compile(_ source: String, as name: String, _ flags: [String]) throws -> String {
        let program = path + "/" + name
        let arguments = ["-O2", "-o", program, try Programs.path(source)] + flags
        let (status, output) = try ChildProcess.run(
            "/usr/bin/cc", arguments, environment: ["PATH=/usr/bin:/bin"])
        guard status == .exited(code: 0) else { throw MeasurementFailure("cc \(source): \(output)") }
        return program
    }
}

/// What runs beside the host.
enum Programs {
    static func path(_ name: String) throws -> String {
        let path = "Sources/bench/Programs/" + name
        guard unsafe access(path, R_OK) == 0 else {
            throw MeasurementFailure(
                "\(path) is missing: run this in the package's folder, as scripts/bench does")
        }
        return path
    }

    static func read(_ name: String) throws -> [UInt8] { try read(file: try path(name)) }

    static func read(file path: String) throws -> [UInt8] {
        let file = try FileDescriptor.open(path, O_RDONLY)
        return try file.read(at: 0, count: try file.size())
    }
}

/// A line on standard error, where it does not disturb the figures.
func complain(_ text: String) {
    var bytes = Array((text + "\n").utf8)
    _ = unsafe write(2, &bytes, bytes.count)
}

import FoundationEssentials
import Glibc
import Host
import Posix
import Sandbox
import Wire

/// Runs of the lab measurements, each in a process of its own.
enum LabProcess {
    /// Where the bars are, half a million of them, which are made when they are not there yet.
    static func bars() throws -> String {
        let file = FileManager.default.currentDirectoryPath + "/.build/lab-bars.csv"
        if unsafe access(file, R_OK) != 0 {
            complain("lab: makes \(file)")
            _ = try run("/usr/bin/python3", ["-B", try Programs.path("lab_bars.py"), file])
        }
        return file
    }

    /// What ``LabArm`` says of a run behind the walls.
    ///
    /// - Parameters:
    ///   - bundle: The folder of the strategy's program.
    ///   - more: Options beside those that every run has.
    static func arm(
        _ surroundings: Surroundings, bundle: String, isNative: Bool, _ more: [String]
    ) throws -> JSONValue {
        let layout = surroundings.layout
        let output = try run(
            try thisProgram(),
            [
                "lab-arm", "bars=\(try bars())", "confine=\(layout.confine)",
                "runtimes=\(try BenchHost.runtimes(layout))", "sdk=\(layout.sdk)",
                "profile=\(layout.profiles)/\(isNative ? "native" : "python").json", "bundle=\(bundle)",
                "entry=\(isNative ? "main" : "strategy.py")",
            ] + more)
        return try lastLine(output)
    }

    static func thisProgram() throws -> String {
        guard let path = unsafe realpath("/proc/self/exe", nil) else {
            throw MeasurementFailure("this program cannot be found")
        }
        defer { unsafe free(path) }
        return unsafe String(cString: path)
    }

    static func run(_ program: String, _ arguments: [String]) throws -> String {
        let (status, output) = try ChildProcess.run(
            program, arguments, environment: ["PATH=/usr/bin:/bin", "HOME=/tmp"])
        guard status == .exited(code: 0) else { throw MeasurementFailure("\(program): \(output)") }
        return output
    }

    /// The JSON in the last line of what a run said.
    static func lastLine(_ output: String) throws -> JSONValue {
        guard let line = output.split(separator: "\n").last else {
            throw MeasurementFailure("a run in the lab said nothing")
        }
        return try JSONParser.parse(Array(line.utf8)[...])
    }
}

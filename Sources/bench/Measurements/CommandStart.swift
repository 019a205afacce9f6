import Posix

extension Measurement {
    /// What a person waits for at each command.
    static let commandStart = Measurement(
        name: "command-start", summary: "start and end of `bullpen version`, beside /bin/true"
    ) { surroundings in
        let floor = try time("/bin/true", [])
        let ours = try time(surroundings.stage + "/bin/bullpen", ["version", "--json"])
        return [
            Figure(
                name: "bullpen version, median", value: ours.median / 1000, unit: "ms",
                floor: .init(name: "/bin/true", value: floor.median / 1000), promise: .atMost(50))
        ]
    }

    private static func time(_ program: String, _ arguments: [String]) throws -> Samples {
        try Samples.microseconds(of: 50) {
            _ = try ChildProcess.run(program, arguments, environment: [])
        }
    }
}

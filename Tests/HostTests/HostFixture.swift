import FoundationEssentials
import Glibc
import Host
import Posix
import TestSupport
import Testing
import Wire

/// A host in this process, with real walls and real children, asked without HTTP.
final class HostFixture: Sendable {
    let folder: String
    let host: Host
    let log: LogSink

    /// The installation that scripts/test stages.
    static let layout = InstalledLayout(prefix: Places.package + "/.build/stage-debug")
    /// The runtimes that scripts/test makes.
    static let runtimes = Places.package + "/.build/test-runtimes"

    /// Why these tests cannot run here; nil when they can.
    static var hindrance: String? {
        if access(layout.confine, X_OK) != 0 { return "\(layout.confine) is missing: scripts/test stages it" }
        if access(runtimes + "/bare", R_OK) != 0 { return "\(runtimes) is missing: scripts/test makes it" }
        return nil
    }

    /// Opens and starts a host on `folder`, or on a new one.
    init(folder: String? = nil, settings: [String] = []) async throws {
        self.folder = folder ?? Places.makeTemporaryFolder()
        if access(self.folder + "/runtimes", F_OK) != 0 {
            try #require(symlink(Self.runtimes, self.folder + "/runtimes") == 0)
        }
        var loader = ConfigurationLoader()
        for setting in settings { loader.take(assignment: setting) }
        log = try LogSink.memory()
        host = try await Host(
            configuration: try loader.load(), folder: self.folder, layout: Self.layout,
            log: HostLog(part: "host", sink: log), metrics: MetricsRegistry())
        try await host.start()
    }

    /// Uploads one Python file and gives the strategy's id.
    func upload(_ source: String, name: String = "trial", config: String? = nil) async throws -> String {
        try await host.upload(
            BundleUpload(
                content: Array(source.utf8), fileName: "\(name).py", name: name,
                config: config.map { Array($0.utf8) }),
            by: "ada"
        ).id
    }

    /// Looks again and again until `isDone` says so.
    func wait(
        _ strategy: String, seconds: Int = 20, _ isDone: (RunStatusView) -> Bool
    ) async throws -> RunStatusView {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            let status = try await host.status(of: strategy)
            if isDone(status) { return status }
            guard ContinuousClock.now < deadline else {
                throw TooLate(status: status.json.text, log: try await lines(strategy))
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// The last lines of a strategy's log.
    func lines(_ strategy: String) async throws -> [String] {
        try await host.logs(of: strategy, page: PageRequest(limit: 1000)).items.map {
            "\($0.source): \($0.message)"
        }
    }

    struct TooLate: Error {
        let status: String
        let log: [String]
    }

    /// Ends the host and removes its folder.
    func end() async {
        await host.drain()
        // Only tidiness is lost when the folder stays behind.
        try? FileManager.default.removeItem(atPath: folder)
    }
}

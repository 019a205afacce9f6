import FoundationEssentials
import Host
import Identity
import Posix
import Secrets
import Web

/// The host with its faces, from start to stop.
struct HostProcess {
    let local: LocalConfiguration
    let layout: InstalledLayout
    /// The vault's, when the operator gave one.
    let passphrase: LockedBytes?

    /// Runs until SIGTERM or control-C, then drains.
    func run() async throws {
        let signals = try Signals()
        let metrics = MetricsRegistry()
        let sink = try openLog()
        let log = HostLog(part: "host", sink: sink)
        let host = try await start(log, metrics)
        let server: HTTPServer
        do {
            let first = try await host.identity.makeFirstOperator()
            server = try listen(host, log.part("web"), metrics)
            try await host.start()
            greet(first, port: server.port)
        } catch {
            await host.drain()
            sink.close()
            throw CommandFailure(.error, "the host cannot start: \(error)")
        }
        let signal = try await signals.next()
        log.info("stopping", ["signal": String(signal)])
        Console.say("Stopping. Strategies that run now will be started again by the next start.")
        await server.stop()
        await host.drain()
        sink.close()
    }

    private func openLog() throws(CommandFailure) -> LogSink {
        let settings = local.configuration.log
        let folder = local.folder + "/logs"
        try LocalConfiguration.make(folder: folder, as: "the log's folder")
        do {
            return try LogSink.file(
                folder + "/host.jsonl", level: HostLog.Level(settings.level),
                fileLimit: settings.maximumBytes,
                fileCount: settings.files)
        } catch {
            throw CommandFailure(.error, "the log cannot be opened: \(error)")
        }
    }

    private func start(_ log: HostLog, _ metrics: MetricsRegistry) async throws(CommandFailure) -> Host {
        do {
            return try await Host(
                configuration: local.loaded, folder: local.folder, layout: layout, log: log, metrics: metrics,
                passphrase: passphrase)
        } catch {
            log.error("the host cannot start", ["reason": "\(error)"])
            throw CommandFailure(.error, "the host cannot start: \(error)")
        }
    }

    private func listen(
        _ host: Host, _ log: HostLog, _ metrics: MetricsRegistry
    ) throws -> HTTPServer {
        let settings = local.configuration.server
        var configuration = HTTPServerConfiguration(
            address: settings.listen == "localhost" ? "127.0.0.1" : settings.listen, port: settings.port,
            isBehindProxy: settings.isBehindProxy, allowedHosts: settings.allowedHosts)
        if settings.usesTLS {
            configuration.tls = .init(certificate: settings.tlsCertificate, key: settings.tlsKey)
        }
        var services = APIServices.Settings()
        services.uploadLimit = settings.uploadLimitBytes
        services.sessionSeconds = local.configuration.identity.sessionHours * 3_600
        services.version = Product.version
        services.pages = layout.web
        services.openAPI = Array(try Data(contentsOf: URL(filePath: layout.schemas + "/openapi.json")))
        let application = APIApplication(
            APIServices(
                host: host, identity: host.identity, health: host.health, metrics: metrics, log: log,
                settings: services, lab: host.lab, promotion: host, studies: host.studies),
            configuration: configuration)
        return try HTTPServer(configuration, application: application, log: log, metrics: metrics)
    }

    private func greet(_ first: (name: String, password: String)?, port: Int) {
        var server = local.configuration.server
        server.port = port
        Console.say("Bullpen is at \(server.address)")
        Console.say("Its data are in \(local.folder)")
        if let first {
            Console.say("The operator is \"\(first.name)\"; the password, shown only now: \(first.password)")
        }
        Console.say("Ready. Control-C stops it.")
    }
}

extension HostLog.Level {
    /// The configuration's word for it.
    fileprivate init(_ level: Configuration.Log.Level) {
        switch level {
        case .debug: self = .debug
        case .info: self = .info
        case .warning: self = .warning
        case .error: self = .error
        }
    }
}

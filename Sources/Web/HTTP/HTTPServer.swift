public import Posix

/// An HTTP/1.1 server on a thread of its own.
///
/// libwebsockets keeps sockets, TLS and timers; requests are read by ``RequestParser``, which is stricter than the
/// library's own reader, answers what is malformed and counts a body while it arrives. Everything that a sender
/// chooses has a limit in ``HTTPServerConfiguration``.
public final class HTTPServer: Sendable {
    private let loop: HTTPServerLoop

    /// The port that it listens on, also when the configuration left it free.
    public let port: Int

    /// Listens and serves until ``stop(within:)``.
    ///
    /// - Throws: ``HTTPServerError`` with a sentence for the operator.
    public init(
        _ configuration: HTTPServerConfiguration, application: any HTTPApplication, log: HostLog,
        metrics: MetricsRegistry
    ) throws(HTTPServerError) {
        try configuration.check()
        loop = HTTPServerLoop(configuration, application: application, log: log, metrics: metrics)
        port = try loop.start()
    }

    deinit {
        let loop = loop
        loop.perform { loop.finish() }
    }

    /// Takes no more requests, lets those under way be answered, and closes.
    ///
    /// - Parameter limit: How long answers may take; what is left then is cut off.
    public func stop(within limit: Duration = .seconds(5)) async {
        let loop = loop
        loop.perform { loop.drain() }
        let deadline = Task {
            try await Task.sleep(for: limit)
            loop.perform { loop.finish() }
        }
        await loop.ended()
        deadline.cancel()
    }
}

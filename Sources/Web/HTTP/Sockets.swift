import CWebServer

/// One of libwebsockets' connections. Valid until it has said `closed`; for the server's thread only.
@safe struct ConnectionSocket {
    private let raw: OpaquePointer

    init(_ raw: OpaquePointer) { unsafe self.raw = raw }

    /// Whether libwebsockets still holds back something that the socket did not take.
    var isChoked: Bool { unsafe cweb_is_choked(raw) != 0 }

    /// Writes; false when the connection is broken.
    func write(_ bytes: ArraySlice<UInt8>) -> Bool {
        unsafe bytes.withUnsafeBufferPointer { unsafe cweb_write(raw, $0.baseAddress, $0.count) == 0 }
    }

    /// Asks to be told once that libwebsockets holds nothing back.
    func wantWritable() { unsafe cweb_want_writable(raw) }

    func setReading(_ reads: Bool) { unsafe cweb_set_reading(raw, reads ? 1 : 0) }

    /// Sets the one timer; nil takes it back.
    func setTimer(milliseconds: Int64?) { unsafe cweb_set_timer(raw, milliseconds ?? -1) }

    /// Tells the other side that nothing more will come.
    func shutdownWriting() { unsafe cweb_shutdown_writing(raw) }

    /// Closes soon, from outside the connection's own callbacks.
    func close() { unsafe cweb_close(raw) }
}

/// A listening libwebsockets server.
@safe struct ServerSocket: @unchecked Sendable {
    // @unchecked: only `wake` is called from other threads, which libwebsockets allows.

    private let raw: OpaquePointer

    /// Listens, or nil when that cannot be; the reason has gone to `callbacks.logged`.
    init?(_ configuration: HTTPServerConfiguration, callbacks: cweb_callbacks) {
        var callbacks = unsafe callbacks
        let made = unsafe configuration.address.withCString { address in
            var options = unsafe cweb_options()
            unsafe options.address = address
            unsafe options.port = Int32(configuration.port)
            guard let tls = configuration.tls else { return unsafe cweb_create(&options, &callbacks) }
            return unsafe tls.certificate.withCString { certificate in
                unsafe tls.key.withCString { key in
                    unsafe options.certificate = certificate
                    unsafe options.key = key
                    return unsafe cweb_create(&options, &callbacks)
                }
            }
        }
        guard let made = unsafe made else { return nil }
        unsafe raw = made
    }

    /// The error number that listening on an address gives, or nil when it would work.
    static func probe(_ address: String, port: Int) -> Int32? {
        let result = unsafe cweb_probe(address, Int32(port))
        return result == 0 ? nil : -result
    }

    var port: Int { Int(unsafe cweb_port(raw)) }

    /// Serves what is there, waiting for it first; false when the loop is broken.
    func serve() -> Bool { unsafe cweb_serve(raw) >= 0 }

    /// Makes `serve` call `woken`. From any thread.
    func wake() { unsafe cweb_wake(raw) }

    func destroy() { unsafe cweb_destroy(raw) }
}

/// The handshake of WebSockets.
enum WebSocketHandshake {
    /// The answer to a client's key; nil when the key is none.
    static func answer(to key: String) -> String? {
        // 16 bytes in base64.
        guard key.utf8.count == 24, key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
        var answer = [CChar](repeating: 0, count: 32)
        guard unsafe cweb_accept_key(key, &answer) == 0 else { return nil }
        return String(decoding: answer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

internal import CWebLink
internal import Posix

/// libwebsockets' side of the client: all links. Only ``wake()`` may be called from another thread than the client's.
@safe
final class LinkLibrary: @unchecked Sendable {
    // Sendable: the pointer never changes, `wake` is lws_cancel_service, which libwebsockets allows from any thread, and
    // everything else is called by WebSocketLoop on its one thread.
    private let pointer: OpaquePointer

    /// Makes the client; nil when libwebsockets cannot.
    init?(authorities: String?) {
        var callbacks = cweblink_callbacks()
        unsafe callbacks.opened = { handle in
            unsafe Unmanaged<WebSocketConnection>.fromOpaque(handle!).takeUnretainedValue().opened()
        }
        unsafe callbacks.received = { handle, bytes, count, left, isBinary, isFirst, isFinal in
            let connection = unsafe Unmanaged<WebSocketConnection>.fromOpaque(handle!).takeUnretainedValue()
            let piece = unsafe UnsafeBufferPointer(start: bytes, count: count)
            unsafe connection.received(
                piece, left: left, isBinary: isBinary != 0, isFirst: isFirst != 0, isFinal: isFinal != 0)
        }
        unsafe callbacks.pong = { handle in
            unsafe Unmanaged<WebSocketConnection>.fromOpaque(handle!).takeUnretainedValue().heardPong()
        }
        unsafe callbacks.writable = { handle in
            unsafe Unmanaged<WebSocketConnection>.fromOpaque(handle!).takeUnretainedValue().writable()
                ? 0 : -1
        }
        unsafe callbacks.peer_closes = { handle, code, bytes, count in
            let connection = unsafe Unmanaged<WebSocketConnection>.fromOpaque(handle!).takeUnretainedValue()
            let words = unsafe String(
                decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
            connection.peerCloses(code: code == 0 ? nil : Int(code), words)
        }
        unsafe callbacks.ended = { handle, reason, status, wasReached in
            let connection = unsafe Unmanaged<WebSocketConnection>.fromOpaque(handle!).takeUnretainedValue()
            let words = unsafe reason.map { unsafe String(cString: $0) }
            connection.socketEnded(words, status: Int(status), wasReached: wasReached != 0)
        }
        guard let pointer = unsafe cweblink_create(authorities, &callbacks) else { return nil }
        unsafe self.pointer = pointer
    }

    /// Ends the wait of ``serve()``. From any thread, until ``destroy()``.
    func wake() { unsafe cweblink_wake(pointer) }

    /// Waits and serves once; false when the loop is broken.
    func serve() -> Bool { unsafe cweblink_serve(pointer) >= 0 }

    /// Ends the wait of ``serve()`` then; nil takes it back.
    func setAlarm(_ milliseconds: Int64?) { unsafe cweblink_set_alarm(pointer, milliseconds ?? -1) }

    /// Frees everything.
    func destroy() { unsafe cweblink_destroy(pointer) }

    /// Starts to connect to a numeric address. `connection` has to outlive the link.
    func connect(_ target: WebSocketAddress, at address: String, for connection: WebSocketConnection)
        -> Result<LinkSocket, LinkFailure>
    {
        let size = 160
        var reason = [CChar](repeating: 0, count: size)
        let handle = unsafe Unmanaged.passUnretained(connection).toOpaque()
        let link = unsafe address.withCString { address in
            unsafe target.hostHeader.withCString { host in
                unsafe target.path.withCString { path in
                    unsafe target.headers.withCString { headers in
                        var wanted = unsafe cweblink_target(
                            address: address, port: Int32(target.port), host: host, path: path,
                            is_tls: target.isTLS ? 1 : 0, headers: headers)
                        return unsafe cweblink_connect(pointer, &wanted, handle, &reason, size)
                    }
                }
            }
        }
        guard let link = unsafe link else {
            let bytes = reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            return .failure(LinkFailure(reason: String(decoding: bytes, as: UTF8.self)))
        }
        return .success(unsafe LinkSocket(link))
    }

    /// The numeric addresses of a host. Waits for the resolver; from any thread.
    static func resolve(_ host: String) -> Result<[String], LinkFailure> {
        let (room, size) = (8, Int(CWEBLINK_ADDRESS_SIZE))
        var addresses = [CChar](repeating: 0, count: room * size)
        var reason: UnsafePointer<CChar>?
        let count = unsafe Int(cweblink_resolve(host, &addresses, Int32(room), &reason))
        guard count > 0 else {
            return .failure(
                LinkFailure(reason: unsafe reason.map { unsafe String(cString: $0) } ?? "not found"))
        }
        return .success(
            (0..<count).map { index in
                let bytes = addresses[index * size..<(index + 1) * size].prefix { $0 != 0 }
                return String(decoding: bytes.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            })
    }
}

/// libwebsockets' words for what it could not do.
struct LinkFailure: Error, Hashable, Sendable {
    let reason: String
}

/// One link, for the client's thread alone; gone after the connection's `socketEnded` or ``abandon()``.
@safe
struct LinkSocket {
    private let pointer: OpaquePointer

    fileprivate init(_ pointer: OpaquePointer) { unsafe self.pointer = pointer }

    func wantWritable() { unsafe cweblink_want_writable(pointer) }

    /// Sends one message from inside `writable`; false when the link is broken.
    func send(_ kind: WebSocketConnection.Kind, _ bytes: [UInt8]) -> Bool {
        let how =
            switch kind {
            case .text: CWEBLINK_TEXT
            case .binary: CWEBLINK_BINARY
            case .ping: CWEBLINK_PING
            }
        return unsafe bytes.withUnsafeBufferPointer {
            unsafe cweblink_send(pointer, how, $0.baseAddress, $0.count) == 0
        }
    }

    /// The code with which it closes when `writable` says so, from inside it.
    func setClose(_ code: Int) { unsafe cweblink_set_close(pointer, Int32(code)) }

    func abandon() { unsafe cweblink_abandon(pointer) }
}

internal import CPosix

/// A TCP port on which connections are waited for.
public struct TCPListener: ~Copyable, Sendable {
    /// Readable when a connection waits. For watching.
    public let descriptor: FileDescriptor
    /// The port, also when a free one was asked for.
    public let port: Int

    /// Listens on a numeric address.
    ///
    /// - Parameter port: 0 takes a free one.
    public init(address: String, port: Int) throws(SystemCallError) {
        let number = unsafe cposix_tcp_listen(address, Int32(port))
        let opened = FileDescriptor(owning: try SystemCallError.check(number, "listen", "\(address):\(port)"))
        let given = Int(try SystemCallError.check(cposix_tcp_port(opened.number), "getsockname"))
        descriptor = opened
        self.port = given
    }

    /// Takes a connection, which neither blocks nor delays small writes.
    ///
    /// - Parameter peer: Becomes the other side's numeric address.
    /// - Throws: ``SystemCallError``, whose ``SystemCallError/wouldBlock`` is true when none waits.
    public borrowing func accept(peer: inout String) throws(SystemCallError) -> FileDescriptor {
        var name = [CChar](repeating: 0, count: 64)
        let listener = descriptor.number
        let number = unsafe name.withUnsafeMutableBufferPointer {
            unsafe cposix_tcp_accept(listener, $0.baseAddress, Int32($0.count))
        }
        let connection = FileDescriptor(owning: try SystemCallError.check(number, "accept"))
        peer = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return connection
    }

    /// Lets the end of a connection be a reset, as when a machine dies or a firewall cuts.
    public static func resetOnClose(_ connection: borrowing FileDescriptor) throws(SystemCallError) {
        try SystemCallError.check(cposix_tcp_reset_on_close(connection.number), "setsockopt")
    }
}

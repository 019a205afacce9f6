/// A file that is handed on piece by piece, so that nobody has it in memory as a whole.
///
/// What it is read from is let go of when the last holder of this object is gone.
public final class PiecewiseFile: Sendable {
    /// In bytes.
    public let size: Int
    private let source: @Sendable (_ offset: Int, _ count: Int) throws(SystemCallError) -> [UInt8]

    /// Describes a file.
    ///
    /// - Parameters:
    ///   - size: In bytes.
    ///   - read: Gives up to `count` bytes from `offset` on; fewer only at the end. From any thread, and without waiting:
    ///     an event loop may ask.
    public init(
        size: Int,
        read: @escaping @Sendable (_ offset: Int, _ count: Int) throws(SystemCallError) -> [UInt8]
    ) {
        self.size = size
        source = read
    }

    /// Up to `count` bytes from `offset` on; fewer only at the end.
    public func read(at offset: Int, count: Int) throws(SystemCallError) -> [UInt8] {
        try source(offset, count)
    }
}

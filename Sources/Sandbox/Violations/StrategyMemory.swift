internal import CConfine

/// What a refused call's arguments point at.
///
/// It serves messages alone, never a decision: the strategy may change its memory at will. Whoever reads through it asks
/// afterwards whether the caller still waits; if not, the number may belong to another process by now, and what was read
/// is thrown away.
struct StrategyMemory: Sendable {
    /// The text at an address, at most 255 bytes, in printable ASCII; nil when there is none.
    let text: @Sendable (UInt64) -> String?
    /// Two numbers of 64 bits at an address.
    let pair: @Sendable (UInt64) -> (UInt64, UInt64)?

    /// Nothing can be read.
    static let none = StrategyMemory(text: { _ in nil }, pair: { _ in nil })

    /// The memory of a thread that waits in its call.
    static func of(_ pid: Int32) -> StrategyMemory {
        StrategyMemory(text: { text(at: $0, of: pid) }, pair: { pair(at: $0, of: pid) })
    }

    private static let page: UInt64 = 4096

    private static func text(at address: UInt64, of pid: Int32) -> String? {
        guard address != 0 else { return nil }
        var bytes: [CChar] = []
        // It may run on in the next page, which may not be there.
        for _ in 0..<2 {
            let from = address &+ UInt64(bytes.count)
            let wanted = min(256 - bytes.count, Int(page - from % page))
            guard wanted > 0 else { break }
            var buffer = [CChar](repeating: 0, count: wanted + 1)
            let length = unsafe Int(confine_read_text(pid, from, &buffer, buffer.count))
            if length < 0 {
                if bytes.isEmpty { return nil }
                break
            }
            bytes += buffer.prefix(length)
            if length < wanted { break }
        }
        // Nothing in a log but what can be printed.
        let printable = bytes.map { UInt8(bitPattern: $0) }.map { (0x20...0x7e).contains($0) ? $0 : 0x3f }
        return String(decoding: printable, as: UTF8.self)
    }

    private static func pair(at address: UInt64, of pid: Int32) -> (UInt64, UInt64)? {
        var numbers: (UInt64, UInt64) = (0, 0)
        let size = MemoryLayout.size(ofValue: numbers)
        let count = unsafe withUnsafeMutableBytes(of: &numbers) {
            unsafe confine_read_bytes(pid, address, $0.baseAddress, size)
        }
        return count == size ? numbers : nil
    }
}

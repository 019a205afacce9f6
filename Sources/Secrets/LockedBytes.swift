import COpenSSL
import Glibc

/// Secret bytes in memory of their own: never swapped out, in no core dump, not in a forked child, wiped at the end.
///
/// Each value has whole pages with a forbidden page on either side, so that no overrun of something else reads it. What
/// `withBytes` hands out must not be copied anywhere that lasts. There is on purpose no description, no equality that
/// takes longer for a better guess, and no way to serialise it.
@safe
public final class LockedBytes: Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    // Sendable: the bytes are written in `init` alone and only read after it.

    /// How many bytes there are.
    public let count: Int
    private let mapping: Mapping

    /// Copies `bytes`. Whoever held them before should wipe them; see ``wipe(_:)``.
    ///
    /// - Throws: ``SecretFailure/notLocked(call:errno:)``.
    public convenience init(_ bytes: some Collection<UInt8>) throws(SecretFailure) {
        try unsafe self.init(count: bytes.count) { buffer throws(SecretFailure) in
            unsafe buffer.copyBytes(from: bytes)
        }
    }

    /// Lets `fill` write the bytes in place, so that they never lie anywhere else.
    ///
    /// - Throws: ``SecretFailure``; what was written is wiped then.
    public init(
        count: Int, _ fill: (UnsafeMutableRawBufferPointer) throws(SecretFailure) -> Void
    ) throws(SecretFailure) {
        precondition((0...1 << 20).contains(count), "a secret has at most a MiB")
        self.count = count
        mapping = try Mapping(count)
        // An initialiser that throws after all members are set lets go of the mapping, which wipes.
        try unsafe fill(UnsafeMutableRawBufferPointer(start: mapping.start, count: count))
    }

    /// Random bytes from the kernel's generator.
    public static func random(_ count: Int) throws(SecretFailure) -> LockedBytes {
        try unsafe LockedBytes(count: count) { buffer throws(SecretFailure) in
            let made = unsafe RAND_priv_bytes(
                buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32(count))
            guard made == 1 else { throw .refused("making random bytes") }
        }
    }

    /// Hands the bytes to `body`, for as long as it runs.
    public func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(UnsafeRawBufferPointer(start: mapping.start, count: count))
    }

    /// Whether the bytes are these, in a time that does not tell how many of them are right.
    public func equals(_ other: LockedBytes) -> Bool {
        guard count == other.count else { return false }
        guard count > 0 else { return true }
        return unsafe CRYPTO_memcmp(mapping.start, other.mapping.start, count) == 0
    }

    /// Overwrites bytes that are done with, in a way that no compiler leaves out.
    public static func wipe(_ bytes: inout [UInt8]) {
        unsafe bytes.withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) }
    }

    /// Says that there is a secret, and nothing of it.
    public var description: String { "(secret)" }
    /// Says that there is a secret, and nothing of it.
    public var debugDescription: String { "(secret)" }
    /// Shows nothing to `dump` and debuggers that ask.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// Locked pages between two forbidden ones.
@safe
private final class Mapping: @unchecked Sendable {
    // @unchecked: the pointers are set once, and what they point to is written before anybody else sees them.
    let start: UnsafeMutableRawPointer
    private let base: UnsafeMutableRawPointer
    private let length: Int
    private let locked: Int
    private var isWritable = false

    init(_ count: Int) throws(SecretFailure) {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        locked = max(1, (count + page - 1) / page) * page
        length = locked + 2 * page
        let made = unsafe mmap(nil, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let made = unsafe made, unsafe made != MAP_FAILED else {
            throw .notLocked(call: "mmap", errno: errno)
        }
        unsafe base = made
        unsafe start = made + page
        try attempt("mprotect") { unsafe mprotect(start, locked, PROT_READ | PROT_WRITE) }
        isWritable = true
        try attempt("mlock") { unsafe mlock(start, locked) }
        // man 2 madvise: the pages are left out of core dumps, and a forked child does not have them.
        try attempt("madvise") { unsafe madvise(start, locked, 16 /* MADV_DONTDUMP */) }
        try attempt("madvise") { unsafe madvise(start, locked, 10 /* MADV_DONTFORK */) }
    }

    private func attempt(_ call: String, _ body: () -> Int32) throws(SecretFailure) {
        guard body() == 0 else { throw .notLocked(call: call, errno: errno) }
    }

    deinit {
        if isWritable { unsafe OPENSSL_cleanse(start, locked) }
        // Unmapping unlocks; it cannot fail on what was mapped.
        unsafe munmap(base, length)
    }
}

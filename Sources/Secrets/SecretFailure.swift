/// Why something with a secret was not done. No case ever holds a part of one.
public enum SecretFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kernel gave no memory that stays out of swap and core dumps.
    case notLocked(call: String, errno: Int32)
    /// A key has the wrong number of bytes.
    case wrongLength(what: String, expected: Int, given: Int)
    /// What was sealed cannot be opened: another key, another context, or changed bytes. Which of them cannot be told.
    case notAuthentic
    /// OpenSSL refused, which it does when memory is out.
    case refused(String)

    /// What happened, in words.
    public var description: String {
        switch self {
        case .notLocked(let call, let number):
            "no memory could be locked for a secret: \(call) failed with error \(number); "
                + "allow more locked memory (ulimit -l, LimitMEMLOCK=)"
        case .wrongLength(let what, let expected, let given):
            "\(what) must have \(expected) bytes, not \(given)"
        case .notAuthentic: "it was sealed with another key or for something else, or was changed since"
        case .refused(let what): "\(what) failed in OpenSSL"
        }
    }
}

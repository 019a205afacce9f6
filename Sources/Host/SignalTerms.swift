internal import Exchanges
import Trading
import Wire

/// What the sender of a signal may say about it beside its content, for ways on which signals come twice, late or out of
/// order: its own name for it, and how old it may be.
struct SignalTerms: Hashable, Sendable {
    /// The sender's name for the signal, `signal_id`: what comes again under it is the same signal.
    var name: String?
    /// When it was made, `timestamp`; read only beside `max_lag`.
    var madeAt: Timestamp?
    /// How old it may be when it is here, `max_lag`, in milliseconds.
    var maxLag: Int64?

    /// The longest name, in bytes.
    static let longestName = 128
    /// The longest lag that can be allowed, in seconds: a day.
    static let longestLag: Int64 = 86_400

    /// Nothing said.
    init() {}

    /// Reads `signal_id`, `timestamp` and `max_lag` of a signal's data.
    ///
    /// Numbers may be text, as alerts of charts have them; times are ISO 8601 in UTC, or seconds or milliseconds since the
    /// epoch.
    init(_ data: JSONValue) throws(HostError) {
        func flaw(_ field: String, _ reason: String) -> HostError {
            .invalid(FieldFailure(field: field, reason: reason))
        }
        if let value = data["signal_id"], value != .null {
            guard let text = value.looseText, (1...Self.longestName).contains(text.utf8.count) else {
                throw flaw("signal_id", "must be text or a number of 1 to \(Self.longestName) bytes")
            }
            name = text
        }
        guard let lag = data["max_lag"], lag != .null else { return }
        guard let seconds = lag.looseText.flatMap({ Int64($0) }), (1...Self.longestLag).contains(seconds)
        else { throw flaw("max_lag", "must be whole seconds, from 1 to \(Self.longestLag)") }
        guard let time = data["timestamp"]?.looseTime else {
            throw flaw("timestamp", "must say when the signal was made, since max_lag is given")
        }
        (madeAt, maxLag) = (time, seconds * 1_000)
    }

    /// Refuses a signal that is too old, or from so far ahead that its time cannot be right.
    func checkAge(at now: Timestamp) throws(HostError) {
        guard let madeAt, let maxLag else { return }
        let (age, isOutOfRange) = now.milliseconds.subtractingReportingOverflow(madeAt.milliseconds)
        guard isOutOfRange || age.magnitude > maxLag.magnitude else { return }
        let words =
            isOutOfRange ? "is no time of now" : "is \(age.magnitude / 1_000) s \(age < 0 ? "ahead" : "old")"
        throw .invalid(
            FieldFailure(field: "timestamp", reason: "\(words); max_lag allows \(maxLag / 1_000) s"))
    }
}

/// The signals that a strategy was given last, by their senders' names: the database may not hold them yet.
struct NamedSignals {
    private var signals: [String: SignalView] = [:]
    private var names: [String] = []
    private static let limit = 256

    subscript(name: String) -> SignalView? { signals[name] }

    /// Takes note of one that was handed on.
    mutating func add(_ signal: SignalView, named name: String) {
        guard signals.updateValue(signal, forKey: name) == nil else { return }
        names.append(name)
        if names.count > Self.limit { signals[names.removeFirst()] = nil }
    }
}

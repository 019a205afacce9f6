import Trading
import Wire

/// A fault that somebody ordered: what goes wrong, where, and how often.
struct FaultRule {
    enum Kind: String, CaseIterable {
        // Of requests.
        /// The request, or with `when` "after" its answer, takes longer.
        case latency
        /// The connection ends and nothing was done.
        case dropBefore = "drop_before"
        /// It was done, and the connection ends without an answer.
        case dropAfter = "drop_after"
        /// It was done, and the answer ends too early.
        case truncate
        /// An answer with a status of choice; nothing was done unless `processed`.
        case status
        /// No answer ever comes; nothing was done unless `processed`.
        case hang
        // Of streams.
        /// An event comes twice.
        case duplicate
        /// An event comes after the one behind it.
        case reorder
        /// Events are lost.
        case gap
        /// An event comes late.
        case delay
        /// The connection stands and says nothing more.
        case silence
        /// The connection ends.
        case disconnect

        var isOfStreams: Bool {
            switch self {
            case .latency, .dropBefore, .dropAfter, .truncate, .status, .hang: false
            case .duplicate, .reorder, .gap, .delay, .silence, .disconnect: true
            }
        }
    }

    let id: Int
    let kind: Kind
    /// GET, POST, …, or WS for a request on a WebSocket; nil is any.
    var method: String?
    /// The whole path, or its beginning before a `*`; nil is any.
    var path: String?
    /// `user` or `market`, or the whole name of a stream; nil is any.
    var stream: String?
    /// The kind of event, as its protocol names it; nil is any.
    var event: String?
    /// In millionths.
    var probability = 1_000_000
    /// How often it happens at most; nil is always.
    var times: Int?
    /// How many that fit are let pass first.
    var skip = 0
    var milliseconds = 0
    var jitter = 0
    var isAfter = false
    var isProcessed = false
    var status = 503
    var code: Int?
    var message: String?
    var retryAfter: Int?
    var isHTML = false
    var bytes: Int?
    var resets = false
    var count = 1

    /// How many fitted, and how many of these it befell.
    private(set) var matched = 0
    private(set) var fired = 0
    private var dice: Dice

    init(id: Int, kind: Kind, seed: UInt64) {
        self.id = id
        self.kind = kind
        dice = Dice(seed: seed, stream: UInt64(id))
    }

    /// Whether there is nothing more to come of it.
    var isSpent: Bool { times.map { fired >= $0 } ?? false }

    /// Whether it befalls something that fits. Counts.
    mutating func strikes() -> Bool {
        guard !isSpent else { return false }
        matched += 1
        guard matched > skip, dice.happens(probability) else { return false }
        fired += 1
        return true
    }

    /// How long this time.
    mutating func pause() -> Int { milliseconds + dice.below(jitter + 1) }

    func fits(method: String, path: String) -> Bool {
        guard !kind.isOfStreams, self.method.map({ $0 == method }) ?? true else { return false }
        guard let pattern = self.path else { return true }
        return pattern.hasSuffix("*") ? path.hasPrefix(pattern.dropLast()) : path == pattern
    }

    func fits(stream: String, name: String, event: String) -> Bool {
        kind.isOfStreams && (self.stream.map { $0 == stream || $0 == name } ?? true)
            && (self.event.map { $0 == event } ?? true)
    }

    // MARK: - JSON

    /// Reads a rule; unknown fields are refused.
    init(_ value: JSONValue, id: Int, seed: UInt64) throws(FieldFailure) {
        var reader = try ObjectReader(value)
        guard let kind = try reader.optionalChoice("kind", as: Kind.self) else {
            throw reader.failure("kind", "is missing; there are \(Self.kinds)")
        }
        self.init(id: id, kind: kind, seed: seed)
        times = try reader.optionalInteger("times", in: 1...1_000_000_000)
        skip = try reader.optionalInteger("skip", in: 0...1_000_000_000) ?? 0
        if let share = try reader.optionalDecimal("probability") {
            guard !share.isNegative, share <= .one else {
                throw reader.failure("probability", "is \(share), allowed are 0 to 1")
            }
            probability = Int(share.units / (FixedDecimal.unitsPerOne / 1_000_000))
        }
        if kind.isOfStreams {
            stream = try reader.optionalString("stream", bytes: 128)
            event = try reader.optionalString("event", bytes: 64)
        } else {
            method = try reader.optionalString("method", bytes: 16)
            path = try reader.optionalString("path", bytes: 256)
        }
        switch kind {
        case .latency, .delay:
            milliseconds = try reader.integer("ms", in: 0...3_600_000)
            jitter = try reader.optionalInteger("jitter_ms", in: 0...3_600_000) ?? 0
            if kind == .latency, let word = try reader.optionalString("when") {
                guard ["before", "after"].contains(word) else {
                    throw reader.failure("when", "is \"before\" or \"after\"")
                }
                isAfter = word == "after"
            }
        case .status:
            status = try reader.integer("status", in: 200...599)
            code = try reader.optionalInteger("code")
            message = try reader.optionalString("message", bytes: 1024)
            retryAfter = try reader.optionalInteger("retry_after", in: 0...1_000_000)
            isHTML = try reader.optionalBool("html") ?? false
            isProcessed = try reader.optionalBool("processed") ?? false
        case .hang: isProcessed = try reader.optionalBool("processed") ?? false
        case .truncate: bytes = try reader.optionalInteger("bytes", in: 0...1_000_000)
        case .dropBefore, .dropAfter: resets = try reader.optionalBool("reset") ?? false
        case .gap: count = try reader.optionalInteger("events", in: 1...1_000_000) ?? 1
        case .duplicate, .reorder, .silence, .disconnect: break
        }
        try reader.finish()
    }

    /// The kinds in words.
    static let kinds = Kind.allCases.map(\.rawValue).joined(separator: ", ")

    var json: JSONValue {
        .members([
            "id": .integer(id), "kind": .string(kind.rawValue), "method": method.map { .string($0) },
            "path": path.map { .string($0) }, "stream": stream.map { .string($0) },
            "event": event.map { .string($0) },
            "probability": .decimal(
                FixedDecimal(units: Int128(probability) * (FixedDecimal.unitsPerOne / 1_000_000))),
            "times": times.map { .integer($0) }, "skip": .integer(skip),
            "ms": kind == .latency || kind == .delay ? .integer(milliseconds) : nil,
            "status": kind == .status ? .integer(status) : nil,
            "processed": kind == .status || kind == .hang ? .bool(isProcessed) : nil,
            "matched": .integer(matched), "fired": .integer(fired), "spent": .bool(isSpent),
        ])
    }
}

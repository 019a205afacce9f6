internal import Net
internal import Posix
internal import Wire

/// Makes an answer of what came over the network, off the loop: takes out what must not be kept, and parses.
struct AnswerReader: Sendable {
    /// What is taken out wherever it stands.
    private let hidden: [[UInt8]]
    private let limit: Int

    /// Larger answers are parsed on a thread of their own, so that they hold up no other transfer.
    private static let smallAnswer = 64 << 10

    init(hiding hidden: [[UInt8]], limit: Int) {
        self.hidden = hidden
        self.limit = limit
    }

    func read(
        _ result: Result<HTTPResponse, NetFailure>,
        _ completion: @escaping @Sendable (Result<VenueAnswer, NetFailure>) -> Void
    ) {
        switch result {
        case .failure(let failure): completion(.failure(failure))
        case .success(let response):
            let arrived = MonotonicClock.nanoseconds
            guard response.body.count > Self.smallAnswer else {
                return completion(.success(answer(response, arrived: arrived)))
            }
            // Nobody waits for the task: the completion is its end.
            Task.detached { completion(.success(answer(response, arrived: arrived))) }
        }
    }

    func answer(_ response: HTTPResponse, arrived: UInt64) -> VenueAnswer {
        let bytes = hidden.reduce(response.body) { Self.hide($1, in: $0) }
        let body: JSONValue?
        do {
            body = try JSONParser.parse(bytes, limits: .init(bytes: limit))
        } catch {
            // Not JSON: `isJSON` says so, and the text is kept.
            body = nil
        }
        return VenueAnswer(
            status: response.status,
            headers: response.head.headers.map { .init(name: $0.name.lowercased(), value: $0.value) },
            body: body ?? .null, isJSON: body != nil,
            text: String(decoding: bytes.prefix(VenueAnswer.storyLimit), as: UTF8.self), bytes: bytes.count,
            arrived: arrived)
    }

    /// Puts `***` in the place of every `secret`.
    static func hide(_ secret: [UInt8], in bytes: [UInt8]) -> [UInt8] {
        guard let first = secret.first, bytes.count >= secret.count else { return bytes }
        var result: [UInt8] = []
        var kept = 0
        var index = 0
        while index <= bytes.count - secret.count {
            if bytes[index] == first, bytes[index..<index + secret.count].elementsEqual(secret) {
                result += bytes[kept..<index]
                result += [UInt8](repeating: UInt8(ascii: "*"), count: 3)
                index += secret.count
                kept = index
            } else {
                index += 1
            }
        }
        return kept == 0 ? bytes : result + bytes[kept...]
    }
}

extension VenueConnection.Call {
    /// What signing added to headers and query, as bytes: keys and signatures, which an answer may echo and nobody is to
    /// read. Short values such as times and nonces are left, since they are no secret and may stand in any text.
    func secrets(signed: Self) -> [[UInt8]] {
        let before = Set(headers.map(\.value) + query.map(\.value))
        return (signed.headers.map(\.value) + signed.query.map(\.value))
            .filter { $0.utf8.count >= 16 && !before.contains($0) }.map { Array($0.utf8) }
    }
}

/// What left the host with a call, for the story of its order. It is kept as it was sent until the answer is here, so that
/// no order waits while a story is written.
struct SentCall {
    private let query: [(name: String, value: String)]
    private let body: [UInt8]
    private let hidden: [[UInt8]]

    init(_ signed: VenueConnection.Call, hiding hidden: [[UInt8]]) {
        query = signed.query
        body = signed.body
        self.hidden = hidden
    }

    /// Names under which venues are given keys and signatures, in lower case and without signs.
    private static let secretNames: Set<String> = [
        "signature", "sign", "apikey", "key", "secret", "authsignature", "listenkey", "token", "passphrase",
    ]

    /// Query and body as text, without keys and signatures, at most ``VenueTrace/parametersLimit`` bytes.
    var parameters: String {
        let named = query.filter { item in
            !Self.secretNames.contains(item.name.lowercased().filter { $0.isLetter })
        }
        var bytes = Array(named.map { "\($0.name)=\($0.value)" }.joined(separator: "&").utf8)
        if !body.isEmpty { bytes += (bytes.isEmpty ? [] : [UInt8(ascii: " ")]) + body }
        let clean = hidden.reduce(bytes) { AnswerReader.hide($1, in: $0) }
        guard clean.count > VenueTrace.parametersLimit else { return String(decoding: clean, as: UTF8.self) }
        return String(decoding: clean.prefix(VenueTrace.parametersLimit), as: UTF8.self) + "…"
    }

    /// Any other text, without them.
    func harmless(_ text: String) -> String {
        String(decoding: hidden.reduce(Array(text.utf8)) { AnswerReader.hide($1, in: $0) }, as: UTF8.self)
    }
}

internal import Net
internal import Posix
internal import Trading
internal import Wire

/// Asks one venue in public, one question after another and not too fast, on the collectors' loop.
final class PublicCaller {
    /// What came back.
    struct Answer: Sendable {
        let body: JSONValue
        /// The earlier of this host's clock and the venue's.
        let now: Timestamp
    }

    /// How far the venue's clock and this host's may differ, in milliseconds. A venue names its time in whole seconds.
    static let clockTolerance: Int64 = 30_000
    private static let answerLimit = 8 << 20

    private struct Question {
        let url: String
        let completion: (Result<Answer, CollectFailure>) -> Void
    }

    private let name: String
    private let pace: Int64
    private let timeout: Duration
    private let unknownSymbolCodes: Set<Int>
    private let http: HTTPClient
    private let loop: EventLoop
    private var waiting: [Question] = []
    private var isBusy = false
    private var nextAt: UInt64 = 0

    init(
        _ name: String, face: any PublicVenue, timeoutMilliseconds: Int64, http: HTTPClient, loop: EventLoop
    ) {
        self.name = name
        pace = face.paceMilliseconds
        unknownSymbolCodes = face.unknownSymbolCodes
        timeout = .milliseconds(timeoutMilliseconds)
        self.http = http
        self.loop = loop
    }

    /// Asks when its turn comes; the completion is called on the loop, never before this returns.
    func ask(_ url: String, _ completion: @escaping (Result<Answer, CollectFailure>) -> Void) {
        waiting.append(Question(url: url, completion: completion))
        if waiting.count == 1 { loop.atEndOfTurn { [weak self] in self?.pump() } }
    }

    private func pump() {
        guard !isBusy, !waiting.isEmpty else { return }
        isBusy = true
        let now = MonotonicClock.nanoseconds
        guard nextAt <= now else {
            loop.schedule(after: .nanoseconds(Int64(nextAt - now))) { [weak self] in self?.send() }
            return
        }
        send()
    }

    private func send() {
        guard !waiting.isEmpty else {
            isBusy = false
            return
        }
        let question = waiting.removeFirst()
        nextAt = MonotonicClock.nanoseconds + UInt64(pace) * 1_000_000
        let request = HTTPRequest(
            "GET", question.url, headers: [("Accept", "application/json")],
            timeouts: .init(connect: .seconds(10), total: timeout, silence: timeout),
            responseLimit: Self.answerLimit)
        let here = LoopBound((self, question), on: loop)
        http.send(request) { result in here.perform { $0.0.answered($0.1, result) } }
    }

    private func answered(_ question: Question, _ result: Result<HTTPResponse, NetFailure>) {
        isBusy = false
        question.completion(read(result))
        pump()
    }

    private func read(_ result: Result<HTTPResponse, NetFailure>) -> Result<Answer, CollectFailure> {
        let response: HTTPResponse
        switch result {
        case .failure(let failure): return .failure(CollectFailure(.unanswered, "\(failure)"))
        case .success(let answered): response = answered
        }
        if response.status == 429 || response.status == 418 {
            let seconds = response.head["retry-after"].flatMap { Int64($0) } ?? 60
            return .failure(
                CollectFailure(
                    .tooMany, "\(name) wants to be left alone for \(seconds) s (\(response.status))",
                    pauseMilliseconds: min(max(1, seconds), 86_400) * 1000))
        }
        let body: JSONValue
        do throws(JSONParser.Failure) {
            body = try JSONParser.parse(response.body[...], limits: .init(bytes: Self.answerLimit))
        } catch {
            let status = response.status == 200 ? "" : " (\(response.status))"
            return .failure(CollectFailure(.unreadable, "\(name) answered with no JSON\(status): \(error)"))
        }
        guard response.status == 200 else {
            let words = body["msg"]?.stringValue ?? body["message"]?.stringValue ?? ""
            let isUnknown = body["code"]?.intValue.map { unknownSymbolCodes.contains($0) } ?? false
            return .failure(
                CollectFailure(
                    response.status >= 500 ? .unanswered : isUnknown ? .unknownSymbol : .refused,
                    "\(name) answered \(response.status): \(words.prefix(200))"))
        }
        let own = WallClock.milliseconds
        let venue = response.head["date"].flatMap { VenueDate.milliseconds($0) }
        if let venue, abs(venue - own) > Self.clockTolerance {
            return .failure(
                CollectFailure(
                    .clock,
                    "the clocks of \(name) and of this host differ by \(abs(venue - own) / 1000) s; "
                        + "nothing of the answer is taken"))
        }
        return .success(
            Answer(body: body, now: Timestamp(milliseconds: min(own, venue.map { $0 + 999 } ?? own))))
    }
}

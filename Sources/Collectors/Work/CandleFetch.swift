internal import MarketData
internal import Trading
internal import Wire

/// Fetches what is missing of one series, page after page and the oldest first, and keeps each page before the next is
/// asked for. On the collectors' loop.
///
/// Whatever ends it, what was kept stays: another fetch of the same span goes on from there.
final class CandleFetch {
    /// What one page brought.
    struct Page: Sendable {
        let stored: Int
        let refused: [Refusal: Int]
        /// What was asked for with it.
        let covered: Range<Timestamp>
    }

    private let series: SeriesKey
    private let face: any PublicVenue
    private let name: String
    private let caller: PublicCaller
    private let sink: any CandleSink
    private let onPage: (Page) -> Void
    private var completion: ((Result<Void, CollectFailure>) -> Void)?
    private var spans: [Range<Timestamp>] = []

    /// - Parameters:
    ///   - name: What the venue calls the symbol.
    ///   - onPage: Hears of each page once it is kept.
    init(
        _ series: SeriesKey, face: any PublicVenue, name: String, caller: PublicCaller, sink: any CandleSink,
        onPage: @escaping (Page) -> Void
    ) {
        self.series = series
        self.face = face
        self.name = name
        self.caller = caller
        self.sink = sink
        self.onPage = onPage
    }

    /// Begins. The completion is called once, not before this returns unless nothing is missing or nothing can be kept.
    func begin(_ span: Range<Timestamp>, _ completion: @escaping (Result<Void, CollectFailure>) -> Void) {
        self.completion = completion
        do throws(MarketFileFailure) {
            spans = try sink.unasked(of: series, in: span)
        } catch {
            return end(.failure(CollectFailure(.storage, "\(error)")))
        }
        ask()
    }

    /// Ends it without a word.
    func cancel() { completion = nil }

    private func end(_ result: Result<Void, CollectFailure>) {
        let told = completion
        completion = nil
        told?(result)
    }

    private func ask() {
        guard completion != nil else { return }
        guard let span = spans.first else { return end(.success(())) }
        let question = face.candles(of: series, named: name, in: span)
        caller.ask(question.url) { [weak self] result in self?.take(result, question) }
    }

    private func take(_ result: Result<PublicCaller.Answer, CollectFailure>, _ question: CandleQuestion) {
        guard completion != nil else { return }
        let answer: PublicCaller.Answer
        switch result {
        case .failure(let failure): return end(.failure(failure))
        case .success(let given): answer = given
        }
        guard let rows = face.rows(in: answer.body) else {
            return end(.failure(CollectFailure(.unreadable, "\(series.venue) answered with no candles")))
        }
        let end = min(
            question.span.upperBound,
            max(face.covered(question, rows, series.resolution), question.span.lowerBound))
        let reading = CandleReading(
            rows,
            CandleRules(
                series: series, span: question.span, now: answer.now, slack: face.slackMilliseconds),
            covered: question.span.lowerBound..<end)
        if reading.candles.isEmpty, let reason = reading.mostRefused {
            onPage(
                Page(
                    stored: 0, refused: reading.refused,
                    covered: question.span.lowerBound..<question.span.lowerBound))
            return self.end(
                .failure(
                    CollectFailure(
                        .unreadable, "every candle that \(series.venue) gave was refused: \(reason.words)")))
        }
        guard end > question.span.lowerBound else {
            return self.end(
                .failure(CollectFailure(.unreadable, "\(series.venue) answered beside the question")))
        }
        var stored = 0
        do throws(MarketFileFailure) {
            for part in reading.parts {
                stored += try sink.keep(part.candles, of: series, asked: part.span)
            }
        } catch {
            return self.end(.failure(CollectFailure(.storage, "\(error)")))
        }
        onPage(
            Page(
                stored: stored, refused: reading.refused,
                covered: question.span.lowerBound..<end))
        goOn(from: end)
    }

    private func goOn(from time: Timestamp) {
        guard completion != nil, let span = spans.first else { return }
        if time < span.upperBound {
            spans[0] = time..<span.upperBound
        } else {
            spans.removeFirst()
        }
        ask()
    }
}

/// What is taken of a page of candles, and which parts of its span are answered for good.
struct CandleReading: Sendable {
    /// What may be kept together: candles, and the span that they are all of.
    struct Part: Sendable {
        var candles: [Candle]
        var span: Range<Timestamp>
    }

    private(set) var candles: [Candle] = []
    private(set) var refused: [Refusal: Int] = [:]
    /// The span without the places of candles that were refused: those stay missing, and are asked for again some time.
    private(set) var parts: [Part] = []

    /// Reads rows, oldest first.
    init(_ rows: [RawCandle], _ rules: CandleRules, covered: Range<Timestamp>) {
        var holes: [Timestamp] = []
        for row in rows {
            do throws(Refusal) {
                candles.append(try rules.check(row, after: candles.last))
            } catch {
                refused[error, default: 0] += 1
                if let time = row.time { holes.append(rules.series.resolution.openTime(containing: time)) }
            }
        }
        split(covered, around: holes.sorted(), length: rules.series.resolution.milliseconds)
    }

    private mutating func split(_ covered: Range<Timestamp>, around holes: [Timestamp], length: Int64) {
        var rest = candles[...]
        var start = covered.lowerBound
        func part(upTo end: Timestamp) -> Part? {
            guard start < end else { return nil }
            let taken = rest.prefix { $0.openTime < end }
            rest = rest.dropFirst(taken.count)
            return Part(candles: Array(taken), span: start..<end)
        }
        for hole in holes where hole >= start && hole < covered.upperBound {
            // A second row about the same candle: what was taken of it stands.
            if candles.contains(where: { $0.openTime == hole }) { continue }
            if let part = part(upTo: hole) { parts.append(part) }
            start = max(start, hole.advanced(byMilliseconds: length))
        }
        if let part = part(upTo: covered.upperBound) { parts.append(part) }
    }

    /// What most of them were refused for; nil when none was.
    var mostRefused: Refusal? {
        refused.max { ($0.value, $0.key.rawValue) < ($1.value, $1.key.rawValue) }?.key
    }
}

extension Refusal {
    /// In words for a person.
    var words: String {
        switch self {
        case .missing: "a field is missing"
        case .notANumber: "something is no number"
        case .notPositive: "a price is not above 0"
        case .crossed: "the bid is above the ask"
        case .inconsistent: "high or low do not fit"
        case .forming: "it has not closed"
        case .future: "its time is in the future"
        case .misaligned: "its time is no beginning of such a candle in UTC"
        case .disordered: "they are not in order"
        case .outside: "they are not of the time that was asked for"
        case .clock: "the clocks differ"
        }
    }
}

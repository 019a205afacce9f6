import Posix

/// What a venue lists in one answer: asked for at first need, and again from time to time, sooner after a failure. Lives on
/// the event loop.
final class VenueListing<Markets> {
    typealias Answer = (Result<Markets, CallFailure>) -> Void

    /// As last told; nil before the first answer.
    private(set) var known: Markets?
    /// How long ago that was by the steady clock; nil before the first answer.
    var age: Duration? {
        readAt.map { .nanoseconds(Int64(MonotonicClock.nanoseconds - $0)) }
    }

    private let every: Duration
    private let loop: EventLoop
    private let question: (@escaping Answer) -> Void
    private let news: (Result<Markets, CallFailure>, Markets?) -> Void
    private var readAt: UInt64?
    private var waiting: [Answer] = []
    private var isPlanned = false
    private var timer: EventLoop.Timer?
    private var isEnded = false

    /// Sets it up; nothing is asked before somebody needs it.
    ///
    /// - Parameters:
    ///   - question: Asks the venue.
    ///   - news: Hears every answer, and what was known before it.
    init(
        every: Duration, on loop: EventLoop, question: @escaping (@escaping Answer) -> Void,
        news: @escaping (Result<Markets, CallFailure>, Markets?) -> Void
    ) {
        self.every = every
        self.loop = loop
        self.question = question
        self.news = news
    }

    /// Asks now, unless that is under way, and answers then.
    func ask(_ body: @escaping Answer = { _ in }) {
        waiting.append(body)
        guard waiting.count == 1 else { return }
        question { [weak self] result in
            guard let self else { return }
            let before = known
            if case .success(let fresh) = result {
                known = fresh
                readAt = MonotonicClock.nanoseconds
            }
            news(result, before)
            let bodies = waiting
            waiting = []
            for body in bodies { body(result) }
        }
    }

    /// Answers with what is known, or asks first. Never before this returns.
    func withKnown(_ body: @escaping Answer) {
        keepFresh()
        guard let known else { return ask(body) }
        loop.atEndOfTurn { body(.success(known)) }
    }

    /// Asks from now on, until ``end()``.
    func keepFresh() {
        guard !isPlanned, !isEnded else { return }
        isPlanned = true
        again(after: .zero)
    }

    /// Asks no more.
    func end() {
        isEnded = true
        if let timer { loop.cancel(timer) }
        timer = nil
    }

    private func again(after wait: Duration) {
        timer = loop.schedule(after: wait) { [weak self] in
            self?.ask { [weak self] result in
                guard let self, !isEnded else { return }
                if case .success = result { return again(after: every) }
                again(after: min(.seconds(5), every))
            }
        }
    }
}

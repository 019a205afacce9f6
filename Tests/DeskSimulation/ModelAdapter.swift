import Exchanges
import Trading

/// An exchange adapter over a network that loses, delays and garbles, as a real one must expect it.
///
/// It keeps the contract of ``ExchangeAdapter`` and answers each fault as a real adapter does. It belongs to one life of
/// the host; what it has sent goes on without it.
final class ModelAdapter: ExchangeAdapter {
    let venue = World.venue
    var onReport: ((AccountID, VenueReport) -> Void)?
    private unowned let schedule: Schedule
    private let life: Int

    init(_ schedule: Schedule, life: Int) {
        self.schedule = schedule
        self.life = life
    }

    /// How a request fares.
    private enum Fate {
        /// It arrives after so long, and is answered after as long again.
        case normal(Int64)
        /// It arrives and is carried out, and the answer never comes or cannot be read.
        case carriedOut(Int64, answer: Int64, VenueFailure)
        /// It is never carried out.
        case lost(answer: Int64, VenueFailure)
        /// The adapter has sent it twice; both arrive.
        case twice(Int64)
        /// The venue finds its timestamp wrong and does nothing; it is signed once more, under the same id.
        case signedAgain(Int64, ClientOrderID)
    }

    private func latency() -> Int64 { schedule.latency() }
    private func timeout() -> Int64 { schedule.isCalm ? 1_000 : Int64(schedule.random.between(300, 900)) }
    private func strikes(_ row: FaultRow, _ id: ClientOrderID?) -> Bool { schedule.strikes(row, id) }

    /// Carries a request to the venue and its answer back, as fate has it.
    private func exchange<Answer>(
        _ fate: Fate, _ execute: @escaping (Int64) -> Result<Answer, VenueFailure>,
        _ completion: @escaping (Result<Answer, VenueFailure>) -> Void
    ) {
        let schedule = self.schedule
        let life = self.life
        schedule.trace("request \(fate)")
        switch fate {
        case .normal(let latency):
            let back = schedule.answerDelay(latency)
            schedule.clock.after(latency) {
                let answer = execute(schedule.clock.now)
                schedule.clock.after(back, life: life) {
                    schedule.trace("answer \(answer)")
                    completion(answer)
                }
            }
        case .carriedOut(let latency, let wait, let failure):
            schedule.clock.after(latency) { _ = execute(schedule.clock.now) }
            schedule.clock.after(wait, life: life) { completion(.failure(failure)) }
        case .lost(let wait, let failure):
            schedule.clock.after(wait, life: life) { completion(.failure(failure)) }
        case .twice(let latency):
            schedule.clock.after(latency) { _ = execute(schedule.clock.now) }
            schedule.clock.after(latency * 3, life: life) {
                var answer = execute(schedule.clock.now)
                if schedule.mutation == .duplicateIsRejection { answer = .failure(.refused("duplicate")) }
                schedule.clock.after(latency, life: life) { completion(answer) }
            }
        case .signedAgain(let latency, let id):
            schedule.clock.after(latency) { schedule.returned(id) }
            schedule.clock.after(2 * latency + 1, life: life) {
                guard schedule.mutation != .wrongTimesAreRejections else {
                    return completion(.failure(.refused("the timestamp is outside of the window")))
                }
                schedule.left(id, isLost: false)
                schedule.clock.after(latency) {
                    let answer = execute(schedule.clock.now)
                    schedule.clock.after(latency, life: life) { completion(answer) }
                }
            }
        }
    }

    /// What happens to anything that is asked while the venue has banned us.
    private func ban(_ id: ClientOrderID?) -> Fate? {
        guard schedule.isBanned else { return nil }
        schedule.meets(.s7, id)
        return .lost(answer: 1, .unsent("banned"))
    }

    // MARK: ExchangeAdapter

    func instruments(_ completion: @escaping (Result<[Instrument], VenueFailure>) -> Void) {
        exchange(.normal(latency()), { _ in .success(World.instruments) }, completion)
    }

    func place(
        _ request: PlaceRequest, on account: AccountID,
        _ completion: @escaping (Result<VenueOrderID, VenueFailure>) -> Void
    ) {
        guard schedule.isAlive(life) else { return }
        let id = request.clientID
        schedule.asked(toPlace: request)
        let schedule = self.schedule
        let isTwin = strikes(.s11, id)
        let fate = placeFate(id, isTwin: isTwin)
        let rejectsLater = strikes(.e11, id)
        schedule.left(id, isLost: { if case .lost = fate { true } else { false } }())
        exchange(
            fate,
            { now in
                schedule.arrived(id)
                return schedule.venue.place(request, on: account, at: now, rejectsLater: rejectsLater)
            },
            { result in
                switch (result, schedule.mutation) {
                case (.failure(.unsent), .unsentIsIgnored), (.failure(.refused), .refusalIsIgnored): break
                case (.failure(.outcomeUnknown(let reason)), .timeoutIsRejection):
                    completion(.failure(.refused(reason)))
                default: completion(result)
                }
            })
        if rejectsLater, schedule.mutation != .endsAreIgnored {
            schedule.clock.after(400, life: life) { [weak self] in
                if let end = schedule.venue.rejected[id] {
                    self?.onReport?(account, .rejected(id, reason: end.reason ?? ""))
                }
            }
        }
        if isTwin { schedule.confuse(request, on: account) }
        schedule.dies(.r3, id)
    }

    private func placeFate(_ id: ClientOrderID, isTwin: Bool) -> Fate {
        if let ban = ban(id) { return ban }
        if isTwin {
            let failure = VenueFailure.outcomeUnknown("timeout")
            return schedule.random.percent(50)
                ? .lost(answer: timeout(), failure)
                : .carriedOut(latency(), answer: timeout(), failure)
        }
        if strikes(.s1, id) {
            return .carriedOut(latency(), answer: timeout(), .outcomeUnknown("timeout"))
        }
        if strikes(.s2, id) { return .lost(answer: timeout(), .outcomeUnknown("timeout")) }
        if strikes(.s3, id) { return .lost(answer: latency(), .unsent("connection refused")) }
        if strikes(.s4, id) {
            let wait = latency()
            return schedule.random.percent(50)
                ? .lost(answer: wait, .outcomeUnknown("503"))
                : .carriedOut(wait, answer: 2 * wait, .outcomeUnknown("503"))
        }
        if strikes(.s5, id) { return .lost(answer: 2 * latency(), .refused("401")) }
        if strikes(.s6, id) { return .lost(answer: 2 * latency(), .refused("429")) }
        if strikes(.s8, id) { return .signedAgain(latency(), id) }
        if strikes(.s9, id) { return .twice(latency()) }
        if strikes(.s10, id) {
            let wait = latency()
            return .carriedOut(wait, answer: 2 * wait, .outcomeUnknown("the answer is cut off"))
        }
        if strikes(.s12, id) {
            // Longer than the timeout, the grace and a question together.
            return .carriedOut(
                Int64(schedule.random.between(3_500, 6_000)), answer: timeout(), .outcomeUnknown("timeout"))
        }
        return .normal(latency())
    }

    func cancel(
        _ order: OrderReference, on account: AccountID,
        _ completion: @escaping (Result<Void, VenueFailure>) -> Void
    ) {
        guard schedule.isAlive(life) else { return }
        let id = order.clientID
        let schedule = self.schedule
        let fate: Fate
        if let ban = ban(id) {
            fate = ban
        } else if strikes(.e9, id) {
            let failure = VenueFailure.outcomeUnknown("timeout")
            fate =
                schedule.random.percent(50)
                ? .lost(answer: timeout(), failure)
                : .carriedOut(latency(), answer: timeout(), failure)
        } else if strikes(.e10, id) {
            let failure = VenueFailure.refused("unknown order")
            let wait = latency()
            fate =
                schedule.random.percent(50)
                ? .lost(answer: 2 * wait, failure) : .carriedOut(wait, answer: 2 * wait, failure)
        } else {
            fate = .normal(latency())
        }
        exchange(fate, { schedule.venue.cancel(id, on: account, at: $0) }) { [weak self] result in
            if schedule.mutation == .cancelsAlwaysWork, case .failure = result {
                self?.onReport?(account, .cancelled(id, filled: nil, reason: nil))
            }
            completion(result)
        }
        schedule.dies(.r3, id)
    }

    func amend(
        _ order: OrderReference, to amendment: Amendment, on account: AccountID,
        _ completion: @escaping (Result<Amendment, VenueFailure>) -> Void
    ) {
        guard schedule.isAlive(life) else { return }
        let id = order.clientID
        let schedule = self.schedule
        let fate: Fate
        if let ban = ban(id) {
            fate = ban
        } else if strikes(.e12, id) {
            let failure = VenueFailure.outcomeUnknown("timeout")
            let late = Int64(schedule.random.between(200, Int(Plan.latestChange)))
            switch schedule.random.below(4) {
            case 0: fate = .lost(answer: timeout(), failure)
            case 1: fate = .carriedOut(latency(), answer: timeout(), failure)
            // It may come after the host gave up waiting, and asked. A clock that is set forward then makes the time look
            // over in which that can be, so the two do not meet here.
            case 2 where !schedule.plan.has(.w5): fate = .carriedOut(late, answer: timeout(), failure)
            default: fate = .normal(late)
            }
        } else {
            fate = .normal(latency())
        }
        exchange(fate, { schedule.venue.amend(id, to: amendment, on: account, at: $0) }) { result in
            if schedule.mutation == .amendsFailSilently, case .failure(.outcomeUnknown(let reason)) = result {
                completion(.failure(.refused(reason)))
            } else {
                completion(result)
            }
        }
        schedule.dies(.r3, id)
    }

    func status(
        of order: OrderReference, on account: AccountID,
        _ completion: @escaping (Result<VenueOrder?, VenueFailure>) -> Void
    ) {
        guard schedule.isAlive(life) else { return }
        let id = order.clientID
        let schedule = self.schedule
        let isAmbiguous = order.venueOrderID == nil
        exchange(questionFate(id), { .success(schedule.venue.status(of: id, on: account, at: $0)) }) {
            [weak self] (result: Result<VenueOrder?, VenueFailure>) in
            if isAmbiguous, let candidates = schedule.candidates(for: id) {
                guard schedule.mutation != .guesses else {
                    return completion(.success(candidates.first?.taken(for: id)))
                }
                self?.onReport?(account, .ambiguous(id, candidates: candidates.map(\.venueOrderID)))
                schedule.operatorDecides(on: id)
                return completion(.failure(.outcomeUnknown("several orders could be it")))
            }
            completion(schedule.tampered(result))
        }
    }

    func openOrders(
        on account: AccountID, _ completion: @escaping (Result<[VenueOrder], VenueFailure>) -> Void
    ) {
        guard schedule.isAlive(life) else { return }
        let schedule = self.schedule
        schedule.books.wasAsked(about: account, at: schedule.clock.now)
        exchange(questionFate(nil), { .success(schedule.venue.openOrders(on: account, at: $0)) }) { result in
            if case .failure = result, schedule.mutation == .silenceIsNothing {
                return completion(.success([]))
            }
            completion(result.map(schedule.seen))
        }
    }

    func trades(
        on account: AccountID, after cursor: String?,
        _ completion: @escaping (Result<TradePage, VenueFailure>) -> Void
    ) {
        guard schedule.isAlive(life) else { return }
        let schedule = self.schedule
        let limit = schedule.plan.pageSize
        exchange(
            questionFate(nil),
            { .success(schedule.venue.page(on: account, after: cursor, limit: limit, at: $0)) }
        ) { result in
            if case .failure = result, schedule.mutation == .silenceIsNothing {
                return completion(.success(TradePage(trades: [], cursor: cursor, isComplete: true)))
            }
            completion(
                result.map { page in
                    schedule.listed(page, on: account)
                    if schedule.mutation == .tradesAreNotRead {
                        return TradePage(trades: [], cursor: cursor, isComplete: true)
                    }
                    return TradePage(
                        trades: page.trades.compactMap(schedule.tampered), cursor: page.cursor,
                        isComplete: page.isComplete || schedule.mutation == .onePage)
                })
        }
    }

    private func questionFate(_ id: ClientOrderID?) -> Fate {
        if let ban = ban(id) { return ban }
        if strikes(.r10, id) { return .lost(answer: timeout(), .outcomeUnknown("timeout")) }
        return .normal(latency())
    }

    func balances(
        on account: AccountID, _ completion: @escaping (Result<[VenueBalance], VenueFailure>) -> Void
    ) {
        guard schedule.isAlive(life) else { return }
        let schedule = self.schedule
        exchange(
            questionFate(nil), { _ in .success(schedule.venue.balances(of: account)) }
        ) { result in
            switch (result, schedule.mutation) {
            case (.failure, .silenceIsNothing): completion(.success([]))
            case (_, .balancesAreNotAsked): completion(.failure(.unsent("not asked for")))
            default: completion(result)
            }
        }
    }
}

extension VenueOrder {
    /// The order under another client's name.
    func taken(for id: ClientOrderID) -> VenueOrder {
        VenueOrder(
            clientID: id, venueOrderID: venueOrderID, symbol: symbol, side: side, quantity: quantity,
            price: price, filledQuantity: filledQuantity, averagePrice: averagePrice, state: state,
            reason: reason, time: time)
    }
}

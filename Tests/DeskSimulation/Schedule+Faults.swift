import Exchanges
import Host
import Trading

/// What goes wrong by itself, and when.
extension Schedule {
    /// Whether a fault strikes here; counted when it does.
    func strikes(_ row: FaultRow, _ id: ClientOrderID?) -> Bool {
        let rate = plan.rate(row)
        guard rate > 0, !isCalm, random.below(1_000) < rate else { return false }
        meets(row, id)
        return true
    }

    /// Counts a fault that is there.
    func meets(_ row: FaultRow, _ id: ClientOrderID?) {
        trace("\(row.name) strikes \(id?.text ?? "")")
        tally.note(row)
        if let id { struck.append((row, id)) }
    }

    var isBanned: Bool { clock.now < bannedUntil && !isCalm }

    func latency() -> Int64 {
        isCalm ? Int64(random.between(1, 5)) : Int64(random.between(1, plan.latency))
    }

    func answerDelay(_ latency: Int64) -> Int64 {
        plan.has(.e1) && !isCalm ? latency + Int64(random.between(0, 400)) : latency
    }

    func diskDelay() -> Int64 { Int64(random.below(4)) }

    /// Lets a few things go wrong at moments that the seed decides.
    private func times(_ row: FaultRow, _ most: Int, counts: Bool = true, _ body: @escaping () -> Void) {
        guard plan.has(row) else { return }
        for _ in 0..<random.between(1, most) {
            clock.after(Int64(random.below(plan.orders * 160))) { [unowned self] in
                guard !isCalm else { return }
                if counts { tally.note(row) }
                body()
            }
        }
    }

    func plantTrouble() {
        times(.s7, 2) { [unowned self] in ban(for: Int64(random.between(300, 1_500))) }
        times(.s13, 2) { [unowned self] in changeFilters() }
        times(.e14, 3) { [unowned self] in tradeByHand() }
        times(.r6, 3, counts: false) { [unowned self] in moveMoney() }
        times(.r8, 2) { [unowned self] in fillDisk(for: Int64(random.between(100, 1_500))) }
        times(.w1, 2) { [unowned self] in breakStream(for: Int64(random.between(200, 1_500))) }
        times(.w4, 2) { [unowned self] in market.silence(until: clock.now + Int64(random.between(900, 2_000)))
        }
        times(.w5, 2) { [unowned self] in
            clockOffset += Int64(random.one(of: [-3_600_000, -5_000, -1, 1, 5_000, 3_600_000]))
        }
        for row in [FaultRow.r4, .r5, .r8] { times(row, 2, counts: false) { [unowned self] in killNow() } }
        times(.c5, 2) { [unowned self] in haltSomething() }
    }

    private func killNow() {
        guard let life, !life.isDead, killsLeft > 0 else { return }
        killsLeft -= 1
        life.die()
    }

    private func ban(for duration: Int64) {
        bannedUntil = max(bannedUntil, clock.now + duration)
        // One that began before this life of the host was told to the life before.
        if life != nil { books.bansKnownUntil = max(books.bansKnownUntil, clock.now + duration) }
        guard mutation != .bansAreIgnored, let life else { return }
        for account in plan.accounts {
            let until = wallClock.advanced(byMilliseconds: duration)
            life.adapter.onReport?(account, .venueUnavailable(until: until, reason: "418"))
        }
    }

    private func changeFilters() {
        let coarse = instruments == World.instruments
        venue.setInstruments(coarse ? World.coarseInstruments : World.instruments)
        instruments = coarse ? World.coarseInstruments : World.instruments
        books.filtersChangedAt = clock.now
        clock.after(Int64(random.between(50, 600))) { [unowned self] in refreshFilters() }
    }

    /// What the adapter's refresh of instruments comes to.
    func refreshFilters() {
        guard mutation != .filtersAreOld, let life else { return }
        let instruments = self.instruments
        life.driver?.decide { desk, _ in
            desk.setInstruments(instruments, at: World.venue)
            return []
        }
    }

    private func fillDisk(for duration: Int64) {
        journal.isFull = true
        clock.after(duration) { [unowned self] in journal.isFull = false }
    }

    private func breakStream(for duration: Int64) {
        guard streamIsUp, let life else { return }
        streamIsUp = false
        let number = life.number
        // It takes a moment until somebody notices.
        clock.after(Int64(random.between(0, 100)), life: number) { [unowned self] in
            guard !streamIsUp, mutation != .gapsAreIgnored else { return }
            for account in plan.accounts { life.adapter.onReport?(account, .streamGap(reason: "closed")) }
        }
        clock.after(101, life: number) { [unowned self] in
            if !streamIsUp { books.gapKnown = true }
        }
        clock.after(102 + duration, life: number) { [unowned self] in restoreStream() }
    }

    func restoreStream() {
        guard !streamIsUp else { return }
        streamIsUp = true
        books.gapKnown = false
        guard mutation != .gapsAreIgnored, let life else { return }
        for account in plan.accounts { life.adapter.onReport?(account, .streamRestored) }
    }

    private func tradeByHand() {
        let account = random.one(of: plan.accounts)
        twins += 1
        guard let id = ClientOrderID("hand-\(twins)") else { return }
        let terms = OrderTerms(
            symbol: random.one(of: World.symbols), side: random.percent(50) ? .buy : .sell, type: .market,
            quantity: FixedDecimal(random.between(1, 4)))
        _ = venue.place(PlaceRequest(clientID: id, terms: terms), on: account, at: clock.now)
    }
}

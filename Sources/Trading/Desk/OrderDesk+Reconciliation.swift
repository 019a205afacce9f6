/// How an account's books and its venue stand to each other, and what is not known of it.
public struct AccountReconciliation: Hashable, Sendable {
    /// Something about an order that the venue has not answered yet.
    public struct OpenQuestion: Hashable, Sendable {
        /// What is not known.
        public enum Subject: String, Hashable, Sendable, CaseIterable {
            /// Whether the venue has the order, and what became of it.
            case outcome
            /// Whether a cancel took place.
            case cancel
            /// Whether a change of its quantity or price took place.
            case change
            /// The trades of what is said to be filled.
            case trades
        }

        public let order: Order
        public let subject: Subject
        public let since: Timestamp
        /// When the venue was last asked about it; nil when it was not by this host's present run.
        public let askedAt: Timestamp?
        /// The venue's orders that could be it; a person must say which. Empty when there is no such doubt.
        public let candidates: [VenueOrderID]
    }

    /// One currency or coin.
    public struct Holding: Hashable, Sendable {
        /// What is known of a difference.
        public enum State: String, Hashable, Sendable, CaseIterable {
            /// Venue and books agree, but for less than can be traded.
            case agrees
            /// They differ, and nobody has accepted it.
            case external
            /// They differ, or something is under way; it does not count yet.
            case undecided
        }

        public let asset: String
        /// What the account should hold by the books, as they were when the venue said what it does.
        public let booked: FixedDecimal
        /// What the venue said last.
        public let told: FixedDecimal
        public let state: State
        /// The difference that stands; nought unless the state is `external`, or a changed one is undecided.
        public let external: FixedDecimal
        /// Since when it stands.
        public let since: Timestamp?
        /// Whether orders that add risk with it are denied.
        public let isBlocking: Bool

        /// What the venue holds beyond the books, as last told.
        public var difference: FixedDecimal { FixedDecimal.difference(told, booked) }
    }

    public let account: AccountID
    /// Whether its money is compared: on spot accounts.
    public let isCompared: Bool
    /// When trades and open orders were last told in full, and how long that took.
    public let lastBegan: Timestamp?
    public let lastMilliseconds: Int64?
    /// When the venue last said what the account holds.
    public let toldAt: Timestamp?
    /// Why it does not say; nil when it does.
    public let fault: String?
    /// Whether answers are still to come.
    public let isUnderWay: Bool
    /// Whether what the account held before this host is still to be found out.
    public let isFirstSight: Bool
    /// Why the stream of the account's news is broken; nil when it is whole.
    public let gap: String?
    /// Whether what was missed is being asked for.
    public let isMerging: Bool
    /// Why the venue may not be asked, and until when; nil when it may.
    public let absence: String?
    public let absenceUntil: Timestamp?
    /// Oldest order first.
    public let questions: [OpenQuestion]
    /// By name; only what is held or differs.
    public let holdings: [Holding]

    /// Whether nothing is unknown and venue and books agree.
    public var agrees: Bool {
        guard gap == nil, !isMerging, absence == nil, questions.isEmpty else { return false }
        guard isCompared else { return true }
        return toldAt != nil && fault == nil && !isFirstSight && holdings.allSatisfy { $0.state == .agrees }
    }
}

extension OrderDesk {
    /// How an account's books and its venue stand to each other; nil when there is no such account.
    public func reconciliation(of account: AccountID) -> AccountReconciliation? {
        guard let number = gate.account(account) else { return nil }
        let (audit, doubt) = (audits[account] ?? AccountAudit(), doubts[account] ?? AccountDoubt())
        let isCompared = gate.accounts[number].settings.kind == .spot
        return AccountReconciliation(
            account: account, isCompared: isCompared, lastBegan: audit.lastRound?.began,
            lastMilliseconds: audit.lastRound?.milliseconds, toldAt: audit.toldAt, fault: audit.fault,
            isUnderWay: audit.isUnderWay, isFirstSight: isCompared && isFirstSight(of: number),
            gap: doubt.gap,
            isMerging: doubt.merge != nil, absence: doubt.absence?.reason, absenceUntil: doubt.absence?.until,
            questions: questions(on: number), holdings: isCompared ? holdings(of: number, audit) : [])
    }

    /// Every account's, by name.
    public var reconciliations: [AccountReconciliation] {
        gate.accounts.map(\.settings.id).sorted().compactMap { reconciliation(of: $0) }
    }

    private func questions(on number: Int) -> [AccountReconciliation.OpenQuestion] {
        var found: [OrderID: AccountReconciliation.OpenQuestion.Subject] = [:]
        for id in owed where entries[id].map({ gate.rows[$0.row].account == number }) ?? false {
            found[id] = .trades
        }
        for row in gate.accounts[number].rows {
            for id in gate.rows[row].live {
                guard let entry = entries[id] else { continue }
                switch entry.order.status {
                case .unknown: found[id] = .outcome
                case .pendingCancel: found[id] = .cancel
                default: if isChangeInDoubt(entry) { found[id] = .change }
                }
            }
        }
        return found.sorted { $0.key < $1.key }.compactMap { id, subject in
            entries[id].map {
                .init(
                    order: $0.order, subject: subject, since: $0.order.updatedAt, askedAt: $0.askedAt,
                    candidates: ambiguities[id] ?? [])
            }
        }
    }

    private func holdings(of number: Int, _ audit: AccountAudit) -> [AccountReconciliation.Holding] {
        let records = holdings[gate.accounts[number].settings.id] ?? [:]
        // Before the first answer, what is known from the last host is shown.
        let booked = audit.toldAt == nil ? booked(on: number) : audit.booked
        return Set(booked.keys).union(audit.told.keys).sorted().compactMap { asset in
            let external = records[asset]?.external ?? .zero
            let here = booked[asset] ?? .zero
            let there =
                audit.toldAt == nil ? FixedDecimal.sum(here, external) : audit.told[asset] ?? .zero
            guard !here.isZero || !there.isZero || !external.isZero else { return nil }
            let state: AccountReconciliation.Holding.State
            if audit.sightings[asset] != nil || audit.undecided.contains(asset) {
                state = .undecided
            } else {
                state = external.isZero ? .agrees : .external
            }
            return .init(
                asset: asset, booked: here, told: there, state: state, external: external,
                since: records[asset]?.since,
                isBlocking: gate.blocks[.asset(number, asset)] != nil)
        }
    }
}

/// A host with one kind of handling taken out, to see that the simulation notices.
///
/// The handling is undone at the desk's border: what it is told, when it is told, or what it is allowed to do. Rows whose
/// handling lies inside one function of the desk are not here; CONTRIBUTING says how those were tried.
public enum Mutation: String, CaseIterable, Sendable {
    /// A request without an answer counts as rejected.
    case timeoutIsRejection
    /// "No such order" is not taken for an answer.
    case absenceIsIgnored
    /// Nobody is told that a request never left.
    case unsentIsIgnored
    /// Nobody is told that the venue said no.
    case refusalIsIgnored
    /// A wrong timestamp counts as a rejection.
    case wrongTimesAreRejections
    /// "I know that id already" counts as a rejection.
    case duplicateIsRejection
    /// Bans are not told, and orders are sent on.
    case bansAreIgnored
    /// Of several orders that could be ours the first is taken.
    case guesses
    /// What counted as not placed stays so, whatever is heard of it.
    case deadStayDead
    /// New filters of the venue are not taken over.
    case filtersAreOld
    /// A fill before the acknowledgement is dropped.
    case earlyFillsAreDropped
    /// Every telling of a fill counts as a new one.
    case tellingsAreFills
    /// Fills beyond what was ordered are dropped.
    case excessIsDropped
    /// Fills after the order's end are dropped.
    case lateFillsAreDropped
    /// A cancel without a good answer counts as done.
    case cancelsAlwaysWork
    /// The end of an order is not heard of.
    case endsAreIgnored
    /// A change without an answer counts as refused.
    case amendsFailSilently
    /// What the venue shows unchanged counts as refused, though the change may still be on its way.
    case oldTermsAreRefusals
    /// Of an order that the venue holds twice, only what the host believes in is seen.
    case secondOrdersAreNotSeen
    /// The list of trades is not read.
    case tradesAreNotRead
    /// Trades of nobody's order are dropped.
    case strangersAreDropped
    /// Fees in what was bought are not counted.
    case feesInBaseAreFree
    /// Requests leave before the journal has the intent.
    case sendsBeforeDurable
    /// An order without an answer at a death counts as never sent.
    case deathIsUnsent
    /// After a start and while it runs, nothing is asked.
    case noReconciliation
    /// What the venue holds is not compared.
    case balancesAreNotAsked
    /// A difference of balances counts although trades may be missing from the venue's list.
    case differencesCountAtOnce
    /// One page of trades is taken for all, and nothing is asked later.
    case onePage
    /// What a reconciliation finds is written, whether it is new or not.
    case findingsAreFacts
    /// A torn group in the journal is taken for whole.
    case tornGroupsAreWhole
    /// A full disk is taken for a patient one.
    case fullDiskIsIgnored
    /// Orders are told apart by the venue's ids alone.
    case venueIDsAlone
    /// A question without an answer counts as "there is nothing".
    case silenceIsNothing
    /// A break of the stream is not told.
    case gapsAreIgnored
    /// Nothing is asked while all seems well.
    case noAudit
    /// Prices never grow old.
    case noPriceAge
    /// The host's time stands still until a clock that was set back has caught up.
    case clockNeverFalls
    /// A request that comes again gets a new name.
    case repeatsAreNew
    /// Halts are not passed on.
    case haltsAreIgnored
    /// There are no limits.
    case noLimits
    /// That a leg was reached does not outlive the host, so the other one lives on.
    case triggersAreForgotten
    /// Stop-losses and take-profits do not outlive the host.
    case bracketsDie
    /// Strategies of one account have one ledger.
    case ledgersAreShared
    /// From what peak equity has fallen is forgotten at every start.
    case peaksAreForgotten

    /// The rows whose handling it takes out; each of them must be found violated.
    public var rows: [FaultRow] {
        switch self {
        case .timeoutIsRejection: [.s1, .s4, .s10]
        case .absenceIsIgnored: [.s2]
        case .unsentIsIgnored: [.s3]
        case .refusalIsIgnored: [.s5, .s6]
        case .wrongTimesAreRejections: [.s8]
        case .duplicateIsRejection: [.s9]
        case .bansAreIgnored: [.s7]
        case .guesses: [.s11]
        case .deadStayDead: [.s12]
        case .filtersAreOld: [.s13]
        case .earlyFillsAreDropped: [.e1]
        case .tellingsAreFills: [.e2, .e3, .e4]
        case .excessIsDropped: [.e6]
        case .lateFillsAreDropped: [.e5, .e8]
        case .cancelsAlwaysWork: [.e9, .e10]
        case .endsAreIgnored: [.e7, .e11]
        case .amendsFailSilently, .oldTermsAreRefusals, .secondOrdersAreNotSeen: [.e12]
        case .tradesAreNotRead: [.e13]
        case .strangersAreDropped: [.e14]
        case .feesInBaseAreFree: [.e15]
        case .sendsBeforeDurable: [.r1]
        case .deathIsUnsent: [.r2, .r3]
        case .noReconciliation, .triggersAreForgotten, .bracketsDie: [.r4]
        case .onePage: [.r5]
        case .findingsAreFacts: [.r7]
        case .balancesAreNotAsked: [.r6]
        case .differencesCountAtOnce: [.e13]
        case .tornGroupsAreWhole, .fullDiskIsIgnored: [.r8]
        case .venueIDsAlone: [.r9]
        case .silenceIsNothing: [.r10]
        case .gapsAreIgnored: [.w1]
        case .noAudit: [.w2]
        case .noPriceAge: [.w4]
        case .clockNeverFalls: [.w5]
        case .repeatsAreNew: [.c2]
        case .haltsAreIgnored: [.c5]
        case .noLimits: [.c6]
        case .ledgersAreShared: [.c7]
        case .peaksAreForgotten: [.r4]
        }
    }

    /// Whether it takes out a handling of brackets.
    var isOfBrackets: Bool { self == .triggersAreForgotten || self == .bracketsDie }
}

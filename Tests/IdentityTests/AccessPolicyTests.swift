import Identity
import Testing

@Suite("Access policy")
struct AccessPolicyTests {
    private let root = Principal(name: "root", role: .operator, credential: .session)
    private let ann = Principal(name: "ann", role: .author, credential: .token(id: "t"))

    /// What an author may do to his own, to another's, and to what has no owner.
    private static let author: [(Action, own: Bool, other: Bool, none: Bool)] = [
        (.viewStrategy, true, false, false), (.changeStrategy, true, false, false),
        (.deleteStrategy, true, false, false), (.runStrategy, true, false, false),
        (.haltStrategy, true, false, false), (.uploadStrategy, true, true, true),
        (.validateStrategy, true, true, true), (.list, true, true, true),
        (.manageOwnTokens, true, true, true), (.viewOwnSession, true, true, true),
        (.viewProfiles, true, true, true), (.viewFeeds, true, true, true), (.viewHalt, true, true, true),
        (.viewAccounts, false, false, false), (.viewLimits, false, false, false),
        (.changeFeeds, false, false, false), (.changeAccounts, false, false, false),
        (.changeLimits, false, false, false), (.injectMarketData, false, false, false),
        (.haltEverything, false, false, false), (.resumeTrading, false, false, false),
        (.manageUsers, false, false, false), (.viewAudit, false, false, false),
        (.viewMetrics, false, false, false), (.viewConfiguration, false, false, false),
        (.viewMachine, false, false, false), (.viewCredential, true, false, false),
        (.changeCredential, true, false, false), (.addCredential, true, true, true),
        (.assignCredentials, false, false, false), (.viewMarketData, true, true, true),
        (.changeMarketData, false, false, false),
        (.reviewStrategies, false, false, false),
        (.promoteToLive, false, false, false), (.changePromotion, false, false, false),
    ]

    @Test func `every action has its row`() {
        #expect(
            Self.author.map(\.0).sorted { $0.rawValue < $1.rawValue }
                == Action.allCases.sorted { $0.rawValue < $1.rawValue })
    }

    @Test("an author sees and touches only his own", arguments: author)
    func authors(_ action: Action, own: Bool, other: Bool, none: Bool) {
        #expect(AccessPolicy.permits(ann, action, owner: "ann") == own)
        #expect(AccessPolicy.permits(ann, action, owner: "bob") == other)
        #expect(AccessPolicy.permits(ann, action) == none)
    }

    @Test("an operator may do everything", arguments: Action.allCases)
    func operators(_ action: Action) {
        #expect(AccessPolicy.permits(root, action, owner: "ann") && AccessPolicy.permits(root, action))
    }

    @Test func `lists hold one's own, or everyone's for an operator`() {
        #expect(AccessPolicy.visibleOwner(for: ann) == "ann")
        #expect(AccessPolicy.visibleOwner(for: root) == nil)
    }
}

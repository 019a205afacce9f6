/// Something that a user may want to see or do.
public enum Action: String, Hashable, Sendable, CaseIterable {
    // About one strategy; `owner` is its owner.
    case viewStrategy
    case changeStrategy
    case deleteStrategy
    /// Start, stop, restart, pause, resume, hand it a signal.
    case runStrategy
    /// The emergency stop of one strategy.
    case haltStrategy

    /// Say of a version whether it may go on. Who wrote it may not, whatever his role.
    case reviewStrategies
    /// Let a version trade with real money.
    case promoteToLive
    /// Say what the gates ask for.
    case changePromotion

    // About what is one's own; there is no `owner`.
    case uploadStrategy
    case validateStrategy
    /// Lists, which hold only what ``AccessPolicy/visibleOwner(for:)`` allows.
    case list
    case manageOwnTokens
    case addCredential
    case viewOwnSession

    // About one exchange credential; `owner` is its owner.
    case viewCredential
    case changeCredential

    // About the host.
    case viewProfiles
    case viewFeeds
    case viewMarketData
    case viewHalt
    case viewAccounts
    case viewLimits
    case changeFeeds
    case changeAccounts
    /// Say which account a credential is for, who trades there, and whose a new one is.
    case assignCredentials
    case changeLimits
    case injectMarketData
    /// Import stored candles, say how long they are kept, delete them.
    case changeMarketData
    case haltEverything
    case resumeTrading
    case manageUsers
    case viewAudit
    case viewMetrics
    case viewConfiguration
    case viewMachine
}

/// The one place that decides who may see or do what.
public enum AccessPolicy {
    /// Whether `user` may do `action` to something of `owner`'s; nil where the thing has no owner.
    public static func permits(_ user: Principal, _ action: Action, owner: String? = nil) -> Bool {
        switch user.role {
        case .operator: true
        case .author: permitsAuthor(named: user.name, action, owner: owner)
        }
    }

    /// Whose things a list may hold; nil for everyone's.
    public static func visibleOwner(for user: Principal) -> String? {
        switch user.role {
        case .operator: nil
        case .author: user.name
        }
    }

    private static func permitsAuthor(named name: String, _ action: Action, owner: String?) -> Bool {
        switch action {
        case .viewStrategy, .changeStrategy, .deleteStrategy, .runStrategy, .haltStrategy: owner == name
        case .viewCredential, .changeCredential: owner == name
        // Real money is the operator's, and a second pair of eyes is not the author's own.
        case .reviewStrategies, .promoteToLive, .changePromotion: false
        case .uploadStrategy, .validateStrategy, .list, .manageOwnTokens, .viewOwnSession: true
        // An author may bring his own keys; the operator decides who trades with which.
        case .addCredential: true
        case .assignCredentials: false
        case .viewProfiles, .viewFeeds, .viewHalt, .viewMarketData: true
        // An author could lift the operator's halt, move another's prices or see what the operator owns.
        case .resumeTrading, .haltEverything, .injectMarketData, .viewAccounts, .viewLimits: false
        // Every backtest of everyone reads them.
        case .changeMarketData: false
        case .changeFeeds, .changeAccounts, .changeLimits, .manageUsers, .viewAudit: false
        case .viewMetrics, .viewConfiguration, .viewMachine: false
        }
    }
}

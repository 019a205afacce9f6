public import Lab
public import Trading
public import Wire

/// What the faces may ask about promotion, deployments and replays.
///
/// As with `HostService`, whether the asker may is decided before; `by` is the user's name, for the record.
public protocol PromotionService: ReplayService, TrialService {
    /// How a version stands in front of both gates; nil takes the newest version.
    func promotion(of strategy: String, _ request: PromotionRequest) async throws(HostError) -> PromotionView
    /// Takes a version through a gate; a conflict that names what is in the way when a criterion is not met.
    func promote(_ strategy: String, _ request: PromotionRequest, by: String) async throws(HostError)
        -> PromotionView
    /// Takes a version back to the stage in `request`; a conflict while it is deployed.
    func demote(_ strategy: String, _ request: DemotionRequest, by: String) async throws(HostError)
        -> PromotionView
    /// Keeps what an operator says of a version; denied for its author.
    func review(_ strategy: String, _ request: ReviewRequest, by: String) async throws(HostError)
        -> PromotionView
    /// What the gates ask for.
    func promotionCriteria() async throws(HostError) -> PromotionCriteria
    /// Changes what the given gates ask for: `{"paper":[…],"live":[…]}`.
    func changePromotionCriteria(_ body: JSONValue, by: String) async throws(HostError) -> PromotionCriteria

    /// What may be deployed, the newest first.
    func available(owner: String?) async throws(HostError) -> [AvailableView]
    /// Deployments, the newest first, those that have ended among them.
    func deployments(owner: String?) async throws(HostError) -> [DeploymentView]
    /// One deployment.
    func deployment(_ id: String) async throws(HostError) -> DeploymentView
    /// The strategy that a package is of.
    func strategy(ofPackage hash: String) async throws(HostError) -> String
    /// Starts a package on an account.
    func deploy(_ request: DeployRequest, by: String) async throws(HostError) -> DeploymentView
    /// Stops what a deployment runs, and ends it.
    func endDeployment(_ id: String, orders: OrdersAtEnd?, by: String) async throws(HostError)
        -> DeploymentView
}

/// Which version is to go through which gate.
public struct PromotionRequest: Hashable, Sendable {
    /// The version's hash; nil for the newest.
    public var version: String?
    /// The stage to reach; nil for the next.
    public var stage: PromotionStage?
    /// The backtest that shows what it can; nil for the newest that fits.
    public var backtest: String?
    /// An object, over the configuration's; nil takes those of the backtest.
    public var parameters: JSONValue?
    /// Whether what the strategy saved last is packaged as what it has learnt.
    public var includesState: Bool

    /// Describes a promotion.
    public init(
        version: String? = nil, stage: PromotionStage? = nil, backtest: String? = nil,
        parameters: JSONValue? = nil, includesState: Bool = false
    ) {
        self.version = version
        self.stage = stage
        self.backtest = backtest
        self.parameters = parameters
        self.includesState = includesState
    }
}

/// How far back a version is to go.
public struct DemotionRequest: Hashable, Sendable {
    /// The version's hash; nil for the newest that was promoted.
    public var version: String?
    public var stage: PromotionStage
    /// Why, for the record.
    public var reason: String

    /// Describes a demotion.
    public init(version: String? = nil, stage: PromotionStage = .lab, reason: String) {
        self.version = version
        self.stage = stage
        self.reason = reason
    }
}

/// What an operator says of a version.
public struct ReviewRequest: Hashable, Sendable {
    /// The version's hash; nil for the newest.
    public var version: String?
    public var approves: Bool
    public var note: String

    /// Describes a review.
    public init(version: String? = nil, approves: Bool, note: String = "") {
        self.version = version
        self.approves = approves
        self.note = note
    }
}

/// A package for an account.
public struct DeployRequest: Hashable, Sendable {
    /// The package's hash, or its first 12 digits or more.
    public var package: String
    public var account: String
    public var feed: String?
    /// In the account's currency; nil as with a start.
    public var capital: FixedDecimal?
    /// Whether it runs as a copy of the strategy, so that both can run side by side.
    public var isBeside: Bool

    /// Describes a deployment.
    public init(
        package: String, account: String, feed: String? = nil, capital: FixedDecimal? = nil,
        isBeside: Bool = false
    ) {
        self.package = package
        self.account = account
        self.feed = feed
        self.capital = capital
        self.isBeside = isBeside
    }
}

/// How a version stands.
public struct PromotionView: Sendable {
    public var strategy: String
    public var version: String
    public var stage: PromotionStage
    /// The parameters that would be packaged, an object.
    public var parameters: JSONValue
    /// Where the figures are from, in words; nil when there are none.
    public var source: String?
    /// In front of play money and of real money.
    public var checklists: [Checklist]
    public var reviews: [PromotionReview]
    /// Of every version of the strategy, the newest first.
    public var promotions: [Promotion]

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "strategy": .string(strategy), "version": .string(version), "stage": .string(stage.rawValue),
            "parameters": parameters, "source": .optional(source),
            "checklists": .array(checklists.map(\.json)),
            "reviews": .array(reviews.map(\.json)), "promotions": .array(promotions.map(\.json)),
        ])
    }
}

/// A package that may be deployed.
public struct AvailableView: Sendable {
    public var package: PromotionPackage
    public var name: String
    public var owner: String
    public var stage: PromotionStage
    public var promotedAt: Timestamp
    public var promotedBy: String

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "package": .string(package.hash), "strategy": .string(package.strategy),
            "version": .string(package.version), "name": .string(name), "owner": .string(owner),
            "stage": .string(stage.rawValue), "promoted_at": .time(promotedAt),
            "promoted_by": .string(promotedBy), "manifest": package.manifest,
        ])
    }
}

/// A deployment and what it does now.
public struct DeploymentView: Sendable {
    public var deployment: Deployment
    public var version: String
    /// What its strategy does now; nil once it is gone.
    public var status: RunStatusView?

    /// As the API writes it.
    public var json: JSONValue {
        let one = deployment
        return .members([
            "id": .string(String(one.id)), "package": .string(one.package), "strategy": .string(one.strategy),
            "version": .string(version), "runs_as": .string(one.runsAs), "owner": .string(one.owner),
            "account": .string(one.account), "feed": .string(one.feed), "capital": .decimal(one.capital),
            "deployed_at": .time(one.time), "deployed_by": .string(one.by),
            "ended_at": one.endedAt.map { .time($0) } ?? .null, "ended_by": .optional(one.endedBy),
            "state": .optional(one.endedAt == nil ? status?.state.rawValue : nil),
            "reason": .optional(one.endedAt == nil ? status?.reason : nil),
            "run": .optional(one.endedAt == nil ? status?.run : nil),
        ])
    }
}

extension PromotionReview {
    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "reviewer": .string(reviewer), "verdict": .string(approves ? "approve" : "refuse"),
            "note": .string(note), "time": .time(time),
        ])
    }
}

extension Promotion {
    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "id": .string(String(id)), "package": .string(package), "version": .string(version),
            "stage": .string(stage.rawValue), "time": .time(time), "by": .string(by),
            "ended_at": end.map { .time($0.time) } ?? .null, "ended_by": .optional(end?.by),
            "reason": .optional(end?.reason),
        ])
    }
}

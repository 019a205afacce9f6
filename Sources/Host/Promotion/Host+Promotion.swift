internal import Catalogue
internal import Identity
internal import Journal
public import Lab
internal import Posix
internal import Trading
public import Wire

/// The gates: what a version must show, who passes it on, and what comes out.
extension Host: PromotionService {
    /// How a version stands in front of both gates; nil takes the newest version.
    public func promotion(
        of strategy: String, _ request: PromotionRequest
    ) async throws(HostError) -> PromotionView {
        try await view(of: try await candidate(strategy, request))
    }

    /// Takes a version through a gate; a conflict that names what is in the way when a criterion is not met.
    public func promote(
        _ strategy: String, _ request: PromotionRequest, by user: String
    ) async throws(HostError) -> PromotionView {
        let candidate = try await candidate(strategy, request)
        let stage = try Self.next(candidate.stage, wanted: request.stage)
        let checklist = Checklist(try await promotionCriteria(), stage: stage, evidence: candidate.evidence)
        guard checklist.isPassed else {
            let words = checklist.hindrances.map(\.words).joined(separator: "; ")
            audit(
                user, "promotion.refused", strategy,
                "version \(candidate.version.version) to \(stage.rawValue): \(words)")
            throw .conflict("not promoted to \(stage.rawValue): \(words)")
        }
        let package = try package(for: candidate, stage)
        let now = Timestamp(milliseconds: WallClock.milliseconds)
        try await writing { database in
            try PromotionStore.add(package, by: user, at: now, in: database)
            try PromotionStore.promote(
                package, to: stage, checklist: checklist.json, by: user, at: now, in: database)
        }
        audit(
            user, "promotion.promote", strategy,
            JSONValue.members([
                "version": .string(package.version), "stage": .string(stage.rawValue),
                "package": .string(package.hash), "checklist": checklist.json,
            ]).text)
        try await showStanding(of: package, by: user)
        return try await promotion(of: strategy, request)
    }

    /// Takes a version back to the stage in `request`; a conflict while it is deployed.
    public func demote(
        _ strategy: String, _ request: DemotionRequest, by user: String
    ) async throws(HostError) -> PromotionView {
        let (promotions, deployments) = try reading { database in
            (
                try PromotionStore.promotions(of: strategy, in: database).filter(\.isInForce),
                try PromotionStore.deployments(onlyInForce: true, in: database)
            )
        }
        let version = request.version ?? promotions.first?.version
        let ending = promotions.filter { $0.version == version && $0.stage > request.stage }
        guard let version, !ending.isEmpty else {
            throw .conflict(
                "there is nothing to take back: no version of it is beyond \(request.stage.rawValue)")
        }
        let packages = Set(ending.map(\.package))
        if let deployed = deployments.first(where: { packages.contains($0.package) }) {
            throw .conflict(
                "version \(version) is deployed on account \(deployed.account); end deployment \(deployed.id) first"
            )
        }
        let now = Timestamp(milliseconds: WallClock.milliseconds)
        try await writing { database in
            try PromotionStore.end(ending, reason: request.reason, by: user, at: now, in: database)
        }
        audit(
            user, "promotion.demote", strategy,
            "version \(version) to \(request.stage.rawValue): \(request.reason)"
        )
        for hash in packages.sorted() { try await showStanding(of: try package(hash), by: user) }
        return try await promotion(of: strategy, PromotionRequest(version: version))
    }

    /// Keeps what an operator says of a version; denied for its author.
    public func review(
        _ strategy: String, _ request: ReviewRequest, by user: String
    ) async throws(HostError) -> PromotionView {
        let (record, version) = try find(strategy, request.version)
        guard identity.users().contains(where: { $0.name == user && $0.role == .operator && !$0.isDisabled })
        else { throw .denied("only an operator reviews a version") }
        guard !Self.authors(of: record, version).contains(user) else {
            throw .denied(
                "\(user) wrote version \(version.version) or owns the strategy; another operator must review it"
            )
        }
        let review = PromotionReview(
            reviewer: user, approves: request.approves, note: request.note,
            time: Timestamp(milliseconds: WallClock.milliseconds))
        try await writing { database in
            try PromotionStore.add(review, of: strategy, version: version.version, in: database)
        }
        audit(
            user, "promotion.review", strategy,
            "version \(version.version): \(request.approves ? "approved" : "refused")"
                + (request.note.isEmpty ? "" : ": \(request.note)"))
        return try await promotion(of: strategy, PromotionRequest(version: version.version))
    }

    /// What the gates ask for.
    public func promotionCriteria() async throws(HostError) -> PromotionCriteria {
        try reading { try PromotionStore.criteria(in: $0) } ?? .standard
    }

    /// Changes what the given gates ask for: `{"paper":[…],"live":[…]}`.
    public func changePromotionCriteria(
        _ body: JSONValue, by user: String
    ) async throws(HostError) -> PromotionCriteria {
        let before = try await promotionCriteria()
        let changed = try Self.checked { () throws(FieldFailure) in try before.changed(by: body) }
        let now = Timestamp(milliseconds: WallClock.milliseconds)
        try await writing { try PromotionStore.set(changed, by: user, at: now, in: $0) }
        audit(user, "promotion.criteria", "", changed.json.text)
        return changed
    }

    // MARK: - Inside

    /// A version in front of a gate, with all that is known of it.
    struct Candidate: Sendable {
        var record: StrategyRecord
        var version: VersionRecord
        var stage: PromotionStage
        /// The package that was promoted, if one was.
        var promoted: PromotionPackage?
        var parameters: JSONValue
        var state: JSONValue
        var figures: LabFigures?
        var evidence: PromotionEvidence
        var promotions: [Promotion]
    }

    func find(
        _ strategy: String, _ version: String?
    ) throws(HostError) -> (StrategyRecord, VersionRecord) {
        guard let record = try reading({ try StrategyStore.get(strategy, in: $0) }) else {
            throw .notFound(kind: "strategy", id: strategy)
        }
        guard let found = record.version(version) else {
            throw .invalid(FieldFailure(field: "version", reason: "there is no version \(version ?? "")"))
        }
        return (record, found)
    }

    static func authors(of record: StrategyRecord, _ version: VersionRecord) -> Set<String> {
        [record.owner, version.uploadedBy]
    }

    private func candidate(
        _ strategy: String, _ request: PromotionRequest
    ) async throws(HostError) -> Candidate {
        let (record, version) = try find(strategy, request.version)
        let (promotions, reviews) = try reading { [id = version.version] database in
            (
                try PromotionStore.promotions(of: strategy, in: database),
                try PromotionStore.reviews(of: strategy, version: id, in: database)
            )
        }
        let own = promotions.filter { $0.isInForce && $0.version == version.version }
        let stage = own.map(\.stage).max() ?? .lab
        // Towards real money goes what was promoted to play money, and nothing else.
        let promoted = try own.first { $0.stage == .paper }.map { one throws(HostError) in
            try package(one.package)
        }
        let isNextLive = promoted != nil && request.stage != .paper
        let figures = try labFigures(
            record, version, backtest: request.backtest,
            parameters: isNextLive ? promoted?.parameters : request.parameters)
        let given = isNextLive ? promoted?.parameters : request.parameters ?? figures?.parameters
        let (parameters, state) = try await floor { floor throws(HostError) in
            let merged = try Self.checked { () throws(FieldFailure) in
                try StrategyConfig(version.config, floor.around).merging(parameters: given ?? .null)
            }
            return (merged.parametersJSON, try floor.find(strategy).savedState)
        }
        var evidence = try await evidence(record, version, parameters)
        evidence.reviews = reviews
        evidence.authors = Self.authors(of: record, version)
        figures?.add(to: &evidence)
        return Candidate(
            record: record, version: version, stage: stage, promoted: promoted, parameters: parameters,
            state: request.includesState ? state : .null, figures: figures, evidence: evidence,
            promotions: promotions)
    }

    private func view(of candidate: Candidate) async throws(HostError) -> PromotionView {
        let criteria = try await promotionCriteria()
        return PromotionView(
            strategy: candidate.record.id, version: candidate.version.version, stage: candidate.stage,
            parameters: candidate.parameters, source: candidate.evidence.source,
            checklists: [PromotionStage.paper, .live].map {
                Checklist(criteria, stage: $0, evidence: candidate.evidence)
            }, reviews: candidate.evidence.reviews, promotions: candidate.promotions)
    }

    private static func next(
        _ stage: PromotionStage, wanted: PromotionStage?
    ) throws(HostError) -> PromotionStage {
        switch (stage, wanted) {
        case (_, .lab):
            throw .invalid(FieldFailure(field: "stage", reason: "must be \"paper\" or \"live\""))
        case (.lab, .paper), (.lab, nil): return .paper
        case (.paper, .live), (.paper, nil): return .live
        case (.paper, .paper): return .paper
        case (.lab, .live):
            throw .conflict("it must be promoted to paper first: nothing skips a gate")
        case (.live, _): throw .conflict("it is promoted to live already")
        }
    }

    /// What comes out of a gate: behind the first a new package, behind the second the same one.
    private func package(
        for candidate: Candidate, _ stage: PromotionStage
    ) throws(HostError) -> PromotionPackage {
        let version = candidate.version
        if stage == .live {
            guard let package = candidate.promoted else {
                throw .conflict("it must be promoted to paper first: nothing skips a gate")
            }
            if let words = try difference(inRuntimeOf: package, candidate.record) {
                throw .conflict(
                    "what it runs in is not what was promoted to paper: \(words); promote it to paper again")
            }
            return package
        }
        let package = PromotionPackage(
            strategy: candidate.record.id, version: version.version, parameters: candidate.parameters,
            state: candidate.state, runtime: try runtime(of: version), backtest: candidate.figures?.backtest,
            data: candidate.figures?.data ?? [])
        let isThere = candidate.promotions.contains {
            $0.isInForce && $0.package == package.hash && $0.stage == .paper
        }
        guard !isThere else { throw .conflict("\(package.short) is promoted to paper already") }
        return package
    }
}

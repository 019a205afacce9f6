internal import Catalogue
internal import Journal
internal import Lab
internal import Sandbox
internal import Trading
internal import Wire

/// Nothing that was not promoted is started where only promoted versions may be.
extension Host {
    /// Refuses a start on an account that takes promoted versions only, and one that is not what was deployed.
    func checkPromotion(
        of record: StrategyRecord, _ plan: FloorStrategy.Plan
    ) async throws(HostError) {
        let account = try await floor { floor throws(HostError) in floor.accounts[plan.account] }
        let deployment = try reading { database in
            try PromotionStore.deployments(onlyInForce: true, in: database)
                .first { $0.runsAs == record.id }
        }
        if let deployment {
            try await check(plan, is: deployment)
        }
        guard let account, let needed = promotionRule.stage(for: account) else { return }
        try check(record, plan, hasReached: needed, of: deployment?.strategy ?? record.id)
    }

    /// Whether a strategy may go on running after a start of the host; the reason in words when not.
    func hindranceByPromotion(_ record: StrategyRecord) async -> String? {
        guard let desired = record.desired, let version = record.version(desired.version) else { return nil }
        let parameters: JSONValue
        do throws(HostError) {
            parameters = try await floor { floor throws(HostError) in
                try Self.checked { () throws(FieldFailure) in
                    try StrategyConfig(version.config, floor.around).merging(parameters: desired.parameters)
                }.parametersJSON
            }
        } catch {
            // That it cannot be configured shows at the start itself.
            return nil
        }
        let plan = FloorStrategy.Plan(
            version: desired.version, feed: desired.feed, account: desired.account,
            capital: desired.capital, parameters: parameters)
        do throws(HostError) {
            try await checkPromotion(of: record, plan)
            return nil
        } catch {
            // Where it cannot be told whether it was promoted, it was not.
            if case .conflict(let reason) = error { return reason }
            return "\(error)"
        }
    }

    /// A deployed strategy runs its package and nothing else.
    private func check(_ plan: FloorStrategy.Plan, is deployment: Deployment) async throws(HostError) {
        let package = try package(deployment.package)
        let difference: String?
        if plan.version != package.version {
            difference = "version \(plan.version) in place of \(package.version)"
        } else if plan.account != deployment.account {
            difference = "account \(plan.account) in place of \(deployment.account)"
        } else {
            difference = package.difference(inParameters: plan.parameters)
        }
        guard let difference else { return }
        throw .conflict(
            "it is deployed as \(package.short), deployment \(deployment.id), and this is something else: "
                + "\(difference); end the deployment first")
    }

    private func check(
        _ record: StrategyRecord, _ plan: FloorStrategy.Plan, hasReached needed: PromotionStage,
        of strategy: String
    ) throws(HostError) {
        let promotions = try reading { try PromotionStore.promotions(of: strategy, in: $0) }
        let fitting = promotions.filter {
            $0.isInForce && $0.version == plan.version && $0.stage >= needed
        }
        guard !fitting.isEmpty else {
            throw .conflict(
                "account \(plan.account) takes only versions that were promoted to \(needed.rawValue), and version "
                    + "\(plan.version) was not: bullpen promote \(strategy) --version \(plan.version)")
        }
        var hindrance: String?
        for promotion in fitting {
            let package = try package(promotion.package)
            if let words = package.difference(inParameters: plan.parameters) {
                hindrance = hindrance ?? "it is not what was promoted: \(words)"
            } else if let words = try difference(inRuntimeOf: package, record) {
                hindrance = "what it runs in is not what was promoted: \(words); promote it again"
            } else {
                return
            }
        }
        throw .conflict(
            "account \(plan.account) takes only what was promoted to \(needed.rawValue); \(hindrance ?? "")")
    }

    /// What of the runtime has changed since a package was made, in words.
    func difference(
        inRuntimeOf package: PromotionPackage, _ record: StrategyRecord
    ) throws(HostError) -> String? {
        guard let version = record.version(package.version) else { return "the version is gone" }
        return package.runtime.difference(from: try runtime(of: version))
    }

    /// What a version runs in now.
    func runtime(of version: VersionRecord) throws(HostError) -> PromotionPackage.Runtime {
        guard let profile = launcher.profiles[version.profile] else {
            throw .conflict("this host has no profile \"\(version.profile)\"")
        }
        do {
            let entry = try RuntimeCatalogue(runtimes: folders.runtimes).entries
                .first { $0.key.rawValue == profile.runtime }?.value
            guard let entry else {
                throw HostError.conflict("the runtime \(profile.runtime) is not installed")
            }
            return PromotionPackage.Runtime(
                profile: profile.name, name: profile.runtime, stamp: entry.stamp, python: entry.python,
                packages: entry.packages)
        } catch let error as HostError {
            throw error
        } catch {
            throw .unavailable("\(error)")
        }
    }

    /// A package that is there.
    func package(_ hash: String) throws(HostError) -> PromotionPackage {
        guard let package = try reading({ try PromotionStore.package(hash, in: $0) }) else {
            throw .notFound(kind: "package", id: hash)
        }
        return package
    }

    /// Which accounts take promoted versions only.
    var promotionRule: PromotionRule {
        let configuration = loaded.configuration
        return PromotionRule(requirement: configuration.promotion.requiredFor, venues: configuration.venues)
    }
}

extension PromotionPackage {
    /// Enough of the hash for people.
    var short: String { "package \(hash.prefix(12))" }
}

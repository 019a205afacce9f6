internal import Catalogue
internal import Journal
internal import Lab
internal import Posix
internal import Trading
internal import Wire

/// Packages on accounts.
extension Host {
    /// What may be deployed, the newest first.
    public func available(owner: String?) async throws(HostError) -> [AvailableView] {
        let (promotions, records) = try reading { database in
            (
                try PromotionStore.promotions(of: nil, in: database).filter(\.isInForce),
                try StrategyStore.list(owner: owner, in: database)
            )
        }
        let known = Dictionary(uniqueKeysWithValues: records.map { ($0.id, $0) })
        var views: [AvailableView] = []
        for promotion in promotions {
            guard let record = known[promotion.strategy] else { continue }
            // One that is promoted to live is there once, and its stage says so.
            if let index = views.firstIndex(where: { $0.package.hash == promotion.package }) {
                views[index].stage = max(views[index].stage, promotion.stage)
                continue
            }
            views.append(
                AvailableView(
                    package: try package(promotion.package), name: record.name, owner: record.owner,
                    stage: promotion.stage, promotedAt: promotion.time, promotedBy: promotion.by))
        }
        return views
    }

    /// Deployments, the newest first, those that have ended among them.
    public func deployments(owner: String?) async throws(HostError) -> [DeploymentView] {
        let all = try reading { try PromotionStore.deployments(onlyInForce: false, in: $0) }
        var views: [DeploymentView] = []
        for deployment in all where owner == nil || deployment.owner == owner {
            views.append(try await view(of: deployment))
        }
        return views
    }

    /// One deployment.
    public func deployment(_ id: String) async throws(HostError) -> DeploymentView {
        try await view(of: try findDeployment(id))
    }

    /// The strategy that a package is of.
    public func strategy(ofPackage hash: String) async throws(HostError) -> String {
        try package(named: hash).strategy
    }

    /// Starts a package on an account.
    public func deploy(
        _ request: DeployRequest, by user: String
    ) async throws(HostError) -> DeploymentView {
        let package = try package(named: request.package)
        let (record, version) = try find(package.strategy, package.version)
        guard let account = try await floor({ floor throws(HostError) in floor.accounts[request.account] })
        else {
            throw .invalid(
                FieldFailure(field: "account", reason: "there is no account \"\(request.account)\""))
        }
        let needed = PromotionRule.stageToDeploy(on: account)
        let promotions = try reading { try PromotionStore.promotions(of: record.id, in: $0) }
        guard promotions.contains(where: { $0.isInForce && $0.package == package.hash && $0.stage >= needed })
        else {
            throw .conflict(
                "\(package.short) is not promoted to \(needed.rawValue), and account \(account.id) takes nothing else"
            )
        }
        if let words = try difference(inRuntimeOf: package, record) {
            throw .conflict("what it runs in is not what was promoted: \(words); promote it again")
        }
        let target = request.isBeside ? try await copy(record, version, by: user) : record.id
        do throws(HostError) {
            return try await run(package, as: target, request, owner: record.owner, by: user)
        } catch {
            // A copy that never ran is of no use to anybody.
            if target != record.id { try await delete(target, by: user) }
            throw error
        }
    }

    /// Stops what a deployment runs, and ends it.
    public func endDeployment(
        _ id: String, orders: OrdersAtEnd?, by user: String
    ) async throws(HostError) -> DeploymentView {
        let deployment = try findDeployment(id)
        guard deployment.endedAt == nil else { throw .conflict("deployment \(id) has ended already") }
        do throws(HostError) {
            _ = try await stop(deployment.runsAs, orders: orders, by: user)
        } catch {
            switch error {
            // There is nothing to stop, or nobody left who could be stopped.
            case .notRunning, .notFound: break
            case .conflict, .invalid, .refused, .denied, .tooLarge, .unavailable: throw error
            }
        }
        try await end(deployment, by: user)
        audit(user, "deployment.end", deployment.runsAs, "deployment \(deployment.id)")
        return try await self.deployment(id)
    }

    // MARK: - Inside

    private func run(
        _ package: PromotionPackage, as target: String, _ request: DeployRequest, owner: String,
        by user: String
    ) async throws(HostError) -> DeploymentView {
        let inForce = try reading { try PromotionStore.deployments(onlyInForce: true, in: $0) }
        if let other = inForce.first(where: { $0.runsAs == target }) {
            throw .conflict(
                "\(target) is deployed on account \(other.account) already; end deployment \(other.id), or deploy "
                    + "this one beside it")
        }
        let options = StartOptions(
            feed: request.feed, account: request.account, parameters: package.parameters,
            capital: request.capital, version: package.version)
        let (record, version) = try find(target, package.version)
        let plan = try await floor { floor throws(HostError) in
            try floor.plan(record, version: version, options: options)
        }.plan
        let wanted = Deployment(
            package: package.hash, strategy: package.strategy, runsAs: target, owner: owner,
            account: plan.account, feed: plan.feed, capital: plan.capital,
            time: Timestamp(milliseconds: WallClock.milliseconds), by: user)
        let deployment = try await writing { try PromotionStore.add(wanted, in: $0) }
        do throws(HostError) {
            try await floor { floor throws(HostError) in
                try floor.teach(target, package.state)
            }
            _ = try await start(target, options: options, by: user)
        } catch {
            try await end(deployment, by: user)
            throw error
        }
        audit(
            user, "deployment.start", target,
            "deployment \(deployment.id): \(package.short) of \(package.strategy) on account \(plan.account) with "
                + "\(plan.capital)")
        try await showStanding(of: package, by: user)
        return try await view(of: deployment)
    }

    private func end(_ deployment: Deployment, by user: String) async throws(HostError) {
        let now = Timestamp(milliseconds: WallClock.milliseconds)
        try await writing { try PromotionStore.endDeployment(deployment.id, by: user, at: now, in: $0) }
        try await showStanding(of: try package(deployment.package), by: user)
    }

    private func findDeployment(_ id: String) throws(HostError) -> Deployment {
        let found = try reading { database in
            try PromotionStore.deployments(onlyInForce: false, in: database).first { String($0.id) == id }
        }
        guard let found else { throw .notFound(kind: "deployment", id: id) }
        return found
    }

    private func view(of deployment: Deployment) async throws(HostError) -> DeploymentView {
        let status = try await floor { floor throws(HostError) in
            floor.strategies[deployment.runsAs].map { floor.status(of: $0) }
        }
        return DeploymentView(
            deployment: deployment, version: try package(deployment.package).version, status: status)
    }

    /// A package by its hash, or by enough of its beginning.
    private func package(named text: String) throws(HostError) -> PromotionPackage {
        guard (12...64).contains(text.utf8.count), text.utf8.allSatisfy(Self.isHexadecimal) else {
            throw .invalid(
                FieldFailure(
                    field: "package", reason: "must be a package's hash, or its first 12 digits or more"))
        }
        let hashes = try reading { try PromotionStore.packages(beginning: text, in: $0) }
        guard let hash = hashes.first else { throw .notFound(kind: "package", id: text) }
        guard hashes.count == 1 else {
            throw .invalid(FieldFailure(field: "package", reason: "begins like several; say more of it"))
        }
        return try package(hash)
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }

    /// A strategy of its own with the same files, so that one version can run beside another.
    private func copy(
        _ record: StrategyRecord, _ version: VersionRecord, by user: String
    ) async throws(HostError) -> String {
        let taken = try reading { try StrategyStore.list(owner: record.owner, in: $0) }.map(\.name)
        var number = 2
        while taken.contains("\(record.name) #\(number)") { number += 1 }
        let name = "\(record.name) #\(number)"
        let id = StrategyStore.makeID(name: name)
        do {
            guard
                let bundle = try BundleStorage.load(
                    version.version, below: "\(folders.strategies)/\(record.id)")
            else {
                throw HostError.conflict("the files of version \(version.version) are not what was uploaded")
            }
            _ = try BundleStorage.install(
                bundle, below: "\(folders.strategies)/\(id)",
                program: version.kind == .native ? version.entry : nil)
        } catch let error as HostError {
            throw error
        } catch {
            throw .unavailable("the bundle could not be copied: \(error)")
        }
        try await writing { database in
            try StrategyStore.add(id: id, owner: record.owner, name: name, version: version, in: database)
        }
        audit(user, "strategy.copy", id, "version \(version.version) of \(record.id)")
        return try await known(id).id
    }
}

extension Floor {
    /// Gives a strategy that is not running what its package has learnt.
    fileprivate func teach(_ id: String, _ state: JSONValue) throws(HostError) {
        guard state != .null else { return }
        let strategy = try find(id)
        guard !strategy.isLive else {
            throw .conflict("the strategy is \(strategy.state.rawValue); stop it first")
        }
        strategy.savedState = state
        around.store.save(state: state, of: id, at: now)
    }
}

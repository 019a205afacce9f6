internal import Catalogue
internal import Journal
internal import Posix
internal import Trading
internal import Wire

/// Strategies as bundles: taking in, looking at, removing.
extension Host {
    /// The owner of a strategy. Cheap: it is asked before every call about one strategy.
    public func owner(of strategy: String) async throws(HostError) -> String {
        try await floor { floor throws(HostError) in try floor.find(strategy).owner }
    }

    /// Strategies in the order of their creation, newest first.
    public func strategies(owner: String?, page: PageRequest) async throws(HostError) -> Page<StrategyView> {
        let views = try await floor { floor throws(HostError) in
            floor.strategies.values.filter { owner == nil || $0.owner == owner }
                .sorted { ($0.createdAt, $0.id) > ($1.createdAt, $1.id) }.map { floor.view(of: $0) }
        }
        let start = page.after.flatMap { after in views.firstIndex { $0.id == after }.map { $0 + 1 } } ?? 0
        return page.cut(Array(views[start...].prefix(page.limit + 1)), cursor: \.id)
    }

    /// One strategy with its versions, warnings and status.
    public func strategy(_ id: String) async throws(HostError) -> StrategyView {
        try await floor { floor throws(HostError) in floor.view(of: try floor.find(id)) }
    }

    /// Checks a bundle and keeps nothing of it.
    public func validate(_ upload: BundleUpload) async throws(HostError) -> ValidationReport {
        try await admission.validate(upload)
    }

    /// Takes in a new strategy, owned by `by`.
    public func upload(_ upload: BundleUpload, by owner: String) async throws(HostError) -> StrategyView {
        let admitted = try await admit(upload)
        return try await add(admitted, named: upload.name ?? admitted.inspection.config.name, by: owner)
    }

    private func add(
        _ admitted: Admission.Admitted, named given: String?, by owner: String
    ) async throws(HostError) -> StrategyView {
        let name = given ?? "strategy"
        let id = StrategyStore.makeID(name: name)
        let version = try install(admitted, strategy: id, by: owner)
        try await writing { database in
            try StrategyStore.add(id: id, owner: owner, name: name, version: version, in: database)
        }
        audit(owner, "strategy.upload", id, "version \(version.version)")
        return try await known(id)
    }

    /// Takes in a new version of a strategy. A run keeps the version it was started with.
    public func uploadVersion(
        _ upload: BundleUpload, of strategy: String, by user: String
    ) async throws(HostError) -> StrategyView {
        _ = try await owner(of: strategy)
        return try await addVersion(try await admit(upload), of: strategy, by: user)
    }

    private func addVersion(
        _ admitted: Admission.Admitted, of strategy: String, by user: String
    ) async throws(HostError) -> StrategyView {
        let version = try install(admitted, strategy: strategy, by: user)
        try await writing { database in
            try StrategyStore.addVersion(version, to: strategy, in: database)
        }
        audit(user, "strategy.version", strategy, "version \(version.version)")
        return try await known(strategy)
    }

    /// Takes in a strategy as a new one, as a new version of the user's own of the same name, or not at all when it has
    /// exactly these files already.
    public func takeIn(_ upload: BundleUpload, by owner: String) async throws(HostError) -> TakenIn {
        let admitted = try await admit(upload)
        let name = upload.name ?? admitted.inspection.config.name ?? "strategy"
        let own = try reading { try StrategyStore.list(owner: owner, in: $0) }
        guard let known = own.first(where: { $0.name.lowercased() == name.lowercased() }) else {
            let made = try await add(admitted, named: name, by: owner)
            return TakenIn(strategy: made.id, version: made.versions[0].version, isNew: true)
        }
        let version = admitted.bundle.version
        if known.version(version) != nil {
            return TakenIn(strategy: known.id, version: version, isNew: false)
        }
        _ = try await addVersion(admitted, of: known.id, by: owner)
        return TakenIn(strategy: known.id, version: version, isNew: true)
    }

    /// Removes a strategy; a conflict while it runs or anything of it is open.
    public func delete(_ strategy: String, by user: String) async throws(HostError) {
        try await floor { floor throws(HostError) in try floor.prepareToDelete(strategy) }
        let now = Timestamp(milliseconds: WallClock.milliseconds)
        do throws(HostError) {
            try await writing { try StrategyStore.delete(strategy, at: now, in: $0) }
        } catch {
            try await floor { floor throws(HostError) in floor.keepAfterAll(strategy) }
            throw error
        }
        try await floor { floor throws(HostError) in floor.forget(strategy) }
        audit(user, "strategy.delete", strategy, "")
        do {
            try BundleStorage.remove(nil, below: "\(folders.strategies)/\(strategy)")
        } catch {
            log.warning(
                "files of a deleted strategy stay behind", ["strategy": strategy, "reason": "\(error)"])
        }
    }

    /// The files of a version as text, for whoever may see the strategy; nil takes the newest version. Files that are
    /// no text have none.
    public func source(
        of strategy: String, version: String?
    ) async throws(HostError) -> [SourceFileView] {
        guard let record = try reading({ try StrategyStore.get(strategy, in: $0) }) else {
            throw .notFound(kind: "strategy", id: strategy)
        }
        guard let version = record.version(version) else {
            throw .notFound(kind: "version", id: version ?? "")
        }
        let bundle: StrategyBundle?
        do {
            bundle = try BundleStorage.load(version.version, below: "\(folders.strategies)/\(strategy)")
        } catch {
            throw .unavailable("the files could not be read: \(error)")
        }
        guard let bundle else {
            throw .conflict("the files of version \(version.version) are not what was uploaded")
        }
        return bundle.files.map { file in
            let text = file.content.contains(0) ? nil : String(validating: file.content, as: UTF8.self)
            return SourceFileView(path: file.path, size: file.content.count, text: text)
        }
    }

    // MARK: - Inside

    private func admit(_ upload: BundleUpload) async throws(HostError) -> Admission.Admitted {
        do throws(Admission.Refusal) {
            return try await admission.admit(upload)
        } catch {
            throw error.error
        }
    }

    private func install(
        _ admitted: Admission.Admitted, strategy: String, by user: String
    ) throws(HostError) -> VersionRecord {
        let config = admitted.inspection.config
        do {
            _ = try BundleStorage.install(
                admitted.bundle, below: "\(folders.strategies)/\(strategy)",
                program: config.kind == .native ? config.entry : nil)
        } catch {
            throw .unavailable(
                error.isDiskFull ? "the disk is full: \(error)" : "the bundle could not be stored: \(error)")
        }
        return VersionRecord(
            bundle: admitted.bundle, inspection: admitted.inspection,
            uploadedAt: Timestamp(milliseconds: WallClock.milliseconds), uploadedBy: user)
    }

    /// Puts on the floor what the catalogue has of a strategy, and shows it.
    func known(_ id: String) async throws(HostError) -> StrategyView {
        guard let record = try reading({ try StrategyStore.get(id, in: $0) }) else {
            throw .notFound(kind: "strategy", id: id)
        }
        return try await floor { floor throws(HostError) in
            do {
                return floor.view(of: try floor.know(record))
            } catch {
                throw .unavailable("the strategy was stored but cannot be shown: \(error)")
            }
        }
    }

    /// Writes durably into the journal's database.
    func writing<Result: Sendable>(
        _ operation: @escaping @Sendable (Database) throws -> Result
    ) async throws(HostError) -> Result {
        do {
            return try await journal.write(operation)
        } catch {
            switch error {
            case .operation(let failure as StrategyStoreFailure): throw .conflict(failure.description)
            case .operation, .database, .overloaded, .closed:
                throw .unavailable("it could not be written: \(error)")
            }
        }
    }

    /// Reads the journal's database.
    func reading<Result: Sendable>(
        _ body: @Sendable (Database) throws -> Result
    ) throws(HostError) -> Result {
        do {
            return try readers.read(body)
        } catch {
            throw .unavailable("it could not be read: \(error)")
        }
    }
}

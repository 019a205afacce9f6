internal import CConfine
internal import Glibc
public import Posix
internal import Synchronization

/// Starts strategies behind the walls of their profiles.
public final class ConfinedLauncher: Sendable {
    /// Where things are, and which ids to give out.
    public struct Configuration: Sendable {
        /// The launcher program, `libexec/bullpen/confine`.
        public var launcher: String
        /// The folder of runtimes, each with its tree in `<name>/root`.
        public var runtimes: String
        /// The SDK's folder; nil when no profile shows it.
        public var sdk: String?
        /// Tells hosts of one machine apart in its control groups. Letters, digits and hyphens.
        public var groupName: String
        /// User ids for strategies when the host is root. No account of the machine may have one of them.
        public var userIDs: ClosedRange<UInt32>
        /// What stands in for control groups where there are none, for profiles that do not say.
        public var withoutControlGroups: WithoutGroups
        /// How long the walls may take.
        public var deadline: Duration
        /// The library of the nurseries, `libexec/bullpen/nursery.so`, with their `watcher` beside it; nil when every
        /// strategy is started cold.
        public var nurseryLibrary: String?
        /// The folder that bundles lie in. A bundle elsewhere is started cold when the host is an ordinary user.
        public var bundles: String?
        /// How nurseries are used.
        public var nurseries: NurserySettings
        /// Told what becomes of nurseries, on the spawner's thread.
        public var report: @Sendable (_ isFault: Bool, _ words: String) -> Void

        /// Describes an installation.
        public init(
            launcher: String, runtimes: String, sdk: String?, groupName: String,
            userIDs: ClosedRange<UInt32> = ConfinedLauncher.defaultUserIDs,
            withoutControlGroups: WithoutGroups = .refuse,
            deadline: Duration = .seconds(10),
            nurseryLibrary: String? = nil, bundles: String? = nil,
            nurseries: NurserySettings = NurserySettings(),
            report: @escaping @Sendable (_ isFault: Bool, _ words: String) -> Void = { _, _ in }
        ) {
            self.nurseryLibrary = nurseryLibrary
            self.bundles = bundles
            self.nurseries = nurseries
            self.report = report
            self.launcher = launcher
            self.runtimes = runtimes
            self.sdk = sdk
            self.groupName = groupName
            self.userIDs = userIDs
            self.withoutControlGroups = withoutControlGroups
            self.deadline = deadline
        }
    }

    /// User ids for strategies when the host is root.
    public static let defaultUserIDs: ClosedRange<UInt32> = 50_000...59_999

    /// A name for a host's control groups that follows from its data folder, so that the next host on the same folder
    /// finds what a crashed one has left.
    public static func groupName(data folder: String) -> String {
        let sum = unsafe confine_checksum(Array(folder.utf8), folder.utf8.count)
        return String(sum, radix: 16)
    }

    /// What this kernel can do.
    public let report: KernelReport
    let configuration: Configuration
    let spawner: Spawner
    let groups: ControlGroups
    let users: UserAllocator
    /// The namespace of ids that were lent to an ordinary user's host.
    let lentUsers: LentUsers?
    /// Whose user ids strategies have.
    public let userIDs: UserIDs
    let nurseries: NurseryPool
    private let networks: SpareNetwork

    /// Looks at the kernel, and takes away what a crashed host of the same name has left.
    public init(
        configuration: Configuration, spawner: Spawner, mounts: [ControlGroupMount]? = nil
    ) {
        self.configuration = configuration
        self.spawner = spawner
        groups = ControlGroups(name: configuration.groupName, mounts: mounts)
        report = KernelReport.probe(groups: groups.survey)
        (userIDs, lentUsers) = UserIDs.find(launcher: configuration.launcher, own: configuration.userIDs)
        // Two hosts of one user would begin with the same id, if they began with the first.
        let range = lentUsers?.inner ?? configuration.userIDs
        let name = Array(configuration.groupName.utf8)
        users = UserAllocator(
            range: range, offset: lentUsers == nil ? 0 : unsafe confine_checksum(name, name.count))
        networks = SpareNetwork(spawner: spawner, isWanted: report.isRoot && lentUsers == nil)
        let maker = NurseryMaker(
            configuration: configuration, groups: groups, users: users, lentUsers: lentUsers,
            spawner: spawner, report: report)
        nurseries = NurseryPool(
            spawner: spawner, settings: configuration.nurseries,
            start: { profile, number throws(LaunchFailure) in try maker.start(profile, number) },
            remove: { maker.remove($0) }, report: configuration.report)
    }

    /// Lets this process go before its strategies on the processors, where control groups can be had. For a host that
    /// trades: prices and orders are not to wait for a strategy that computes.
    public func putHostFirst() throws(SystemCallError) { try groups.putHostFirst() }

    /// Says that heavy work of this process begins, as 1, or ends, as -1. Meanwhile it shares the processors with its
    /// strategies as an equal.
    public func heavyWork(_ delta: Int) { groups.heavyWork(delta) }

    /// Ends the nurseries and takes the host's control groups away. For a host that ends in good order, with no
    /// strategy left. Not for the spawner's thread.
    public func close() {
        // Without descriptors for a pipe it cannot be waited for; the groups are cleared all the same.
        try? spawner.performAndWait { [nurseries, networks] in
            nurseries.close()
            networks.close()
        }
        groups.remove()
    }

    /// Makes what is kept ready for the next start now, and not at leisure: for measurements and tests, which must know
    /// when. Not for the spawner's thread.
    public func prepare() throws(SystemCallError) {
        try spawner.performAndWait { [self] in
            networks.make()
            makeAllReady()
        }
    }

    /// The process ids of what nurseries have made ahead. Not for the spawner's thread.
    public func readyProcesses() throws(SystemCallError) -> [Int32] {
        let pids = Mutex<[Int32]>([])
        try spawner.performAndWait { [nurseries] in pids.withLock { $0 = nurseries.readyPids } }
        return pids.withLock { $0 }
    }

    /// The process ids of the nurseries that take requests. Not for the spawner's thread.
    public func nurseryProcesses() throws(SystemCallError) -> [Int32] {
        let pids = Mutex<[Int32]>([])
        try spawner.performAndWait { [nurseries] in pids.withLock { $0 = nurseries.pids } }
        return pids.withLock { $0 }
    }

    /// Starts a strategy.
    ///
    /// - Parameter completion: Called on the spawner's thread with the running strategy, or the reason why there is
    ///   none.
    public func launch(
        _ request: LaunchRequest,
        _ completion: @escaping @Sendable (Result<ConfinedChild, LaunchFailure>) -> Void
    ) {
        let asked = MonotonicClock.nanoseconds
        spawner.perform { [self] in
            guard canStartWarm(request) else {
                return completion(result(of: request, asked, from: nil))
            }
            nurseries.withNursery(for: request.profile) { [self] nursery in
                completion(result(of: request, asked, from: nursery))
                if nursery != nil { keepReady(request.profile) }
            }
        }
    }

    /// Checks, without starting anything, whether a profile can be used on this machine.
    public func check(_ profile: Profile) throws(LaunchFailure) {
        if let row = report.missing(profile.required.subtracting(replaced(for: profile))).first {
            throw LaunchFailure(
                code: .layerMissing, step: row.layer.rawValue,
                reason:
                    "profile \(profile.name) requires it (\(row.layer.purpose)), and this machine does not give "
                    + "it: \(row.finding). What to do: \(row.remedy)")
        }
        if profile.required.contains(.landlock), report.landlockVersion < profile.landlockAtLeast {
            throw LaunchFailure(
                code: .layerMissing, step: Layer.landlock.rawValue,
                reason:
                    "profile \(profile.name) requires version \(profile.landlockAtLeast), this kernel has "
                    + "\(report.landlockVersion). What to do: use a newer kernel")
        }
        guard Files.isFolder(root(of: profile)) else {
            throw LaunchFailure(
                code: .runtimeMissing, step: "runtime",
                reason: "the runtime \"\(profile.runtime)\" is not installed. What to do: "
                    + "bullpen runtime install \(profile.runtime)")
        }
    }

    /// How a profile's limits are kept on this machine.
    public func enforcement(of profile: Profile) -> Enforcement {
        Enforcement(report: report, replaced: replaced(for: profile), users: userIDs)
    }

    /// The limits that ``WithoutGroups`` replaces for a profile on this machine.
    func replaced(for profile: Profile) -> Set<Layer> {
        report.replaced(for: profile, configuration.withoutControlGroups)
    }

    // MARK: - On the spawner's thread

    private func root(of profile: Profile) -> String { configuration.root(of: profile) }

    /// Whether there is anything to be gained by asking for a nursery.
    private func canStartWarm(_ request: LaunchRequest) -> Bool {
        guard configuration.nurseryLibrary != nil, !request.isColdStart,
            !request.isRecorded,
            request.profile.nursery != nil,
            // An interpreter and its packages read much of that once, when they start.
            request.environment.isEmpty
        else { return false }
        // What fails here fails as a cold start does.
        return (try? check(request.profile)) != nil
    }

    private func result(
        of request: LaunchRequest, _ asked: UInt64, from nursery: Nursery?
    ) -> Result<ConfinedChild, LaunchFailure> {
        do throws(LaunchFailure) {
            let child = try start(request, from: nursery)
            child.startDuration = .nanoseconds(Int64(MonotonicClock.nanoseconds - asked))
            return .success(child)
        } catch {
            return .failure(error)
        }
    }

    private func start(
        _ request: LaunchRequest, from nursery: Nursery?
    ) throws(LaunchFailure) -> ConfinedChild {
        try check(request.profile)
        try checkReadable("bundle", request.bundle)
        if let sdk = configuration.sdk { try checkReadable("sdk", sdk) }
        if let nursery, let child = startReady(request, from: nursery) { return child }
        let user = try takeUser()
        let group: ChildGroup
        do throws(LaunchFailure) {
            group = try makeGroup(for: request)
        } catch {
            giveBack(user)
            throw error
        }
        do throws(LaunchFailure) {
            if let nursery, let child = startWarm(request, as: user, in: group, from: nursery) {
                return child
            }
            return try start(request, as: user, in: group)
        } catch {
            group.killAndRemove()
            giveBack(user)
            throw error
        }
    }

    func makeGroup(for request: LaunchRequest) throws(LaunchFailure) -> ChildGroup {
        do throws(SystemCallError) {
            return try groups.makeGroup(
                run: request.run, memoryBytes: memoryBytes(of: request), cpuShare: cpuShare(of: request),
                processes: request.profile.limits.processes)
        } catch {
            throw LaunchFailure("control group", error)
        }
    }

    /// Starts a strategy from a nursery. Nil when that fails; the cold start that follows tells why, if it fails too.
    private func startWarm(
        _ request: LaunchRequest, as user: PlanCompiler.User, in group: ChildGroup, from nursery: Nursery
    ) -> ConfinedChild? {
        guard let bundle = nurseryBundle(of: request, nursery) else { return nil }
        do throws(LaunchFailure) {
            let view = request.profile.views.first { $0.source == .bundle }
            var handedOver: (String, UInt64)?
            if let view, case .handedOver = bundle {
                handedOver = (request.bundle, PlanCompiler.attributes(of: view))
            }
            let compiler = try compiler(
                of: request, as: user, in: group, by: .warm(bundle: bundle), sharing: nursery.shared)
            let plan = try compiler.compile()
            let start: LauncherStart
            do throws(SystemCallError) {
                start = try .warm(
                    nursery: nursery, plan: plan, group: group, bundle: handedOver, lentUsers: lentUsers)
            } catch {
                throw LaunchFailure("start from nursery", error)
            }
            nursery.starts += 1
            let child = try confined(
                start, of: request, as: user, in: group, by: .warm, compiler.command[0],
                sharing: nursery.shared)
            nurseries.succeeded(request.profile)
            return child
        } catch {
            nurseries.failed(request.profile, error)
            return nil
        }
    }

    /// How a nursery comes by the bundle; nil when the bundle cannot be started there.
    func nurseryBundle(
        of request: LaunchRequest, _ nursery: Nursery
    ) -> PlanCompiler.NurseryBundle? {
        guard case .ready(let modules) = nursery.state else { return nil }
        // A module of the bundle's own would find another of its name there already.
        let folders = Set([request.bundle, Files.parent(of: request.bundle + "/" + request.entry)])
        for name in folders.flatMap({ Files.names(in: $0) }) {
            if let module = name.split(separator: ".").first, modules.contains(String(module)) { return nil }
        }
        if report.isRoot || lentUsers != nil { return .handedOver }
        guard let bundles = configuration.bundles, request.bundle.hasPrefix(bundles + "/"),
            let seen = PlanCompiler.bundleFolder(of: request.profile)
        else { return nil }
        return .seen(path: seen + request.bundle.dropFirst(bundles.count))
    }

    private func start(
        _ request: LaunchRequest, as user: PlanCompiler.User, in group: ChildGroup
    ) throws(LaunchFailure) -> ConfinedChild {
        var compiler = try compiler(of: request, as: user, in: group, by: .cold)
        var namespaces = (lentUsers?.namespace.number).map { [$0] } ?? []
        let network = networks.take()
        if let number = network?.number {
            compiler.joinedNetwork = UInt64(Int(CONFINE_FD_FREE) + group.folders.count + namespaces.count)
            namespaces.append(number)
        }
        let plan = try compiler.compile()
        let start: LauncherStart
        do throws(SystemCallError) {
            start = try .cold(
                launcher: configuration.launcher, plan: plan, group: group,
                namespaces: namespaces)
        } catch {
            throw LaunchFailure("start launcher", error)
        }
        // The launcher has a descriptor of its own by now.
        withExtendedLifetime(network) {}
        return try confined(start, of: request, as: user, in: group, by: .cold, compiler.command[0])
    }

    func compiler(
        of request: LaunchRequest, as user: PlanCompiler.User, in group: ChildGroup,
        by door: PlanCompiler.Door, sharing shared: SharedMemory = SharedMemory()
    ) throws(LaunchFailure) -> PlanCompiler {
        let filter = try request.isRecorded ? .hearingAll() : filter(of: request)
        return PlanCompiler(
            profile: request.profile, user: user, landlockVersion: report.landlockVersion,
            root: root(of: request.profile), sources: configuration.sources(bundle: request.bundle),
            filter: filter,
            command: try request.commandLine(), environment: request.wholeEnvironment(),
            groupCount: group.folders.count,
            joinedUsers: lentUsers == nil ? nil : UInt64(Int(CONFINE_FD_FREE) + group.folders.count),
            resourcesInsteadOfGroups: WithoutGroups.resources(
                insteadOf: replaced(for: request.profile),
                memoryBytes: memoryBytes(of: request) + shared.dataBytes,
                processes: request.profile.limits.processes, hasOwnUser: user.isMappedByRoot),
            door: door)
    }

    func filter(of request: LaunchRequest) throws(LaunchFailure) -> SystemCallFilter {
        try SystemCallFilter.compiled(for: request.profile.systemCalls)
    }

    private func confined(
        _ start: consuming LauncherStart, of request: LaunchRequest, as user: PlanCompiler.User,
        in group: ChildGroup, by door: ConfinedChild.Door, _ program: String,
        sharing shared: SharedMemory = SharedMemory()
    ) throws(LaunchFailure) -> ConfinedChild {
        // Before there is anything that a failure would have to take away.
        let filter = try filter(of: request)
        let started = try start.await(
            deadline: configuration.deadline, command: program, hearsAll: request.isRecorded,
            spawner: spawner)
        return child(of: started, request, as: user, in: group, by: door, filter, sharing: shared)
    }

    /// Answers for a strategy that runs from here on.
    func child(
        of started: consuming LauncherStart.Started, _ request: LaunchRequest, as user: PlanCompiler.User,
        in group: ChildGroup, by door: ConfinedChild.Door, _ filter: SystemCallFilter,
        sharing shared: SharedMemory = SharedMemory()
    ) -> ConfinedChild {
        let remains = Remains(
            strategy: started.strategy, watcher: started.watcher, group: group,
            user: user.isMappedByRoot ? user.uid : nil, users: users, spawner: spawner)
        group.note(enforcement(of: request.profile))
        group.watchForStall(on: spawner)
        let replaced = replaced(for: request.profile)
        if !replaced.isEmpty {
            group.supervise(
                Supervision(
                    strategy: started.strategy, watcher: started.watcher,
                    bounds: Supervision.Bounds(
                        memoryBytes: replaced.contains(.memoryLimit) ? memoryBytes(of: request) : nil,
                        cpuShare: replaced.contains(.cpuLimit) ? cpuShare(of: request) : nil,
                        processes: replaced.contains(.processLimit) ? request.profile.limits.processes : nil,
                        sharedBytes: shared.residentBytes)),
                on: spawner)
        }
        if request.isRecorded {
            return started.recordedChild(
                filter: filter, profile: request.profile, remains: remains, spawner: spawner)
        }
        return started.child(profile: request.profile, door: door, remains: remains, spawner: spawner)
    }

    func memoryBytes(of request: LaunchRequest) -> Int {
        request.memoryBytes ?? request.profile.limits.memoryBytes
    }

    func cpuShare(of request: LaunchRequest) -> Double {
        request.cpuShare ?? request.profile.limits.cpuShare
    }

    func takeUser() throws(LaunchFailure) -> PlanCompiler.User {
        guard report.isRoot || lentUsers != nil else {
            return PlanCompiler.User(uid: geteuid(), gid: getegid(), isMappedByRoot: false)
        }
        guard let id = users.take() else {
            throw LaunchFailure(
                code: .systemLimit, step: "user",
                reason: "all \(users.count) user ids for strategies are taken")
        }
        return PlanCompiler.User(uid: id, gid: id, isMappedByRoot: true)
    }

    func giveBack(_ user: PlanCompiler.User) {
        if user.isMappedByRoot { users.giveBack(user.uid) }
    }

    /// A folder that the strategy's own user may not read would show as a strange error of the interpreter.
    private func checkReadable(_ step: String, _ folder: String) throws(LaunchFailure) {
        let status: stat
        do throws(SystemCallError) { status = try Files.status(folder) } catch {
            throw LaunchFailure(code: .profileRefused, step: step, reason: error.description)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw LaunchFailure(code: .profileRefused, step: step, reason: "\(folder) is not a folder")
        }
        guard userIDs.areShared || status.st_mode & 0o005 == 0o005 else {
            throw LaunchFailure(
                code: .profileRefused, step: step,
                reason:
                    "\(folder) must be readable for others (mode 755): each strategy has a user id of its own"
            )
        }
    }
}

extension ConfinedLauncher.Configuration {
    /// The program of the nurseries' watchers.
    var watcher: String? { nurseryLibrary.map { Files.parent(of: $0) + "/watcher" } }

    /// The tree of a profile's runtime.
    func root(of profile: Profile) -> String { runtimes + "/" + profile.runtime + "/root" }

    /// The folders on this machine that profiles show.
    func sources(bundle: String?) -> [Profile.Source: String] {
        var sources: [Profile.Source: String] = [:]
        sources[.bundle] = bundle
        sources[.sdk] = sdk
        return sources
    }
}

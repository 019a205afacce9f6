internal import CConfine
internal import Glibc
public import Posix

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

        /// Describes an installation.
        public init(
            launcher: String, runtimes: String, sdk: String?, groupName: String,
            userIDs: ClosedRange<UInt32> = ConfinedLauncher.defaultUserIDs,
            withoutControlGroups: WithoutGroups = .refuse,
            deadline: Duration = .seconds(10)
        ) {
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
    private let configuration: Configuration
    private let spawner: Spawner
    private let groups: ControlGroups
    private let users: UserAllocator
    /// The namespace of ids that were lent to an ordinary user's host.
    private let lentUsers: LentUsers?
    /// Whose user ids strategies have.
    public let userIDs: UserIDs

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
    }

    /// Takes the host's control groups away. For a host that ends in good order, with no strategy left.
    public func close() {
        groups.remove()
    }

    /// Starts a strategy.
    ///
    /// - Parameter completion: Called on the spawner's thread with the running strategy, or the reason why there is
    ///   none.
    public func launch(
        _ request: LaunchRequest,
        _ completion: @escaping @Sendable (Result<ConfinedChild, LaunchFailure>) -> Void
    ) {
        spawner.perform { [self] in
            do throws(LaunchFailure) {
                completion(.success(try start(request)))
            } catch {
                completion(.failure(error))
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
    private func replaced(for profile: Profile) -> Set<Layer> {
        report.replaced(for: profile, configuration.withoutControlGroups)
    }

    // MARK: - On the spawner's thread

    private func root(of profile: Profile) -> String {
        configuration.runtimes + "/" + profile.runtime + "/root"
    }

    private func start(_ request: LaunchRequest) throws(LaunchFailure) -> ConfinedChild {
        try check(request.profile)
        try checkReadable("bundle", request.bundle)
        if let sdk = configuration.sdk { try checkReadable("sdk", sdk) }
        let user = try takeUser()
        let group: ChildGroup
        do throws(SystemCallError) {
            group = try groups.makeGroup(
                run: request.run, memoryBytes: request.memoryBytes ?? request.profile.limits.memoryBytes,
                cpuShare: request.cpuShare ?? request.profile.limits.cpuShare,
                processes: request.profile.limits.processes)
        } catch {
            giveBack(user)
            throw LaunchFailure("control group", error)
        }
        do throws(LaunchFailure) {
            return try start(request, as: user, in: group)
        } catch {
            group.killAndRemove()
            giveBack(user)
            throw error
        }
    }

    private func start(
        _ request: LaunchRequest, as user: PlanCompiler.User, in group: ChildGroup
    ) throws(LaunchFailure) -> ConfinedChild {
        var sources: [Profile.Source: String] = [.bundle: request.bundle]
        if let sdk = configuration.sdk { sources[.sdk] = sdk }
        let replaced = replaced(for: request.profile)
        let memoryBytes = request.memoryBytes ?? request.profile.limits.memoryBytes
        let filter = try SystemCallFilter.compiled(for: request.profile.systemCalls)
        let compiler = PlanCompiler(
            profile: request.profile, user: user, landlockVersion: report.landlockVersion,
            root: root(of: request.profile), sources: sources,
            filter: request.isRecorded ? try SystemCallFilter.hearingAll() : filter,
            command: try request.commandLine(), environment: request.wholeEnvironment(),
            groupCount: group.folders.count,
            joinedUsers: lentUsers == nil ? nil : UInt64(Int(CONFINE_FD_FREE) + group.folders.count),
            resourcesInsteadOfGroups: WithoutGroups.resources(
                insteadOf: replaced, memoryBytes: memoryBytes, processes: request.profile.limits.processes,
                hasOwnUser: user.isMappedByRoot))
        let plan = try compiler.compile()
        let start: LauncherStart
        do throws(SystemCallError) {
            start = try LauncherStart(
                launcher: configuration.launcher, plan: plan, group: group,
                users: lentUsers?.namespace.number)
        } catch {
            throw LaunchFailure("start launcher", error)
        }
        let started = try start.await(
            deadline: configuration.deadline, command: compiler.command[0], hearsAll: request.isRecorded)
        let remains = Remains(
            strategy: started.strategy, watcher: started.watcher, group: group,
            user: user.isMappedByRoot ? user.uid : nil, users: users)
        group.note(enforcement(of: request.profile))
        if !replaced.isEmpty {
            group.supervise(
                Supervision(
                    strategy: started.strategy, watcher: started.watcher,
                    bounds: Supervision.Bounds(
                        memoryBytes: replaced.contains(.memoryLimit) ? memoryBytes : nil,
                        cpuShare: replaced.contains(.cpuLimit)
                            ? request.cpuShare ?? request.profile.limits.cpuShare : nil,
                        processes: replaced.contains(.processLimit) ? request.profile.limits.processes : nil)),
                on: spawner)
        }
        if request.isRecorded {
            return started.recordedChild(
                filter: filter, profile: request.profile, remains: remains, spawner: spawner)
        }
        return started.child(profile: request.profile, remains: remains, spawner: spawner)
    }

    private func takeUser() throws(LaunchFailure) -> PlanCompiler.User {
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

    private func giveBack(_ user: PlanCompiler.User) {
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

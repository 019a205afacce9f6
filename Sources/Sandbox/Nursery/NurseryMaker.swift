internal import CConfine
internal import Glibc
internal import Posix

/// Starts nurseries and takes away what they leave. It belongs to the spawner's thread.
final class NurseryMaker: Sendable {
    private let configuration: ConfinedLauncher.Configuration
    private let groups: ControlGroups
    private let users: UserAllocator
    private let spawner: Spawner
    private let report: KernelReport
    private let lentUsers: LentUsers?

    /// Beside the strategies' own memory, which is counted where it is made: what the packages take once.
    private static let leastMemory = 1 << 30

    init(
        configuration: ConfinedLauncher.Configuration, groups: ControlGroups, users: UserAllocator,
        lentUsers: LentUsers?, spawner: Spawner, report: KernelReport
    ) {
        self.lentUsers = lentUsers
        self.configuration = configuration
        self.groups = groups
        self.users = users
        self.spawner = spawner
        self.report = report
    }

    /// Starts a nursery, which is loading then.
    func start(_ profile: Profile, _ number: Int) throws(LaunchFailure) -> Nursery {
        var id: UInt32?
        if report.isRoot || lentUsers != nil {
            id = users.take()
            if id == nil {
                throw LaunchFailure(code: .systemLimit, step: "user", reason: "all user ids are taken")
            }
        }
        do throws(LaunchFailure) {
            return try start(profile, number, as: id)
        } catch {
            if let id { users.giveBack(id) }
            throw error
        }
    }

    /// Takes away the group and the user id of a nursery that has ended.
    func remove(_ nursery: Nursery) {
        if let id = nursery.user { users.giveBack(id) }
        nursery.group.killAndRemove()
    }

    private func start(_ profile: Profile, _ number: Int, as id: UInt32?) throws(LaunchFailure) -> Nursery {
        let group: ChildGroup
        do throws(SystemCallError) {
            group = try groups.makeGroup(
                run: "nursery-\(number)", memoryBytes: max(profile.limits.memoryBytes, Self.leastMemory),
                cpuShare: 1, processes: 16)
        } catch {
            throw LaunchFailure("control group", error)
        }
        do throws(LaunchFailure) {
            return try .start(
                launcher: configuration.launcher, watcher: configuration.watcher ?? "",
                plan: try plan(profile, as: id, in: group), group: group, deadline: configuration.deadline,
                user: id, lentUsers: lentUsers, spawner: spawner)
        } catch {
            group.killAndRemove()
            throw error
        }
    }

    private func plan(
        _ profile: Profile, as id: UInt32?, in group: ChildGroup
    ) throws(LaunchFailure) -> [UInt8] {
        guard let library = configuration.nurseryLibrary, let nursery = profile.nursery,
            let sdk = profile.views.first(where: { $0.source == .sdk }),
            let script = profile.command.firstIndex(where: { $0.hasSuffix(".py") })
        else {
            throw LaunchFailure(
                code: .profileRefused, step: "nursery", reason: "its profile shows no SDK or runs no script")
        }
        let user = PlanCompiler.User(
            uid: id ?? geteuid(), gid: id ?? getegid(), isMappedByRoot: id != nil)
        let places = PlanCompiler.NurseryPlaces(
            library: Files.parent(of: library), bundles: id == nil ? configuration.bundles : nil)
        let name = library.split(separator: "/").last.map(String.init) ?? ""
        let compiler = PlanCompiler(
            profile: profile, user: user, landlockVersion: 0, root: configuration.root(of: profile),
            sources: configuration.sources(bundle: nil),
            filter: try SystemCallFilter.compiled(for: profile.systemCalls),
            command: profile.command[..<script] + [
                sdk.path + "/nursery.py", PlanCompiler.libraryFolder(of: profile) + "/" + name,
                profile.command[script],
            ] + nursery.preloaded,
            environment: LaunchRequest(strategy: "", run: "", profile: profile, bundle: "")
                .wholeEnvironment(),
            groupCount: group.folders.count,
            joinedUsers: lentUsers.map { _ in UInt64(Int(CONFINE_FD_PROGRAM) + 1 + group.folders.count) })
        let range = lentUsers?.inner ?? configuration.userIDs
        let ids =
            id == nil
            ? (first: geteuid(), count: 1) : (first: range.lowerBound, count: UInt32(range.count))
        return try compiler.compileNursery(
            places, ids: ids, filter: try NurseryFilter.program(for: profile.systemCalls))
    }
}

internal import CConfine
internal import Glibc

/// Turns a profile and one request into a plan. All decisions about walls are taken here.
struct PlanCompiler {
    /// The user that the strategy is, outside and inside.
    struct User: Hashable, Sendable {
        /// Outside: an id of its own when the host is root or was lent ids, the host's id else. Never 0. Of lent ids it is
        /// the id in the namespace that holds them.
        let uid: UInt32
        let gid: UInt32
        /// Whether the launcher has a root's rights before it enters, which decides who may do what at which moment: the
        /// host is root, or the launcher stands in the namespace of lent ids.
        let isMappedByRoot: Bool
        /// What it is inside.
        static let inner: UInt64 = 1000
    }

    let profile: Profile
    let user: User
    let landlockVersion: Int
    /// The runtime's tree.
    let root: String
    /// Folders on this machine, by what they show.
    let sources: [Profile.Source: String]
    let filter: SystemCallFilter
    let command: [String]
    let environment: [String]
    /// How many control groups are to be joined.
    let groupCount: Int
    /// The descriptor of the user namespace whose ids the strategy's is one of; nil for the host's own.
    var joinedUsers: UInt64?
    /// Where the launcher finds the network namespace that was made for the strategy; nil for one made with the others.
    var joinedNetwork: UInt64?
    /// Resource limits for what no control group keeps.
    var resourcesInsteadOfGroups: [(resource: Int32, value: UInt64)] = []
    /// How the strategy is made.
    var door = Door.cold

    /// Where the plan is carried out, and so where the trees come from.
    enum Door: Sendable {
        /// In the launcher program, which sees this machine's folders.
        case cold
        /// In a nursery, which stands in the runtime's tree and has the SDK where its profile shows it.
        case warm(bundle: NurseryBundle)
    }

    /// How a nursery comes by a bundle.
    enum NurseryBundle: Hashable, Sendable {
        /// The host, being root, opens its tree and hands it over.
        case handedOver
        /// The nursery sees it, at this path.
        case seen(path: String)
        /// It is not known yet, and the strategy's process waits for it.
        case awaited
    }

    // MOUNT_ATTR_*
    static let viewAttributes: UInt64 = 0x1 | 0x2 | 0x4  // read-only, nosuid, nodev
    private static let noExecution: UInt64 = 0x8

    /// The plan.
    func compile() throws(LaunchFailure) -> [UInt8] {
        var plan = Plan()
        addGroups(to: &plan, from: UInt64(CONFINE_FD_FREE))
        switch door {
        case .cold:
            if let number = joinedUsers { plan.add(CONFINE_JOIN_USERS, .number(number)) }
            if let number = joinedNetwork { plan.add(CONFINE_JOIN_NETWORK, .number(number)) }
            // A root host copies the trees with all its rights, so that a folder that only root may enter is no
            // obstacle. An ordinary user may copy trees only inside, where it has the rights for that and still its
            // own files.
            if user.isMappedByRoot { try addTrees(to: &plan) }
            addEntering(to: &plan)
            if !user.isMappedByRoot { try addTrees(to: &plan) }
        case .warm(let bundle):
            addTrees(to: &plan, bundle)
            addEntering(to: &plan)
        }
        addRoot(to: &plan)
        plan.add(CONFINE_FORK)
        plan.add(CONFINE_SESSION)
        addLimits(to: &plan, limits)
        if isAwaitingBundle {
            for (slot, view) in slots where view.source == .bundle {
                plan.add(CONFINE_AWAIT_TREE, .number(slot))
                plan.add(CONFINE_ATTACH, .number(slot), .text(view.path))
            }
        }
        plan.add(CONFINE_DROP_CAPABILITIES)
        plan.add(CONFINE_NO_NEW_PRIVILEGES)
        if landlockVersion > 0 { addLandlock(to: &plan) }
        plan.add(CONFINE_FOLDER, .text(profile.writable.first?.path ?? "/"))
        plan.add(CONFINE_LISTEN, .blob(filter.listening))
        plan.add(CONFINE_CLOSE_DESCRIPTORS)
        plan.add(CONFINE_DIE_WITH_PARENT)
        plan.add(CONFINE_FILTER, .blob(filter.allowing))
        switch door {
        case .cold: plan.add(CONFINE_EXECUTE, .text(command[0]), .list(command), .list(environment))
        case .warm: plan.add(CONFINE_RETURN, .list(command), .list(environment))
        }
        return try Self.checked(plan)
    }

    /// The bytes of a plan that will be taken.
    static func checked(_ plan: Plan) throws(LaunchFailure) -> [UInt8] {
        let bytes = plan.bytes
        // What the launcher would refuse anyway is refused here, with nothing started.
        if let fault = Plan.fault(in: bytes) {
            throw LaunchFailure(code: .profileRefused, step: "compile plan", reason: fault)
        }
        return bytes
    }

    // MARK: - Chapters

    private var isAwaitingBundle: Bool {
        if case .warm(.awaited) = door { true } else { false }
    }

    /// The views, each with the slot of its tree. The root's is 0.
    private var slots: [(slot: UInt64, view: Profile.View)] {
        profile.views.enumerated().map { (UInt64($0.offset + 1), $0.element) }
    }

    func addGroups(to plan: inout Plan, from first: UInt64) {
        for index in 0..<groupCount { plan.add(CONFINE_JOIN_CGROUP, .number(first + UInt64(index))) }
    }

    func addLimits(to plan: inout Plan, _ limits: [(resource: Int32, value: UInt64)]) {
        for (resource, value) in limits {
            plan.add(CONFINE_RLIMIT, .number(UInt64(resource)), .number(value), .number(value))
        }
    }

    private func addTrees(to plan: inout Plan) throws(LaunchFailure) {
        plan.add(CONFINE_OPEN_TREE, .number(0), .number(Self.viewAttributes), .text(root))
        for (index, view) in profile.views.enumerated() {
            guard let source = sources[view.source] else {
                throw LaunchFailure(
                    code: .profileRefused, step: "open tree",
                    reason: "the host has no folder to show as \(view.source.rawValue)")
            }
            plan.add(
                CONFINE_OPEN_TREE, .number(UInt64(index + 1)), .number(Self.attributes(of: view)),
                .text(source))
        }
    }

    /// The same trees, from where a nursery has them. Of its root only the runtime: what else is mounted there is the
    /// nursery's own.
    private func addTrees(to plan: inout Plan, _ bundle: NurseryBundle) {
        plan.add(CONFINE_OPEN_MOUNT, .number(0), .number(Self.viewAttributes), .text("/"))
        for (slot, view) in slots {
            switch (view.source, bundle) {
            case (.bundle, .awaited): break
            case (.bundle, .handedOver):
                plan.add(
                    CONFINE_ADOPT_TREE, .number(slot),
                    .number(UInt64(CONFINE_FD_FREE) + UInt64(groupCount)))
            case (.bundle, .seen(let path)):
                plan.add(
                    CONFINE_OPEN_TREE, .number(slot), .number(Self.attributes(of: view)), .text(path))
            case (.sdk, _):
                plan.add(
                    CONFINE_OPEN_MOUNT, .number(slot), .number(Self.attributes(of: view)), .text(view.path))
            }
        }
    }

    /// How a view is mounted.
    static func attributes(of view: Profile.View) -> UInt64 {
        viewAttributes | (view.allowsExecution ? 0 : noExecution)
    }

    private func addEntering(to plan: inout Plan) {
        var namespaces: [Layer] = [
            .userNamespace, .mountNamespace, .pidNamespace, .ipcNamespace, .utsNamespace, .cgroupNamespace,
        ]
        // A nursery is in one that it leaves to its next strategy.
        if case .cold = door, joinedNetwork == nil { namespaces.append(.networkNamespace) }
        let flags = namespaces.reduce(0) { $0 | UInt64(UInt32(bitPattern: $1.namespaceFlag)) }
        let inner = User.inner
        plan.add(
            CONFINE_ENTER, .number(flags), .number(inner), .number(UInt64(user.uid)), .number(inner),
            .number(UInt64(user.gid)), .number(user.isMappedByRoot ? 0 : 1))
        // Before the user changes: afterwards it would silently do nothing.
        plan.add(CONFINE_DROP_BOUNDING)
        plan.add(CONFINE_BECOME, .number(inner), .number(inner), .number(user.isMappedByRoot ? 1 : 0))
    }

    private func addRoot(to plan: inout Plan) {
        plan.add(CONFINE_PIVOT, .number(0))
        for tmpfs in profile.writable {
            // The folder itself is one inode more than the strategy's own files.
            plan.add(
                CONFINE_TMPFS, .number(UInt64(tmpfs.bytes)), .number(UInt64(tmpfs.inodes + 1)),
                .text(tmpfs.path))
        }
        for (slot, view) in slots where view.source != .bundle || !isAwaitingBundle {
            plan.add(CONFINE_ATTACH, .number(slot), .text(view.path))
        }
        plan.add(CONFINE_HOSTNAME, .text("bullpen"))
    }

    /// Resources and bounds that a process keeps for itself. What the host itself may not exceed, nobody may.
    var limits: [(resource: Int32, value: UInt64)] {
        let wanted: [(Int32, UInt64)] = [
            (4, 0),  // core
            (7, UInt64(profile.limits.openFiles)),  // nofile
            (1, UInt64(profile.limits.fileBytes)),  // fsize
            (3, UInt64(profile.limits.stackBytes)),  // stack
            (8, 64 << 10),  // memlock
            (12, 0),  // msgqueue
            (13, 0),  // nice
            (14, 0),  // rtprio
        ]
        return (wanted + resourcesInsteadOfGroups).map { resource, value in
            var own = rlimit()
            guard unsafe getrlimit(__rlimit_resource_t(UInt32(resource)), &own) == 0 else {
                return (resource, value)
            }
            return (resource, min(value, UInt64(own.rlim_max)))
        }
    }

    private func addLandlock(to plan: inout Plan) {
        let rules = LandlockRules(version: landlockVersion)
        plan.add(
            CONFINE_LANDLOCK, .number(rules.attributeBytes), .number(rules.files), .number(rules.network),
            .number(rules.scopes))
        plan.add(CONFINE_LANDLOCK_ALLOW, .number(rules.listing), .text("/"))
        plan.add(CONFINE_LANDLOCK_ALLOW, .number(rules.reading | rules.executing), .text("/usr"))
        for view in profile.views {
            let access = rules.reading | (view.allowsExecution ? rules.executing : 0)
            plan.add(CONFINE_LANDLOCK_ALLOW, .number(access), .text(view.path))
        }
        for tmpfs in profile.writable {
            plan.add(CONFINE_LANDLOCK_ALLOW, .number(rules.writing), .text(tmpfs.path))
        }
        plan.add(CONFINE_LANDLOCK_ENFORCE)
    }
}

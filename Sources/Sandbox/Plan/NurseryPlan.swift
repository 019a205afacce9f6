internal import CConfine

extension PlanCompiler {
    /// What a nursery is shown beside the runtime's tree and the SDK.
    struct NurseryPlaces {
        /// The folder of the library that carries out plans.
        let library: String
        /// Where bundles lie, for an ordinary user's nursery, which cannot be handed trees.
        let bundles: String?
    }

    /// A nursery's own plan. `command` and `environment` are the nursery's, its profile that of its strategies.
    ///
    /// Its walls are those of a strategy, with these differences. It keeps the rights that it needs in its own user
    /// namespace to put up walls. It stays in the host's pid namespace, so that its end takes no strategy along. It has
    /// no Landlock, under which no process may mount anything. Its filter lets its strategies' filters decide.
    func compileNursery(
        _ places: NurseryPlaces, ids: (first: UInt32, count: UInt32), filter: [UInt8]
    ) throws(LaunchFailure) -> [UInt8] {
        var plan = Plan()
        addGroups(to: &plan, from: UInt64(CONFINE_FD_PROGRAM) + 1)
        if let number = joinedUsers { plan.add(CONFINE_JOIN_USERS, .number(number)) }
        if user.isMappedByRoot { try addNurseryTrees(to: &plan, places) }
        let namespaces: [Layer] = [
            .userNamespace, .mountNamespace, .networkNamespace, .ipcNamespace, .utsNamespace,
        ]
        let flags = namespaces.reduce(0) { $0 | UInt64(UInt32(bitPattern: $1.namespaceFlag)) }
        // An ordinary user has one id of each kind, which may differ.
        let groups = user.isMappedByRoot ? ids.first : user.gid
        plan.add(
            CONFINE_SETTLE, .number(flags), .number(UInt64(ids.first)), .number(UInt64(groups)),
            .number(UInt64(ids.count)), .number(user.isMappedByRoot ? 0 : 1))
        plan.add(
            CONFINE_BECOME, .number(UInt64(user.uid)), .number(UInt64(user.gid)),
            .number(user.isMappedByRoot ? 1 : 0))
        if !user.isMappedByRoot { try addNurseryTrees(to: &plan, places) }
        plan.add(CONFINE_PIVOT, .number(0))
        for (index, place) in nurseryViews(places).enumerated() {
            plan.add(CONFINE_ATTACH, .number(UInt64(index + 1)), .text(place.path))
        }
        plan.add(CONFINE_HOSTNAME, .text("bullpen"))
        plan.add(CONFINE_SESSION)
        // Descriptors: those of a request, twice.
        addLimits(to: &plan, limits.map { $0.resource == 7 ? (7, max($0.value, 256)) : $0 })
        plan.add(CONFINE_KEEP_CAPABILITIES, .number(Self.nurseryCapabilities))
        plan.add(CONFINE_NO_NEW_PRIVILEGES)
        plan.add(CONFINE_FOLDER, .text("/"))
        plan.add(CONFINE_HOLD_DESCRIPTORS)
        plan.add(CONFINE_DIE_WITH_PARENT)
        plan.add(CONFINE_FILTER, .blob(filter))
        plan.add(CONFINE_EXECUTE, .text(command[0]), .list(command), .list(environment))
        return try Self.checked(plan)
    }

    /// Where a nursery finds the library: a folder that its strategies cover with a tmpfs.
    static func libraryFolder(of profile: Profile) -> String { profile.writable[0].path }

    /// Where a nursery sees the host's folder of bundles.
    static func bundleFolder(of profile: Profile) -> String? {
        profile.views.first { $0.source == .bundle }?.path
    }

    // CAP_SETGID and CAP_SETUID to map the ids of a strategy, CAP_SYS_CHROOT and CAP_SYS_ADMIN to make its namespaces
    // and mounts. They hold in the nursery's own user namespace alone.
    private static let nurseryCapabilities: UInt64 = 1 << 6 | 1 << 7 | 1 << 18 | 1 << 21

    private func nurseryViews(
        _ places: NurseryPlaces
    ) -> [(source: String?, path: String, attributes: UInt64)] {
        var views: [(source: String?, path: String, attributes: UInt64)] = []
        for view in profile.views {
            switch view.source {
            case .sdk: views.append((sources[.sdk], view.path, Self.attributes(of: view)))
            case .bundle:
                if let bundles = places.bundles {
                    views.append((bundles, view.path, Self.attributes(of: view)))
                }
            }
        }
        views.append((places.library, Self.libraryFolder(of: profile), Self.viewAttributes))
        return views
    }

    private func addNurseryTrees(to plan: inout Plan, _ places: NurseryPlaces) throws(LaunchFailure) {
        plan.add(CONFINE_OPEN_TREE, .number(0), .number(Self.viewAttributes), .text(root))
        for (index, view) in nurseryViews(places).enumerated() {
            guard let source = view.source else {
                throw LaunchFailure(
                    code: .profileRefused, step: "open tree", reason: "the host has no SDK to show")
            }
            plan.add(
                CONFINE_OPEN_TREE, .number(UInt64(index + 1)), .number(view.attributes), .text(source))
        }
    }
}

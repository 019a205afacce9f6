internal import Glibc
public import Sandbox

/// What this machine can do for the host, and what to do about the rest. For `bullpen doctor` and `GET /doctor`.
public enum Doctor {
    /// Looks at the kernel, the installation and the data folder. Costs some milliseconds.
    ///
    /// - Parameters:
    ///   - kernel: What the sandbox found of the kernel.
    ///   - users: Whose user ids strategies have.
    ///   - withoutGroups: What stands in for control groups, for profiles that do not say.
    ///   - layout: The installation, or nil when this program does not lie in one.
    ///   - dataFolder: The data folder, which need not be there yet.
    public static func checks(
        kernel: KernelReport, users: UserIDs, withoutGroups: WithoutGroups, layout: InstalledLayout?,
        dataFolder: String
    ) -> [CheckView] {
        kernelChecks(kernel, withoutGroups) + [userIDs(users)]
            + profileChecks(kernel, withoutGroups, layout)
            + [installation(layout), python(), openFiles(), space(dataFolder)]
    }

    private static func kernelChecks(_ kernel: KernelReport, _ withoutGroups: WithoutGroups) -> [CheckView] {
        kernel.rows.map { row in
            let isReplaced = withoutGroups == .rlimits && WithoutGroups.layers.contains(row.layer)
            return CheckView(
                name: row.layer.rawValue, state: row.isPresent ? .ok : isReplaced ? .warning : .missing,
                detail: "\(row.layer.purpose) (\(row.finding))", remedy: row.remedy.isEmpty ? nil : row.remedy
            )
        }
    }

    /// Whose user ids strategies have.
    static func userIDs(_ users: UserIDs) -> CheckView {
        var detail = "a strategy's user id is \(users.words)"
        if case .shared(let reason) = users { detail += ": \(reason)" }
        return CheckView(
            name: "user_ids", state: users.areShared ? .warning : .ok, detail: detail, remedy: users.remedy)
    }

    private static func profileChecks(
        _ kernel: KernelReport, _ withoutGroups: WithoutGroups, _ layout: InstalledLayout?
    ) -> [CheckView] {
        guard let layout else { return [] }
        do {
            return try Profile.all(in: layout.profiles).values.sorted { $0.name < $1.name }.map { profile in
                let replaced = kernel.replaced(for: profile, withoutGroups)
                let missing = kernel.missing(profile.required.subtracting(replaced))
                guard replaced.isEmpty || !missing.isEmpty else {
                    return CheckView(
                        name: "profile \(profile.name)", state: .warning,
                        detail: "resource limits and the host's eye stand in for "
                            + "\(replaced.map(\.rawValue).sorted().joined(separator: ", "))"
                            + (replaced.contains(.cpuLimit) ? "; not promised: CPU share" : ""),
                        remedy: kernel.missing(replaced).first?.remedy)
                }
                return CheckView(
                    name: "profile \(profile.name)", state: missing.isEmpty ? .ok : .missing,
                    detail: missing.isEmpty
                        ? profile.description
                        : "cannot be used without \(missing.map(\.layer.rawValue).joined(separator: ", "))",
                    remedy: missing.first?.remedy)
            }
        } catch {
            return [
                CheckView(
                    name: "profiles", state: .missing, detail: "\(error)", remedy: "install Bullpen again")
            ]
        }
    }

    private static func installation(_ layout: InstalledLayout?) -> CheckView {
        guard let layout else {
            return CheckView(
                name: "installation", state: .warning, detail: "this program does not lie in an installation",
                remedy: "run scripts/stage and then .build/stage/bin/bullpen")
        }
        let parts = [
            layout.confine, layout.web, layout.sdk, layout.templates, layout.profiles, layout.schemas,
        ]
        let missing = parts.filter { unsafe access($0, R_OK) != 0 }
        return CheckView(
            name: "installation", state: missing.isEmpty ? .ok : .missing,
            detail: missing.isEmpty ? layout.prefix : "missing: \(missing.joined(separator: ", "))",
            remedy: missing.isEmpty ? nil : "run scripts/stage, or install Bullpen again")
    }

    private static func python() -> CheckView {
        let path = "/usr/bin/python3"
        let isThere = unsafe access(path, X_OK) == 0
        return CheckView(
            name: "python", state: isThere ? .ok : .missing, detail: isThere ? path : "\(path) is not there",
            remedy: isThere ? nil : "apt-get install python3 python3-venv")
    }

    /// Each running strategy holds about eight descriptors.
    private static func openFiles() -> CheckView {
        var limit = rlimit()
        let isKnown = unsafe getrlimit(__rlimit_resource_t(7), &limit) == 0  // RLIMIT_NOFILE
        let isEnough = isKnown && limit.rlim_max >= 4096
        return CheckView(
            name: "open files", state: isEnough ? .ok : .warning, detail: "at most \(limit.rlim_max)",
            remedy: isEnough ? nil : "raise it: ulimit -Hn 65536, or LimitNOFILE= in the systemd unit")
    }

    private static func space(_ folder: String) -> CheckView {
        var place = folder
        while unsafe access(place, F_OK) != 0, let slash = place.lastIndex(of: "/") {
            place = slash == place.startIndex ? "/" : String(place[..<slash])
        }
        var status = statvfs()
        guard unsafe statvfs(place, &status) == 0, unsafe access(place, W_OK) == 0 else {
            return CheckView(
                name: "data folder", state: .missing, detail: "\(folder) cannot be written",
                remedy: "make it and give it to the user that runs the host, or choose another with --data")
        }
        let mebibytes = Int(status.f_bavail) * Int(status.f_frsize) / 1_048_576
        return CheckView(
            name: "data folder", state: mebibytes >= 1024 ? .ok : .warning,
            detail: "\(folder), \(mebibytes) MiB free",
            remedy: mebibytes >= 1024 ? nil : "make room: orders are denied when the disk is full")
    }
}

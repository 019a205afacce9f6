import Glibc
import Host
import Posix
import Sandbox
import Synchronization

/// What runs programs behind the walls on this machine without a host, for commands that look at the walls.
struct LocalSandbox {
    let launcher: ConfinedLauncher
    let layout: InstalledLayout
    /// All profiles of the installation, by name.
    let profiles: [String: Profile]
    /// What nurseries have told of themselves.
    private let reports = Reports()

    private final class Reports: Sendable {
        let words = Mutex<[String]>([])
    }

    /// What every command takes that makes one.
    static let options: [Command.Option] =
        LocalConfiguration.options + [
            .value(
                "runtimes", "folder",
                "Where the runtimes are; runtimes in the data folder unless told otherwise."),
            .value("share", "folder", "Where share/bullpen lies, when not beside the program."),
        ]

    /// Looks at the installation and the kernel.
    ///
    /// - Parameters:
    ///   - showsPoke: Whether /sdk shows `poke` in place of the SDK.
    ///   - bundles: The folder in which all bundles lie; nil when nothing is started warm.
    ///   - withoutGroups: What stands in for control groups where there are none; nil for what is configured.
    init(
        _ invocation: Invocation, showsPoke: Bool = false, bundles: String? = nil,
        withoutGroups: WithoutGroups? = nil
    ) throws(CommandFailure) {
        let local = try LocalConfiguration(invocation)
        let spawner: Spawner
        do {
            layout = try InstalledLayout.ofThisProgram(share: invocation.value("share"))
            profiles = try Profile.all(in: layout.profiles)
            spawner = try Spawner()
        } catch {
            throw CommandFailure(.error, "\(error)")
        }
        launcher = ConfinedLauncher(
            configuration: .init(
                launcher: layout.confine,
                runtimes: invocation.value("runtimes").map(LocalConfiguration.absolute)
                    ?? local.folder + "/runtimes",
                sdk: showsPoke ? layout.poke : layout.sdk,
                groupName: "command-\(getpid())" + (showsPoke ? "-poke" : ""),
                // Beside those that a host on the same machine gives out.
                userIDs: 49_900...49_999,
                withoutControlGroups: withoutGroups ?? local.configuration.sandbox.withoutControlGroups,
                nurseryLibrary: bundles == nil ? nil : layout.nurseryLibrary, bundles: bundles,
                // A command starts one strategy.
                nurseries: NurserySettings(keepsReady: false),
                report: { [reports] _, words in reports.words.withLock { $0.append(words) } }),
            spawner: spawner)
        // A program that has gone must not take us with it.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Takes away what it has made on the machine.
    func close() { launcher.close() }

    /// The profile called `name`, when this machine can use it.
    func profile(_ name: String) throws(CommandFailure) -> Profile {
        guard let profile = profiles[name] else {
            let names = profiles.keys.sorted()
            let hint = NearestName.of(name, among: names).map { "did you mean \($0)?" }
            throw CommandFailure(
                .notFound,
                "there is no profile \"\(name)\"; \(hint ?? "there are: " + names.joined(separator: ", "))")
        }
        do {
            try launcher.check(profile)
        } catch {
            throw CommandFailure(.error, error.description)
        }
        return profile
    }

    /// Starts a program by this door, and by no other.
    func start(
        _ request: LaunchRequest, by door: ConfinedChild.Door = .cold
    ) async throws(CommandFailure) -> ConfinedChild {
        var request = request
        request.isColdStart = door == .cold
        let child = try await start(request)
        guard child.door == door else {
            let words = reports.words.withLock { $0 }
            throw CommandFailure(
                .error,
                "it cannot be started warm: "
                    + (words.isEmpty
                        ? "profile \(request.profile.name) has no nursery" : words.joined(separator: "; ")))
        }
        return child
    }

    private func start(_ request: LaunchRequest) async throws(CommandFailure) -> ConfinedChild {
        let result = await withCheckedContinuation { continuation in
            launcher.launch(request) { continuation.resume(returning: $0) }
        }
        do {
            return try result.get()
        } catch {
            throw CommandFailure(.error, error.description)
        }
    }
}

/// What an operator runs behind the walls of a profile, in a strategy's place.
enum OperatorProgram {
    /// Says what the walls look like from inside, and waits.
    case report
    /// Takes commands.
    case console

    /// Whether a profile runs programs and no Python.
    static func isNative(_ profile: Profile) -> Bool { !profile.views.contains { $0.source == .sdk } }

    /// The profile with this as its command, and else as it is; one for programs shows one folder more.
    func run(in profile: Profile) -> Profile {
        var changed = profile
        if Self.isNative(profile) {
            changed.views.append(.init(source: .sdk, path: "/sdk", allowsExecution: true))
            changed.command = ["/sdk/poke"] + (self == .report ? ["report"] : [])
        } else {
            let script = self == .report ? "report" : "console"
            changed.command = profile.command.dropLast() + ["/sdk/operator/\(script).py"]
        }
        return changed
    }
}

extension ConfinedChild.Door {
    /// By which doors a program can be started in a profile.
    static func all(of profile: Profile) -> [ConfinedChild.Door] {
        profile.nursery == nil ? [.cold] : [.cold, .warm]
    }

    /// In a sentence.
    var words: String {
        switch self {
        case .cold: "by the launcher"
        case .warm: "from a nursery"
        }
    }
}

/// An empty bundle in an otherwise empty folder, which every user may look into, and that goes when this goes.
struct ScratchFolder: ~Copyable {
    /// The folder in which the bundle lies.
    let folder: String
    /// The bundle.
    var path: String { folder + "/bundle" }

    init() throws(CommandFailure) {
        var template = Array("/tmp/bullpen-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else {
            throw CommandFailure(.error, "no folder can be made in /tmp (error \(errno))")
        }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        unsafe chmod(folder, 0o755)
        unsafe mkdir(path, 0o755)
        unsafe chmod(path, 0o755)
    }

    deinit {
        unsafe rmdir(path)
        unsafe rmdir(folder)
    }
}

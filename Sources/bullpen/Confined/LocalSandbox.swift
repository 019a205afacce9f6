import Glibc
import Host
import Posix
import Sandbox

/// What runs programs behind the walls on this machine without a host, for commands that look at the walls.
struct LocalSandbox {
    let launcher: ConfinedLauncher
    let layout: InstalledLayout
    /// All profiles of the installation, by name.
    let profiles: [String: Profile]

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
    /// - Parameter sdk: Another folder to show where a profile shows the SDK.
    init(_ invocation: Invocation, sdk: String? = nil) throws(CommandFailure) {
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
                sdk: sdk ?? layout.sdk, groupName: "command-\(getpid())",
                // Beside those that a host on the same machine gives out.
                userIDs: 49_900...49_999), spawner: spawner)
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

    /// Starts a program.
    func start(_ request: LaunchRequest) async throws(CommandFailure) -> ConfinedChild {
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

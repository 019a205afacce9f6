internal import Posix

/// Strategies' processes that are made ahead, one for each nursery (``ReadyStrategy``). On the spawner's thread.
///
/// A strategy that starts at the heels of another finds none, and is made when it is asked for.
extension ConfinedLauncher {
    /// By then the strategy before has begun, and does not share the processors with what is made here.
    private static let pause = Duration.milliseconds(10)
    /// How often is looked whether the machine has memory for a process that may never be asked for.
    private static let memoryInterval = Duration.seconds(10)

    /// Makes the process for the next strategy of a profile when the one that was just started has begun.
    func keepReady(_ profile: Profile) {
        guard canKeepReady(profile) else { return }
        spawner.schedule(after: Self.pause) { [weak self] in self?.makeReady(profile) }
    }

    /// Makes the processes that are missing now.
    func makeAllReady() {
        for profile in nurseries.profiles where canKeepReady(profile) { makeReady(profile) }
    }

    /// Whether all that depends on the strategy is its bundle, and the limits of its control groups.
    private func canKeepReady(_ profile: Profile) -> Bool {
        // An ordinary user's nursery must see a bundle before it makes its namespaces, or have a process open it.
        configuration.nurseries.keepsReady && report.isRoot && lentUsers == nil
            && replaced(for: profile).isEmpty && profile.views.contains { $0.source == .bundle }
            && !profile.command.contains { $0.contains("{entry}") }
    }

    private func makeReady(_ profile: Profile) {
        guard let nursery = nurseries.current(for: profile), nursery.ready == nil, nursery.keepsReady,
            MachineMemory.isPlentiful
        else { return }
        do throws(LaunchFailure) {
            nursery.ready = try ready(profile, in: nursery)
            nursery.starts += 1
            watchMemory(for: nursery)
        } catch {
            nursery.keepsReady = false
            configuration.report(
                true, "no strategy of profile \(profile.name) is made ahead any more: \(error)")
        }
    }

    private func ready(_ profile: Profile, in nursery: Nursery) throws(LaunchFailure) -> ReadyStrategy {
        let request = LaunchRequest(
            strategy: "", run: "nursery-ready-\(nurseries.nextReadyNumber())", profile: profile, bundle: "")
        let user = try takeUser()
        do throws(LaunchFailure) {
            let group = try makeGroup(for: request)
            do throws(LaunchFailure) {
                return try ready(request, as: user, in: group, from: nursery)
            } catch {
                group.killAndRemove()
                throw error
            }
        } catch {
            giveBack(user)
            throw error
        }
    }

    private func ready(
        _ request: LaunchRequest, as user: PlanCompiler.User, in group: ChildGroup, from nursery: Nursery
    ) throws(LaunchFailure) -> ReadyStrategy {
        let compiler = try compiler(
            of: request, as: user, in: group, by: .warm(bundle: .awaited), sharing: nursery.shared)
        let plan = try compiler.compile()
        let start: LauncherStart
        do throws(SystemCallError) {
            start = try .warm(nursery: nursery, plan: plan, group: group)
        } catch {
            throw LaunchFailure("start from nursery", error)
        }
        let waiting = try start.awaitWaiting(
            deadline: configuration.deadline, command: compiler.command[0], spawner: spawner)
        return ReadyStrategy(waiting, as: user, in: group, users: users, spawner: spawner)
    }

    /// Lets go of a process that waits when memory becomes scarce.
    private func watchMemory(for nursery: Nursery) {
        guard !nursery.isWatchedForMemory else { return }
        nursery.isWatchedForMemory = true
        spawner.schedule(after: Self.memoryInterval) { [weak self, weak nursery] in
            guard let self, let nursery else { return }
            nursery.isWatchedForMemory = false
            guard let ready = nursery.ready else { return }
            if MachineMemory.isPlentiful { return watchMemory(for: nursery) }
            nursery.ready = nil
            ready.end()
        }
    }

    /// Has the process that was made ahead become this strategy. Nil when there is none or when that fails; then one is
    /// made.
    func startReady(_ request: LaunchRequest, from nursery: Nursery) -> ConfinedChild? {
        guard let view = request.profile.views.first(where: { $0.source == .bundle }),
            request.arguments.isEmpty, nurseryBundle(of: request, nursery) == .handedOver,
            let ready = nursery.ready.take()
        else { return nil }
        do throws(LaunchFailure) {
            let filter = try filter(of: request)
            do throws(SystemCallError) {
                ready.group = try ready.group.handedOver(
                    to: request.run, memoryBytes: memoryBytes(of: request), cpuShare: cpuShare(of: request),
                    // And the watcher.
                    processes: request.profile.limits.processes + 1)
            } catch {
                throw LaunchFailure("control group", error)
            }
            let started = try ready.goOn(
                with: (request.bundle, PlanCompiler.attributes(of: view)), deadline: configuration.deadline)
            let child = child(
                of: started, request, as: ready.user, in: ready.group, by: .warm, filter,
                sharing: nursery.shared)
            nurseries.succeeded(request.profile)
            return child
        } catch {
            ready.end()
            configuration.report(
                true,
                "what was made ahead for profile \(request.profile.name) could not be used, and the strategy is "
                    + "started without: \(error)")
            return nil
        }
    }
}

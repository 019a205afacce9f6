internal import Catalogue
internal import Posix
internal import Sandbox
internal import Trading
internal import Wire

/// Decides whether a bundle may be taken in, and says exactly why not.
struct Admission: Sendable {
    /// A bundle that passed.
    struct Admitted: Sendable {
        var bundle: StrategyBundle
        var inspection: BundleInspection
    }

    let launcher: StrategyLauncher
    let reader: BundleReader
    let bounds: ConfigBounds
    /// Package names and versions by profile.
    let packages: [String: [String: String]]
    let folders: DataFolders
    /// Where checks run, apart from the floor.
    let chores: EventLoop

    /// Checks an upload and keeps nothing of it.
    func validate(_ upload: BundleUpload) async throws(HostError) -> ValidationReport {
        do throws(Refusal) {
            let admitted = try await admit(upload)
            return ValidationReport(
                problems: [], warnings: admitted.inspection.warnings, config: admitted.inspection.config.json)
        } catch {
            switch error {
            case .problems(let problems, let config):
                return ValidationReport(problems: problems.map { .init($0) }, warnings: [], config: config)
            case .host(let failure): throw failure
            }
        }
    }

    /// Why a bundle was not taken in.
    enum Refusal: Error {
        case problems([ValidationProblem], config: JSONValue?)
        case host(HostError)

        /// The words for whoever uploaded it.
        var error: HostError {
            switch self {
            case .problems(let problems, let config):
                .refused(
                    ValidationReport(problems: problems.map { .init($0) }, warnings: [], config: config))
            case .host(let error): error
            }
        }
    }

    /// Checks an upload.
    func admit(_ upload: BundleUpload) async throws(Refusal) -> Admitted {
        var bundle: StrategyBundle
        do throws(ValidationProblem) {
            bundle = try reader.read(upload.content, fileName: upload.fileName ?? "strategy.py")
        } catch {
            throw .problems([error], config: nil)
        }
        if let config = upload.config { bundle = bundle.settingConfig(config) }
        let inspection = BundleInspection(
            bundle, nameHint: upload.name ?? upload.fileName ?? "strategy", bounds: bounds, packages: packages
        )
        guard inspection.problems.isEmpty else {
            throw .problems(inspection.problems, config: inspection.config.json)
        }
        if inspection.needsPythonCheck {
            let problems: [ValidationProblem]
            do throws(HostError) {
                problems = try await python(bundle, config: inspection.config)
            } catch {
                throw .host(error)
            }
            guard problems.isEmpty else { throw .problems(problems, config: inspection.config.json) }
        }
        return Admitted(bundle: bundle, inspection: inspection)
    }

    /// Lets the interpreter's own parser look at the files, inside the sandbox.
    private func python(
        _ bundle: StrategyBundle, config: StrategyConfig
    ) async throws(HostError) -> [ValidationProblem] {
        guard var profile = config.profile.flatMap({ launcher.profiles[$0] }) else {
            throw .unavailable("profile \(config.profile ?? "") is not there")
        }
        let check = PythonSyntaxCheck(bundle)
        let request = check.request(program: "/sdk/check.py", folder: "/bundle")
        profile.command = ["/usr/bin/python3"] + request.arguments
        profile.nursery = nil
        let place = "\(folders.strategies)/.check-\(String(UInt64.random(in: .min ... .max), radix: 16))"
        do {
            let folder = try BundleStorage.install(bundle, below: place)
            let outcome = try await ConfinedTask.run(
                LaunchRequest(
                    strategy: "check", run: "check-\(UInt32.random(in: .min ... .max))",
                    profile: profile, bundle: folder,
                    memoryBytes: request.memoryMegabytes << 20, cpuShare: 1),
                launcher: launcher.launcher, loop: chores, timeout: request.timeoutMilliseconds,
                outputLimit: request.maximumOutputBytes)
            try BundleStorage.remove(nil, below: place)
            return check.problems(output: outcome.output, errors: outcome.errors, end: .init(outcome))
        } catch {
            throw .unavailable("the bundle could not be checked: \(error)")
        }
    }
}

extension PythonSyntaxCheck.End {
    fileprivate init(_ outcome: ConfinedTask.Outcome) {
        if let reason = outcome.killedFor {
            self = .killed(cause: reason)
        } else if case .exited(let code)? = outcome.report?.status {
            self = .exited(code: Int(code))
        } else {
            self = .killed(cause: outcome.report?.words ?? "it ended, and the kernel did not say how")
        }
    }
}

extension ValidationReport.Problem {
    fileprivate init(_ problem: ValidationProblem) {
        self.init(
            code: problem.code.rawValue, message: problem.message, field: problem.field, line: problem.line,
            source: problem.source)
    }
}

extension ConfigBounds {
    /// What the configuration lets a strategy ask for.
    init(_ settings: Configuration.Strategy, profiles: [String]) {
        self.init(
            memoryMegabytes: 32...settings.maximumMemoryMebibytes,
            defaultMemoryMegabytes: settings.memoryMebibytes,
            cpuShare: FixedDecimal("0.05")!...settings.maximumCPUShare, defaultCPUShare: settings.cpuShare,
            defaultRestartIntensity: settings.restartIntensity,
            defaultRestartPeriodSeconds: Int(settings.restartPeriod.milliseconds / 1_000),
            profiles: profiles)
    }
}

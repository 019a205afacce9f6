/// How the limits of a strategy are kept on this machine, in words.
public struct Enforcement: Hashable, Sendable {
    /// How memory is bounded.
    public let memory: String
    /// How the share of the processors is bounded.
    public let cpu: String
    /// How processes and threads are bounded.
    public let processes: String
    /// Whose user id it has on this machine.
    public let user: String
    /// What is not promised, such as `CPU share`. Empty where all is.
    public let notPromised: [String]

    init(report: KernelReport, replaced: Set<Layer>, users: UserIDs) {
        func means(_ layer: Layer, _ instead: String) -> String {
            if replaced.contains(layer) { return instead }
            return report[layer].isPresent
                ? report[layer].finding.split(separator: ",").first.map(String.init)! : "none"
        }
        memory = means(.memoryLimit, "resource limits, and the host's eye on it")
        cpu = means(.cpuLimit, "not promised: it is ended when it uses more than its share for a minute")
        processes = means(
            .processLimit,
            WithoutGroups.countsProcessesApart || !users.areShared
                ? "resource limits, and the host's eye on it" : "the host's eye on it")
        user = users.words
        var gaps: [String] = []
        if !report[.cpuLimit].isPresent { gaps.append("CPU share") }
        if !report[.memoryLimit].isPresent { gaps.append("memory within five percent") }
        if users.areShared { gaps.append("a user id of its own") }
        notPromised = gaps
    }
}

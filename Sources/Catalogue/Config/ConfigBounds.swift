public import Trading

/// What the operator lets a strategy ask for.
public struct ConfigBounds: Hashable, Sendable {
    /// Memory in MiB a strategy may ask for, and what it gets when it asks for nothing.
    public var memoryMegabytes: ClosedRange<Int>
    /// What a strategy gets that asks for no memory.
    public var defaultMemoryMegabytes: Int
    /// Shares of one processor core a strategy may ask for.
    public var cpuShare: ClosedRange<FixedDecimal>
    /// What a strategy gets that asks for no share.
    public var defaultCPUShare: FixedDecimal
    /// How many restarts within ``defaultRestartPeriodSeconds`` a strategy has that does not say.
    public var defaultRestartIntensity: Int
    /// The period in which restarts count for a strategy that does not say.
    public var defaultRestartPeriodSeconds: Int
    /// The sandbox profiles there are.
    ///
    /// Those for native programs start with `native`, the others run Python.
    public var profiles: [String]

    /// Sets bounds.
    public init(
        memoryMegabytes: ClosedRange<Int> = 32...2048, defaultMemoryMegabytes: Int = 512,
        cpuShare: ClosedRange<FixedDecimal> = FixedDecimal("0.05")!...FixedDecimal(2),
        defaultCPUShare: FixedDecimal = FixedDecimal("0.5")!,
        defaultRestartIntensity: Int = 5, defaultRestartPeriodSeconds: Int = 600,
        profiles: [String] = ["python", "python-pandas", "python-scientific", "native"]
    ) {
        self.memoryMegabytes = memoryMegabytes
        self.defaultMemoryMegabytes = defaultMemoryMegabytes
        self.cpuShare = cpuShare
        self.defaultCPUShare = defaultCPUShare
        self.defaultRestartIntensity = defaultRestartIntensity
        self.defaultRestartPeriodSeconds = defaultRestartPeriodSeconds
        self.profiles = profiles
    }
}

/// In what language a strategy is written, as far as the host cares.
public enum StrategyKind: String, Hashable, Sendable, CaseIterable {
    /// Run by a Python interpreter.
    case python
    /// A built program.
    case native

    /// Python for a file that ends with `.py`, else native.
    public init(entry: String) {
        self = entry.hasSuffix(".py") ? .python : .native
    }

    /// Whether a sandbox profile of this name is for strategies of this kind.
    public func fits(profile: String) -> Bool { profile.hasPrefix("native") == (self == .native) }
}

/// How a strategy is started.
public enum StartMode: String, Hashable, Sendable, CaseIterable {
    /// From an interpreter that has its packages loaded, which other strategies were started from too.
    case warm
    /// With an interpreter of its own, and so with an address-space layout and hash seed of its own.
    case cold
}

/// What happens when a strategy ends.
public enum RestartPolicy: String, Hashable, Sendable, CaseIterable {
    /// It is started again however it ended.
    case permanent
    /// It is started again after a failure.
    case transient
    /// It is not started again.
    case temporary
}

/// What happens to a strategy's open orders when it dies.
public enum OrdersAtDeath: String, Hashable, Sendable, CaseIterable {
    /// They stay as they are.
    case keep
    /// They are cancelled.
    case cancel
    /// They are cancelled and its position is closed.
    case flatten
}

/// What happens to the stop-losses and take-profits that the host holds for a strategy when it dies or is stopped.
public enum BracketsAtDeath: String, Hashable, Sendable, CaseIterable {
    /// They stay while a position stays.
    case keep
    /// They are taken away, and the position stays without them.
    case cancel
}

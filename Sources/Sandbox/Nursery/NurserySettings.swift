/// Whether strategies are started warm, and for how long one nursery serves.
public struct NurserySettings: Hashable, Sendable {
    /// Whether there are nurseries at all.
    public var isEnabled: Bool
    /// How many strategies are made of a nursery before it is renewed. All of them share its address-space layout.
    public var startsBeforeRenewal: Int
    /// The age at which a nursery is renewed.
    public var age: Duration
    /// Whether each keeps a process ready for its next strategy, where the host is root.
    public var keepsReady: Bool

    /// Describes how nurseries are used.
    public init(
        isEnabled: Bool = true, startsBeforeRenewal: Int = 1000, age: Duration = .seconds(86_400),
        keepsReady: Bool = true
    ) {
        self.keepsReady = keepsReady
        self.isEnabled = isEnabled
        self.startsBeforeRenewal = startsBeforeRenewal
        self.age = age
    }
}

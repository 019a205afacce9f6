/// Whether strategies are started warm, and for how long one nursery serves.
public struct NurserySettings: Hashable, Sendable {
    /// Whether there are nurseries at all.
    public var isEnabled: Bool
    /// How many strategies are made of a nursery before it is renewed. All of them share its address-space layout.
    public var startsBeforeRenewal: Int
    /// The age at which a nursery is renewed.
    public var age: Duration

    /// Describes how nurseries are used.
    public init(isEnabled: Bool = true, startsBeforeRenewal: Int = 1000, age: Duration = .seconds(86_400)) {
        self.isEnabled = isEnabled
        self.startsBeforeRenewal = startsBeforeRenewal
        self.age = age
    }
}

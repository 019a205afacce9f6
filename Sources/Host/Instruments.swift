/// What a measurement sets and hears beyond the configuration. An installation leaves it as it is.
public struct Instruments: Sendable {
    /// The processor that the floor's thread stays on; nil leaves that to the kernel.
    public var processor: Int32?
    /// Called on the floor's thread when the risk gate has decided over a strategy's order, with the times of the
    /// latest price and of the decision in nanoseconds of the monotonic clock.
    public var onDecision: (@Sendable (_ price: UInt64, _ decision: UInt64) -> Void)?
    /// Called on the floor's thread when what was decided in a turn has become durable, or was refused.
    public var onDurable: (@Sendable () -> Void)?

    /// Called on a thread of the network's once bytes of a request about an order were handed to the kernel, with the
    /// monotonic clock in nanoseconds.
    public var onWire: (@Sendable (UInt64) -> Void)?

    /// Sets and hears nothing.
    public init() {}
}

/// A value that lives on an event loop, in a wrapper that any thread may carry and only the loop's own may open.
///
/// It takes a plain object to a writer's or launcher's thread and back in a completion.
public struct LoopBound<Value>: @unchecked Sendable {
    // @unchecked: `held` is touched on the loop's thread alone, which every access checks.
    private let held: Value
    private let loop: EventLoop

    /// Wraps a value. Call it on the loop's thread.
    public init(_ value: Value, on loop: EventLoop) {
        loop.checkIsolated()
        held = value
        self.loop = loop
    }

    /// The value, on the loop's thread.
    public var value: Value {
        loop.checkIsolated()
        return held
    }

    /// Does `body` with the value on the loop's thread, from any thread.
    public func perform(_ body: @escaping @Sendable (Value) -> Void) {
        loop.perform { body(self.held) }
    }
}

import Posix

/// Runs blocking work on a thread of its own, so that it takes none of the test runner's.
public func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await Thread.run(name: "test", refused: { $0 as any Error }, body)
}

import Glibc

/// One fuzzing target: no bytes may bring down what it reads them with.
typealias Target = @Sendable ([UInt8]) -> Void

/// Every target, by the name under which `scripts/fuzz` starts this program. Those in C are programs of their own.
private let targets: [String: Target] = [
    "lines": fuzzLines,
    "profile": fuzzProfile,
    "handshake": fuzzHandshake,
    "violation": fuzzViolation,
    "bundle": fuzzBundle,
    "strategy-json": fuzzStrategyJSON,
    "configuration": fuzzConfiguration,
    "http": fuzzHTTP,
]

nonisolated(unsafe) private var target: Target = { _ in }

/// What libFuzzer calls first.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>
) -> CInt {
    let path = String(cString: arguments.pointee[0]!)
    let name = path.split(separator: "/").last.map(String.init) ?? path
    guard let found = targets[name] else {
        print("\(name) is no target; targets: \(targets.keys.sorted().joined(separator: " "))")
        exit(2)
    }
    target = found
    return 0
}

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    target([UInt8](UnsafeBufferPointer(start: start, count: count)))
    return 0
}

internal import CConfine
internal import Glibc

/// A confinement plan in the making: operations in order, in the format that `confine` takes.
struct Plan: Sendable {
    private var operations: [UInt8] = []
    private var count: UInt32 = 0

    /// One field of an operation.
    enum Field {
        case number(UInt64)
        case text(String)
        case blob([UInt8])
        case list([String])
    }

    /// Appends an operation.
    mutating func add(_ operation: confine_operation, _ fields: Field...) {
        var bytes: [UInt8] = []
        for field in fields {
            switch field {
            case .number(let value): bytes.append(value)
            case .text(let text): bytes.append(blob: Array(text.utf8) + [0])
            case .blob(let blob): bytes.append(blob: blob)
            case .list(let texts): bytes.append(blob: texts.flatMap { Array($0.utf8) + [0] })
            }
        }
        operations.append(operation.rawValue)
        operations.append(blob: bytes)
        count += 1
    }

    /// The whole plan.
    var bytes: [UInt8] {
        let header = MemoryLayout<confine_header>.size
        var plan: [UInt8] = []
        plan.reserveCapacity(header + operations.count)
        plan.append(UInt32(CONFINE_MAGIC))
        plan.append(UInt32(CONFINE_VERSION))
        plan.append(UInt32(header + operations.count))
        plan.append(count)
        plan.append(Self.checksum(of: operations))
        return plan + operations
    }

    /// What an operation is called.
    static func name(of operation: UInt32) -> String {
        unsafe String(cString: confine_operation_name(operation))
    }

    /// The checksum that stands before the operations.
    static func checksum(of operations: [UInt8]) -> UInt64 {
        unsafe confine_checksum(operations, operations.count)
    }

    /// Why `confine` would refuse the plan, or nil when it would take it.
    static func fault(in bytes: [UInt8]) -> String? {
        unsafe confine_check(bytes, bytes.count).map { unsafe String(cString: $0) }
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ number: some FixedWidthInteger) {
        unsafe Swift.withUnsafeBytes(of: number.littleEndian) { unsafe append(contentsOf: $0) }
    }

    fileprivate mutating func append(blob: [UInt8]) {
        append(UInt32(blob.count))
        append(contentsOf: blob)
    }
}

import CFaultVFS
import Synchronization

@testable import Journal

/// A disk in memory on which the power can fail. See `cfaultvfs.h`.
final class FaultDisk {
    enum Fate: CaseIterable { case loseAll, keepAll, loseSome }

    private static let count = Atomic<Int>(0)
    private let disk: OpaquePointer
    let name: String

    init() {
        name = "fault-\(Self.count.wrappingAdd(1, ordering: .relaxed).newValue)"
        guard let disk = cfaultvfs_create(name) else { preconditionFailure("no memory for a disk") }
        self.disk = disk
    }

    deinit { cfaultvfs_destroy(disk) }

    func options(synchronous: DatabaseOptions.Synchronous = .full) -> DatabaseOptions {
        var options = DatabaseOptions()
        options.vfs = name
        options.synchronous = synchronous
        options.check = .full
        options.busyMilliseconds = 0
        return options
    }

    var calls: Int { Int(cfaultvfs_calls(disk)) }
    var isCut: Bool { cfaultvfs_is_cut(disk) != 0 }
    var size: Int { Int(cfaultvfs_size(disk)) }

    func cutPower(atCall call: Int) { cfaultvfs_cut_after(disk, UInt64(call)) }

    func restore(_ fate: Fate, seed: UInt64) {
        let fate: cfaultvfs_fate =
            switch fate {
            case .loseAll: CFAULTVFS_LOSE_ALL
            case .keepAll: CFAULTVFS_KEEP_ALL
            case .loseSome: CFAULTVFS_LOSE_SOME
            }
        cfaultvfs_restore(disk, fate, seed)
    }

    func fail(atCall call: Int, count: Int, code: Int32, seed: UInt64) {
        cfaultvfs_fail(disk, UInt64(call), UInt64(count), code, seed)
    }

    func failSyncs(atCall call: Int, count: Int, code: Int32, seed: UInt64) {
        cfaultvfs_fail_syncs(disk, UInt64(call), UInt64(count), code, seed)
    }

    func setCapacity(_ bytes: Int) { cfaultvfs_set_capacity(disk, UInt64(bytes)) }
}

/// Numbers that a seed decides.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x2545_f491_4f6c_dd1d &+ 1 }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// The access bits (linux/landlock.h) that one version of Landlock knows.
struct LandlockRules {
    /// The newest version that this was written for. A newer kernel is used as if it were this one.
    static let newest = 7

    let version: Int

    init(version: Int) { self.version = min(version, Self.newest) }

    /// Bytes of `struct landlock_ruleset_attr`, which grew with the versions.
    var attributeBytes: UInt64 { version >= 6 ? 24 : version >= 4 ? 16 : 8 }

    /// Every file access there is: what no rule gives is refused.
    var files: UInt64 {
        var bits: UInt64 = (1 << 13) - 1
        if version >= 2 { bits |= 1 << 13 }  // refer
        if version >= 3 { bits |= 1 << 14 }  // truncate
        if version >= 5 { bits |= 1 << 15 }  // ioctl on devices
        return bits
    }

    /// Binding and connecting TCP, which no rule gives.
    var network: UInt64 { version >= 4 ? 0b11 : 0 }

    /// Abstract sockets and signals beyond the strategy.
    var scopes: UInt64 { version >= 6 ? 0b11 : 0 }

    var executing: UInt64 { 1 << 0 }
    var listing: UInt64 { 1 << 3 }
    /// Files and folders.
    var reading: UInt64 { 1 << 2 | listing }
    /// Reading, writing, making and removing files and folders. No devices, sockets, pipes or links.
    var writing: UInt64 {
        let always: UInt64 = reading | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8
        return always | (files & (1 << 13 | 1 << 14))
    }
}

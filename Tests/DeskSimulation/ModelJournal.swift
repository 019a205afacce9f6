import Host
import Trading

/// Where the desk's facts are made durable, with the ways in which a disk fails.
protocol ModelJournal: AnyObject {
    /// Writes a group, all or none. Nil when it is durable; else why not.
    func write(_ events: [DeskEvent], fails: Bool) -> String?

    /// The host dies. A group that was handed over and not answered may be durable, lost or torn, as `roll` says.
    func crash(handedOver: [DeskEvent]?, roll: UInt64)

    /// What a start finds.
    func recovered() throws -> DeskSnapshot

    /// Whether every further write fails for want of room.
    var isFull: Bool { get set }
}

/// A disk in memory, which keeps groups whole.
final class MemoryJournal: ModelJournal {
    private var durable = DeskSnapshot()
    /// A group whose writing was reported as failed, but which may be there after a power loss.
    private var doubtful: [DeskEvent]?
    var isFull = false
    /// Whether a start takes a torn group for whole: what must not be.
    var honoursTornGroups = false

    func write(_ events: [DeskEvent], fails: Bool) -> String? {
        guard !isFull else { return "no space is left on the device" }
        if fails {
            doubtful = events
            return "the disk could not synchronise"
        }
        // What is written next overwrites the end of the log.
        doubtful = nil
        for event in events { durable.apply(event) }
        return nil
    }

    func crash(handedOver: [DeskEvent]?, roll: UInt64) {
        if let handedOver {
            if roll % 3 == 0 {
                for event in handedOver { durable.apply(event) }
            } else if honoursTornGroups {
                for event in handedOver.prefix(Int(roll >> 8) % (handedOver.count + 1)) {
                    durable.apply(event)
                }
            }
        } else if let doubtful, roll % 2 == 0 {
            for event in doubtful { durable.apply(event) }
        }
        doubtful = nil
        isFull = false
    }

    func recovered() throws -> DeskSnapshot { durable }
}

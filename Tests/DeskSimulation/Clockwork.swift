/// The simulated world's time: what is to happen, and when.
///
/// Time stands still while something happens, and jumps to the next thing after it. Things of one millisecond happen in
/// an order that the seed decides.
final class Clockwork {
    /// Milliseconds since the schedule began.
    private(set) var now: Int64 = 0
    /// Things of a host's life before this one never happen.
    var life = 0
    private var heap: [Event] = []
    private var random: SeededRandom

    private struct Event {
        let time: Int64
        let order: UInt64
        /// The life of the host that this belongs to; nought when it is the world's own.
        let life: Int
        let body: () -> Void

        func comes(before other: Event) -> Bool {
            time != other.time ? time < other.time : order < other.order
        }
    }

    init(seed: UInt64) { random = SeededRandom(seed: seed ^ 0xC10C_C10C) }

    /// Whether nothing is to happen any more.
    var isEmpty: Bool { heap.isEmpty }

    /// Lets `body` happen `delay` milliseconds from now; for a `life` of the host only while that lasts.
    func after(_ delay: Int64, life: Int = 0, _ body: @escaping () -> Void) {
        heap.append(Event(time: now + max(0, delay), order: random.next(), life: life, body: body))
        rise(heap.count - 1)
    }

    /// Lets the next thing happen, unless it lies after `end`. False when there is none.
    func step(until end: Int64) -> Bool {
        while let first = heap.first, first.time <= end {
            removeFirst()
            guard first.life == 0 || first.life == life else { continue }
            now = first.time
            first.body()
            return true
        }
        return false
    }

    /// Lets time pass, when nothing is to happen before.
    func advance(to time: Int64) {
        if time > now { now = time }
    }

    private func rise(_ start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard heap[index].comes(before: heap[parent]) else { return }
            heap.swapAt(index, parent)
            index = parent
        }
    }

    private func removeFirst() {
        let last = heap.removeLast()
        guard !heap.isEmpty else { return }
        heap[0] = last
        var index = 0
        while true {
            let left = 2 * index + 1
            guard left < heap.count else { return }
            let right = left + 1
            let child = right < heap.count && heap[right].comes(before: heap[left]) ? right : left
            guard heap[child].comes(before: heap[index]) else { return }
            heap.swapAt(index, child)
            index = child
        }
    }
}

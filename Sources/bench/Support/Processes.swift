import FoundationEssentials
import Glibc
import Posix

/// What the kernel says of processes other than this one.
enum Processes {
    /// How much memory a process takes.
    struct Memory {
        /// Its own pages, and its part of those that it shares, in bytes.
        var proportional = 0
        /// Its own pages alone, in bytes.
        var own = 0
    }

    /// The processes that this one has to reap: strategies, their watchers, nurseries.
    static func children() throws -> [Int32] {
        let own = getpid()
        return try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }.filter {
            // One that has ended meanwhile has no file any more.
            guard let text = try? read("/proc/\($0)/stat"), let end = text.lastIndex(of: ")") else {
                return false
            }
            let words = text[end...].split(separator: " ")
            return words.count > 2 && Int32(words[2]) == own
        }
    }

    /// The memory of a process; nil when it has ended.
    static func memory(of process: Int32) -> Memory? {
        guard let text = try? read("/proc/\(process)/smaps_rollup") else { return nil }
        var memory = Memory()
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 3, let kilobytes = Int(words[1]) else { continue }
            switch words[0] {
            case "Pss:": memory.proportional += kilobytes << 10
            case "Private_Clean:", "Private_Dirty:": memory.own += kilobytes << 10
            default: break
            }
        }
        return memory
    }

    /// Processor time that a process has used, in seconds; nil when it has ended.
    static func processorSeconds(of process: Int32) -> Double? {
        guard let text = try? read("/proc/\(process)/stat"), let end = text.lastIndex(of: ")") else {
            return nil
        }
        // The first word is the name's end, so that field n of `man 5 proc` is word n - 2.
        let words = text[end...].split(separator: " ")
        guard words.count > 13, let user = Double(words[12]), let system = Double(words[13]) else {
            return nil
        }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// The memory that a process holds, in MiB; nil when it has ended.
    static func residentMebibytes(of process: Int32) -> Double? {
        guard let text = try? read("/proc/\(process)/statm") else { return nil }
        let words = text.split(separator: " ")
        guard words.count > 1, let pages = Double(words[1]) else { return nil }
        return pages * Double(sysconf(Int32(_SC_PAGESIZE))) / 1_048_576
    }

    /// What a process is called; nothing when it has ended.
    static func name(of process: Int32) -> String {
        ((try? read("/proc/\(process)/comm")) ?? "").split(separator: "\n").first.map(String.init) ?? ""
    }

    /// Memory that new programs could have, in bytes.
    static func availableMemory() throws -> Int {
        for line in try read("/proc/meminfo").split(separator: "\n") where line.hasPrefix("MemAvailable:") {
            if let kilobytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) {
                return kilobytes << 10
            }
        }
        throw MeasurementFailure("/proc/meminfo is odd")
    }

    /// Clock ticks that all processors together have worked, and that there were.
    static func processorTicks() throws -> (busy: Double, all: Double) {
        let words = try read("/proc/stat").split(separator: "\n")[0].split(separator: " ").dropFirst()
        let ticks = words.prefix(8).compactMap { Double($0) }
        guard ticks.count == 8 else { throw MeasurementFailure("/proc/stat is odd") }
        let all = ticks.reduce(0, +)
        return (all - ticks[3] - ticks[4], all)
    }

    private static func read(_ path: String) throws -> String {
        let file = try FileDescriptor.open(path, O_RDONLY)
        var (text, buffer): ([UInt8], [UInt8]) = ([], [UInt8](repeating: 0, count: 64 << 10))
        while true {
            let count = try file.read(into: &buffer)
            guard count > 0 else { return String(decoding: text, as: UTF8.self) }
            text += buffer.prefix(count)
        }
    }
}

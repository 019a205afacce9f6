import Glibc
import Posix

/// What the kernel knows of processors and processes.
enum Machine {
    /// The memory that this process holds, in MiB.
    static func residentMebibytes() throws -> Double {
        let file = try FileDescriptor.open("/proc/self/statm", O_RDONLY)
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = try file.read(into: &buffer)
        let words = String(decoding: buffer.prefix(count), as: UTF8.self).split(separator: " ")
        guard words.count > 1, let pages = Double(words[1]) else {
            throw MeasurementFailure("/proc/self/statm is odd")
        }
        return pages * Double(sysconf(Int32(_SC_PAGESIZE))) / 1_048_576
    }

    /// Processor time that this process has used, in seconds.
    static var processorSeconds: Double {
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return [usage.ru_utime, usage.ru_stime].reduce(0) {
            $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6
        }
    }

    /// How many processes want a processor, over the last minute.
    static func load() -> Double {
        var loads = [0.0]
        return unsafe getloadavg(&loads, 1) == 1 ? loads[0] : .nan
    }

    static func pause(microseconds: UInt32) { usleep(microseconds) }
}

/// How much memory the machine has left.
enum MachineMemory {
    /// Whether more than a sixteenth of it is there for who asks for it. So it is too where that cannot be told.
    static var isPlentiful: Bool { isPlentiful(Files.text("/proc/meminfo") ?? "") }

    /// The same by the text of /proc/meminfo (man 5 proc).
    static func isPlentiful(_ text: String) -> Bool {
        var numbers: [Substring: Int] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count >= 2, let kibibytes = Int(words[1]) { numbers[words[0]] = kibibytes }
        }
        guard let all = numbers["MemTotal:"], let available = numbers["MemAvailable:"] else { return true }
        return available > all / 16
    }
}

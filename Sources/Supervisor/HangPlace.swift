/// Where in its author's files a strategy was when it was asked, as Python's faulthandler tells it on standard error.
struct HangPlace: Equatable {
    let function: String
    let line: Int
    let file: String

    /// In a sentence.
    var words: String { "in \(function) at line \(line) of \(file)" }

    /// Takes the author's innermost line of the last trace, which begins with the call made last:
    ///
    ///     Stack (most recent call first):
    ///       File "/usr/lib/python3.11/threading.py", line 327 in wait
    ///       File "/bundle/strategy.py", line 9 in on_timer
    init?(in lines: [String]) {
        guard let head = lines.lastIndex(where: { $0.hasPrefix("Stack (most recent call first)") }) else {
            return nil
        }
        for line in lines[head...].dropFirst() {
            let start = "  File \"/bundle/"
            guard line.hasPrefix(start) else { continue }
            // A strategy may write what it likes there: what is not exactly of that form is not taken.
            let parts = line.dropFirst(start.count).split(separator: "\", line ", maxSplits: 1)
            guard parts.count == 2 else { return nil }
            let rest = parts[1].split(separator: " in ", maxSplits: 1)
            guard rest.count == 2, let number = Int(rest[0]), rest[1].utf8.count <= 100,
                parts[0].utf8.count <= 200
            else { return nil }
            (function, self.line, file) = (String(rest[1]), number, String(parts[0]))
            return
        }
        return nil
    }
}

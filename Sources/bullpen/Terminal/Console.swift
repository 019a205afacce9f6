import Glibc

/// Where a command writes.
enum Console {
    /// Writes a line for whoever asked.
    static func say(_ line: String) {
        write(line + "\n", to: 1)
    }

    /// Writes text as it is.
    static func write(_ text: String) {
        write(text, to: 1)
    }

    /// Writes one line on standard error.
    static func complain(_ message: String) {
        let line = message.split(whereSeparator: \.isNewline).joined(separator: " ")
        let word = Style(isOn: isTerminal(2)).red("bullpen:")
        write("\(word) \(line)\n", to: 2)
    }

    /// Writes text as it is on standard error.
    static func writeError(_ text: String) {
        write(text, to: 2)
    }

    /// Says something beside what was asked for, on standard error.
    static func note(_ words: String) {
        write("bullpen: \(harmless(words))\n", to: 2)
    }

    /// Colours for standard output, or none when it is no terminal.
    static let style = Style(isOn: isTerminal(1))

    static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// Control characters in text from elsewhere could steer the terminal; they are shown instead.
    static func harmless(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        return String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { isControl($0) ? UnicodeScalar(0xFFFD) ?? "?" : $0 }))
    }

    private static func isControl(_ scalar: UnicodeScalar) -> Bool {
        (scalar.value < 0x20 && scalar != "\t") || (0x7F...0x9F).contains(scalar.value)
            || (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count > 0 {
                bytes = bytes.dropFirst(count)
            } else if errno != EINTR {
                let number = errno
                // Nobody reads any more, as behind `head`: the rest is not wanted.
                if descriptor == 1, number == EPIPE { exit(ExitCode.ok.rawValue) }
                if descriptor == 1 {
                    complain("standard output takes nothing: \(unsafe String(cString: strerror(number)))")
                }
                exit(ExitCode.error.rawValue)
            }
        }
    }
}

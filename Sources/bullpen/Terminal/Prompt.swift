import Glibc
import Secrets

/// Asks the person at the terminal, or reads standard input when there is none.
enum Prompt {
    /// A line of plain text, such as a user's name.
    static func line(_ question: String) throws(CommandFailure) -> String {
        guard Console.isTerminal(0) else {
            throw .usage("\(question) is missing, and there is no terminal to ask at")
        }
        tell("\(question): ")
        guard let answer = readLine(), !answer.isEmpty else {
            throw CommandFailure(.error, "nothing was entered")
        }
        return answer
    }

    /// A password: typed without echo at a terminal, otherwise the first line of standard input.
    static func password(_ question: String) throws(CommandFailure) -> String {
        let text = Console.isTerminal(0) ? try typed(question) : readLine() ?? ""
        guard !text.isEmpty else { throw CommandFailure(.usage, "the password on standard input is empty") }
        return text
    }

    /// A new password: typed twice at a terminal, otherwise the first line of standard input.
    static func newPassword(_ question: String) throws(CommandFailure) -> String {
        let first = try password(question)
        guard Console.isTerminal(0) else { return first }
        guard try typed("\(question), again") == first else {
            throw CommandFailure(.error, "the two passwords are not the same")
        }
        return first
    }

    /// A secret, straight into locked memory as far as that can be.
    static func secret(_ question: String) throws(CommandFailure) -> LockedBytes {
        try locked(try password(question))
    }

    /// A new passphrase, typed twice at a terminal.
    static func newSecret(_ question: String) throws(CommandFailure) -> LockedBytes {
        try locked(try newPassword(question))
    }

    /// A venue's API key and its secret: asked for without echo at a terminal; otherwise the first line of standard input
    /// and all that follows, which may be a private key of several lines.
    static func keyPair() throws(CommandFailure) -> (apiKey: String, secret: String) {
        if Console.isTerminal(0) { return (try typed("API key"), try typed("Secret")) }
        let apiKey = readLine() ?? ""
        var lines: [String] = []
        while let line = readLine() { lines.append(line) }
        while lines.last?.isEmpty == true { lines.removeLast() }
        guard !apiKey.isEmpty, !lines.isEmpty else {
            throw .usage("standard input must hold the API key on its first line and the secret on the next")
        }
        return (apiKey, lines.joined(separator: "\n"))
    }

    private static func locked(_ text: String) throws(CommandFailure) -> LockedBytes {
        do throws(SecretFailure) {
            return try LockedBytes(Array(text.utf8))
        } catch {
            throw CommandFailure(.error, error.description)
        }
    }

    /// Whether the person agrees. Without a terminal nobody does.
    static func confirm(_ question: String) -> Bool {
        guard Console.isTerminal(0) else { return false }
        tell("\(question) [y/N] ")
        return ["y", "yes"].contains(readLine()?.lowercased())
    }

    private static func typed(_ question: String) throws(CommandFailure) -> String {
        var before = termios()
        guard unsafe tcgetattr(0, &before) == 0 else {
            throw CommandFailure(.error, "the terminal does not let its echo be turned off")
        }
        // Signals are turned off too, so that control-C cannot leave the terminal without echo.
        var silent = before
        silent.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG)
        guard unsafe tcsetattr(0, TCSAFLUSH, &silent) == 0 else {
            throw CommandFailure(.error, "the terminal does not let its echo be turned off")
        }
        defer {
            unsafe tcsetattr(0, TCSAFLUSH, &before)
            tell("\n")
        }
        tell("\(question): ")
        var collected: [UInt8] = []
        while true {
            var byte: UInt8 = 0
            guard unsafe read(0, &byte, 1) == 1 else { throw CommandFailure(.error, "nothing was entered") }
            switch byte {
            case 0x0A, 0x0D: return String(decoding: collected, as: UTF8.self)
            case 0x03, 0x04: throw CommandFailure(.error, "nothing was entered")
            case 0x08, 0x7F:
                var text = String(decoding: collected, as: UTF8.self)
                if !text.isEmpty { text.removeLast() }
                collected = Array(text.utf8)
            case 0x15: collected = []
            default: collected.append(byte)
            }
        }
    }

    private static func tell(_ text: String) {
        var bytes = Array(text.utf8)
        _ = unsafe write(2, &bytes, bytes.count)
    }
}

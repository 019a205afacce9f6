public import Trading

/// What a setting allows.
public enum SettingKind: Sendable {
    case integer(ClosedRange<Int>)
    case decimal(ClosedRange<FixedDecimal>)
    case boolean
    case text(TextForm)
    case texts(TextForm, atMost: Int)
    case duration(ClosedRange<Duration>)
    case choice([String])
}

/// What a text must look like.
public enum TextForm: Sendable {
    /// Any text without control characters.
    case free
    /// A path, absolute or from the working folder; may be empty.
    case path
    /// An IP address to listen on, or `localhost`.
    case address
    /// The name of a host, perhaps with a port.
    case hostName
    /// An instrument such as `BTCUSDT`.
    case symbol
    /// An address with its scheme; may be empty.
    case url

    var allowed: String {
        switch self {
        case .free: "text of at most 4096 bytes"
        case .path: "a path of at most 4096 bytes"
        case .address: "an IP address such as 127.0.0.1 or 0.0.0.0, or localhost"
        case .hostName: "a host name such as bullpen.example.org, perhaps with :port"
        case .url:
            "an address such as https://api.example.org or ws://127.0.0.1:9000, without spaces, ? and #"
        case .symbol: "capital letters, digits, - and _, at most 32, such as BTCUSDT"
        }
    }

    func takes(_ text: String) -> Bool {
        let bytes = text.utf8
        guard bytes.count <= 4096, bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return false }
        switch self {
        case .free, .path:
            return true
        case .address:
            let isVersion6 =
                text.contains(":")
                && bytes.allSatisfy { ($0 as UInt8).isHexDigit || $0 == UInt8(ascii: ":") || $0 == 0x2E }
            return text == "localhost" || Self.isVersion4(text) || isVersion6
        case .hostName:
            return (1...260).contains(bytes.count)
                && bytes.allSatisfy { $0.isLetterOrDigit || ".-:[]".utf8.contains($0) }
        case .url:
            let schemes = ["https://", "http://", "wss://", "ws://"]
            return bytes.isEmpty
                || schemes.contains { text.hasPrefix($0) && bytes.count > $0.utf8.count }
                    && bytes.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"?#@".utf8.contains($0) }
        case .symbol:
            return (1...32).contains(bytes.count)
                && bytes.allSatisfy { (0x41...0x5A).contains($0) || $0.isDigit || "-_".utf8.contains($0) }
        }
    }

    private static func isVersion4(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { part in UInt8(part) != nil && part.count <= 3 }
    }
}

extension SettingKind {
    /// What is allowed, in words that follow "allowed are" or "allowed is".
    public var allowed: String {
        switch self {
        case .integer(let range): "whole numbers from \(range.lowerBound) to \(range.upperBound)"
        case .decimal(let range): "decimals from \(range.lowerBound) to \(range.upperBound)"
        case .boolean: "true and false"
        case .text(let form): form.allowed
        case .texts(let form, let count): "a list of at most \(count), each \(form.allowed)"
        case .duration(let range):
            "a length of time such as \"30s\" from \(DurationText(range.lowerBound)) to "
                + "\(DurationText(range.upperBound)), in ms, s, m or h"
        case .choice(let words): words.joined(separator: ", ")
        }
    }

    /// Reads a value out of a file; nil when it is not allowed.
    func value(of written: TOMLValue) -> SettingValue? {
        switch (self, written) {
        case (.integer, .bare(let text)), (.decimal, .bare(let text)), (.decimal, .string(let text)),
            (.boolean, .bare(let text)), (.text, .string(let text)), (.duration, .string(let text)),
            (.choice, .string(let text)):
            return value(of: text)
        case (.texts, .strings(let texts)):
            return checked(texts)
        case (.integer, _), (.decimal, _), (.boolean, _), (.text, _), (.texts, _), (.duration, _),
            (.choice, _):
            return nil
        }
    }

    /// Reads a value out of a variable or a flag, where nothing is quoted; nil when it is not allowed.
    func value(of text: String) -> SettingValue? {
        switch self {
        case .integer(let range):
            guard let number = Int(text.filter { $0 != "_" }), range.contains(number) else { return nil }
            return .integer(number)
        case .decimal(let range):
            guard let decimal = FixedDecimal(text.filter { $0 != "_" }), range.contains(decimal) else {
                return nil
            }
            return .decimal(decimal)
        case .boolean:
            switch text {
            case "true": return .boolean(true)
            case "false": return .boolean(false)
            default: return nil
            }
        case .text(let form):
            return form.takes(text) ? .text(text) : nil
        case .texts:
            let parts = text.split(separator: ",").map { part in
                String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            }
            return checked(parts)
        case .duration(let range):
            guard let duration = DurationText.parse(text), range.contains(duration) else { return nil }
            return .duration(duration)
        case .choice(let words):
            return words.contains(text) ? .text(text) : nil
        }
    }

    private func checked(_ texts: [String]) -> SettingValue? {
        guard case .texts(let form, let count) = self, texts.count <= count, texts.allSatisfy(form.takes)
        else { return nil }
        return .texts(texts)
    }
}

extension UInt8 {
    var isDigit: Bool { (0x30...0x39).contains(self) }
    var isHexDigit: Bool { isDigit || (0x41...0x46).contains(self) || (0x61...0x66).contains(self) }
    var isLetterOrDigit: Bool { isDigit || (0x41...0x5A).contains(self) || (0x61...0x7A).contains(self) }
}

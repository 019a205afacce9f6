/// The name under which the venue knows our order.
///
/// It follows from strategy, run and order number alone, so a host that died between writing the intent and sending
/// it asks for the very order it would have sent. Letters, digits and `-` only, 36 characters at most, as the
/// strictest venue wants.
public struct ClientOrderID: Hashable, Sendable, CustomStringConvertible {
    /// Such as `bp-3q8f…-1z`.
    public let text: String

    /// Reads a name written earlier, ours or another's; nil unless it is 1 to 36 of `[A-Za-z0-9_-]`.
    public init?(_ text: String) {
        let bytes = text.utf8
        guard (1...36).contains(bytes.count), bytes.allSatisfy(Self.isAllowed) else { return nil }
        self.text = text
    }

    /// Names order number `order` of a run.
    public init(prefix: Prefix, order: OrderID) {
        text = prefix.text + String(order.number, radix: 36)
    }

    /// The order number inside, when the name has our form. Compare the whole name before believing it.
    public var order: OrderID? {
        let bytes = text.utf8
        guard let dash = bytes.lastIndex(of: UInt8(ascii: "-")), dash > bytes.startIndex else { return nil }
        var number: Int64 = 0
        let digits = bytes[bytes.index(after: dash)...]
        guard (1...10).contains(digits.count) else { return nil }
        for byte in digits {
            switch byte {
            case 0x30...0x39: number = number * 36 + Int64(byte - 0x30)
            case 0x61...0x7A: number = number * 36 + Int64(byte - 0x61 + 10)
            default: return nil
            }
        }
        return OrderID(number)
    }

    /// The name itself.
    public var description: String { text }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }

    /// What the orders of one run have in common; made once per run.
    public struct Prefix: Hashable, Sendable {
        let text: String

        /// Hashes strategy and run (FNV-1a, 128 bits, of which 110 are kept) into 22 characters.
        public init(strategy: StrategyID, run: RunID) {
            var hash: UInt128 = 0x6C62_272E_07BB_0142_62B8_2175_6295_C58D
            func take(_ byte: UInt8) {
                hash = (hash ^ UInt128(byte)) &* 0x0000_0000_0100_0000_0000_0000_0000_013B
            }
            strategy.text.utf8.forEach(take)
            take(0xFF)
            run.text.utf8.forEach(take)
            let alphabet = Array("0123456789abcdefghijklmnopqrstuv".utf8)
            var characters: [UInt8] = Array("bp-".utf8)
            for _ in 0..<22 {
                characters.append(alphabet[Int(hash & 31)])
                hash >>= 5
            }
            characters.append(UInt8(ascii: "-"))
            text = String(decoding: characters, as: UTF8.self)
        }
    }
}

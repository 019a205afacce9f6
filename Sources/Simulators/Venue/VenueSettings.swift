import Trading
import Wire

/// A fact of an exchange's protocol that is unsure, or that somebody may want to be otherwise.
struct VenueSetting: Sendable {
    enum Kind: Sendable {
        case integer(ClosedRange<Int>)
        case choice([String])
        case text
        case decimal
    }

    let name: String
    let kind: Kind
    let standard: String
    /// One line: what it means and how sure the default is.
    let explanation: String

    static func integer(
        _ name: String, _ standard: Int, _ range: ClosedRange<Int>, _ explanation: String
    ) -> VenueSetting {
        VenueSetting(name: name, kind: .integer(range), standard: String(standard), explanation: explanation)
    }

    static func choice(_ name: String, _ words: [String], _ explanation: String) -> VenueSetting {
        VenueSetting(name: name, kind: .choice(words), standard: words[0], explanation: explanation)
    }

    static func text(_ name: String, _ standard: String, _ explanation: String) -> VenueSetting {
        VenueSetting(name: name, kind: .text, standard: standard, explanation: explanation)
    }

    static func decimal(_ name: String, _ standard: String, _ explanation: String) -> VenueSetting {
        VenueSetting(name: name, kind: .decimal, standard: standard, explanation: explanation)
    }

    /// What values it takes, in words.
    var values: String {
        switch kind {
        case .integer(let range): "\(range.lowerBound) to \(range.upperBound)"
        case .choice(let words): words.joined(separator: " | ")
        case .text: "any text"
        case .decimal: "a decimal, not below 0"
        }
    }

    /// What every simulator has.
    static let clockOffset = integer(
        "clock_offset_ms", 0, -86_400_000...86_400_000,
        "How far the exchange's clock is ahead of this machine's.")
    static let depth = decimal(
        "depth", "250000", "At least so much, in quote currency, can be had at once at the best price.")
    static let largestFill = decimal(
        "largest_fill", "0",
        "At most so much, in base currency, is there at the best price until it changes; 0: no limit. Small values make "
            + "orders fill in parts.")

    static let dateSkew = integer(
        "date_skew_ms", 0, -3_600_000...3_600_000,
        "How far the `Date` header is ahead of the exchange's clock: nobody says that it is precise (unsure)."
    )

    static let common = [clockOffset, dateSkew, depth, largestFill]
}

/// The settings of one simulator, as they stand.
final class VenueSettings {
    let all: [VenueSetting]
    private var values: [String: String] = [:]

    init(_ all: [VenueSetting]) { self.all = VenueSetting.common + all }

    /// Sets one by name.
    func set(_ name: String, _ text: String) throws(FieldFailure) {
        guard let setting = all.first(where: { $0.name == name }) else {
            throw FieldFailure(
                field: name, reason: "is no setting; there are \(all.map(\.name).joined(separator: ", "))")
        }
        let isAllowed: Bool
        switch setting.kind {
        case .integer(let range): isAllowed = Int(text).map { range.contains($0) } ?? false
        case .choice(let words): isAllowed = words.contains(text)
        case .text: isAllowed = true
        case .decimal: isAllowed = FixedDecimal(text).map { !$0.isNegative } ?? false
        }
        guard isAllowed else {
            throw FieldFailure(field: name, reason: "is \"\(text.prefix(64))\"; allowed: \(setting.values)")
        }
        values[name] = text
    }

    func text(_ setting: VenueSetting) -> String { values[setting.name] ?? setting.standard }
    func integer(_ setting: VenueSetting) -> Int { Int(text(setting)) ?? 0 }
    func decimal(_ setting: VenueSetting) -> FixedDecimal { FixedDecimal(text(setting)) ?? .zero }
    func milliseconds(_ setting: VenueSetting) -> Int64 { Int64(integer(setting)) }

    var json: JSONValue {
        .array(
            all.map {
                .members([
                    "name": .string($0.name), "value": .string(text($0)), "standard": .string($0.standard),
                    "allowed": .string($0.values), "explanation": .string($0.explanation),
                ])
            })
    }
}

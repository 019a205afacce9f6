import Trading
public import Wire

/// An API key of the simulated exchange. Play money: it may stand in files and scripts.
public struct SimulatorKey: Sendable {
    /// What a key may be good for.
    public enum Right: String, Hashable, Sendable, CaseIterable {
        case read
        case trade
        case withdraw
    }

    let key: String
    let secret: [UInt8]
    let account: AccountID
    let rights: Set<Right>

    /// Describes a key.
    public init(
        key: String, secret: String, account: String = "main", rights: Set<Right> = [.read, .trade]
    ) {
        self.key = key
        self.secret = Array(secret.utf8)
        self.account = AccountID(account)
        self.rights = rights
    }

    /// Reads `[{"key":…,"secret":…,"account":…,"rights":["read","trade"]}]`, the last two of which may be left out.
    public static func list(_ value: JSONValue) throws(FieldFailure) -> [SimulatorKey] {
        guard let items = value.arrayValue else {
            throw FieldFailure(field: "", reason: "must be an array of keys, not \(value.kind)")
        }
        var keys: [SimulatorKey] = []
        for (index, item) in items.enumerated() {
            var reader = try ObjectReader(item, path: "[\(index)]")
            let key = try reader.string("key", bytes: 128)
            let secret = try reader.string("secret", bytes: 128)
            let account = try reader.optionalString("account", bytes: 64) ?? "main"
            var rights: Set<Right> = [.read, .trade]
            if let words = reader.optional("rights") {
                rights = []
                for word in words.arrayValue ?? [] {
                    guard let right = word.stringValue.flatMap({ Right(rawValue: $0) }) else {
                        throw reader.failure("rights", "holds read, trade and withdraw")
                    }
                    rights.insert(right)
                }
            }
            try reader.finish()
            guard !key.isEmpty, !secret.isEmpty, !keys.contains(where: { $0.key == key }) else {
                throw reader.failure("key", "is empty or stands twice, or the secret is empty")
            }
            keys.append(SimulatorKey(key: key, secret: secret, account: account, rights: rights))
        }
        return keys
    }
}

/// The keys that the exchange knows.
struct Keyring {
    private let keys: [String: SimulatorKey]

    init(_ keys: [SimulatorKey]) {
        self.keys = Dictionary(keys.map { ($0.key, $0) }) { first, _ in first }
    }

    var accounts: [AccountID] { Set(keys.values.map(\.account)).sorted() }

    subscript(key: String) -> SimulatorKey? { keys[key] }
}

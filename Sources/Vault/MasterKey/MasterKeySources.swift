public import Secrets

/// Where a master key may come from, in the order in which they are tried: a systemd credential, a file, a passphrase.
public struct MasterKeySources: Sendable {
    /// `$CREDENTIALS_DIRECTORY`, in which systemd lays what `LoadCredential=` and `LoadCredentialEncrypted=` name.
    public var credentialsFolder: String?
    /// The key file's path.
    public var file: String
    /// What somebody typed, or nil.
    public var passphrase: LockedBytes?
    /// A file that holds the key in force and that neither of the others is; for a rotation alone.
    public var current: String?

    /// The names of systemd's credentials: the key, and during a change the one to come.
    public static let credentialNames = ["bullpen-master-key", "bullpen-master-key-next"]

    /// Names the sources.
    public init(credentialsFolder: String? = nil, file: String, passphrase: LockedBytes? = nil) {
        self.credentialsFolder = credentialsFolder
        self.file = file
        self.passphrase = passphrase
    }

    /// Where a new key lies while a rotation is under way.
    var nextFile: String { file + ".new" }
    /// Where the key before the last rotation lies.
    var formerFile: String { file + ".old" }

    /// The first source's key that `record` names; without a record, the first that there is.
    func key(for record: MasterKeyRecord?) throws(VaultFailure) -> MasterKey? {
        var seen: [String] = []
        if let current, record != nil {
            guard let bytes = try KeyFile.read(current) else {
                throw .conflict("there is no file \(current)")
            }
            let key = MasterKey(bytes, .systemd, path: current)
            if record?.id == key.id { return key }
            seen.append(current)
        }
        if let folder = credentialsFolder {
            for name in Self.credentialNames {
                let path = "\(folder)/\(name)"
                guard let bytes = try KeyFile.read(path, isPrivate: false) else { continue }
                let key = MasterKey(bytes, .systemd, path: path)
                if record == nil || record?.id == key.id { return key }
                seen.append("the systemd credential \(name)")
            }
        }
        // The one to come counts only where the record names it: a rotation that was cut short may have left it unused.
        for path in [file] + (record == nil ? [] : [nextFile]) {
            guard let bytes = try KeyFile.read(path) else { continue }
            let key = MasterKey(bytes, .file, path: path)
            if record == nil || record?.id == key.id { return key }
            seen.append(path)
        }
        if let passphrase, let parameters = record?.parameters {
            let key = try parameters.key(from: passphrase)
            if record?.id == key.id { return key }
            seen.append("the passphrase")
        }
        guard let record else { return nil }
        guard seen.isEmpty else {
            throw .closed(
                "\(seen.joined(separator: ", ")): that is not the master key that its credentials are sealed with "
                    + "(\(record.id.prefix(8)), from \(record.origin.words))")
        }
        throw .closed("its master key is missing; it came from \(record.origin.words)")
    }
}

/// What the database knows of the master key in force.
struct MasterKeyRecord: Hashable, Sendable {
    var id: String
    var origin: MasterKey.Origin
    /// How the passphrase becomes the key.
    var parameters: PassphraseParameters?
}

/// The cost and the salt of a passphrase's key.
struct PassphraseParameters: Hashable, Sendable {
    var cost: PassphraseKey
    var salt: [UInt8]

    /// With a salt of its own.
    static func make(_ cost: PassphraseKey) throws(VaultFailure) -> PassphraseParameters {
        let salt = try locked { () throws(SecretFailure) in try LockedBytes.random(16) }
        return PassphraseParameters(cost: cost, salt: unsafe salt.withBytes { unsafe Array($0) })
    }

    func key(from passphrase: LockedBytes) throws(VaultFailure) -> MasterKey {
        guard cost.isBearable, !salt.isEmpty else {
            throw .closed("its record asks for more than any passphrase costs")
        }
        let bytes = try locked { () throws(SecretFailure) in try cost.derive(from: passphrase, salt: salt) }
        return MasterKey(bytes, .passphrase)
    }
}

extension MasterKey.Origin {
    var words: String {
        switch self {
        case .systemd: "a systemd credential"
        case .file: "a key file"
        case .passphrase: "a passphrase"
        }
    }
}

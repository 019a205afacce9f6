internal import FoundationEssentials
public import Secrets
internal import Trading
public import Vault

extension DataFolders {
    /// Where this host's master key may come from.
    func masterKeySources(_ settings: Configuration.Vault, passphrase: LockedBytes?) -> MasterKeySources {
        Host.masterKeySources(settings, folder: root, passphrase: passphrase)
    }
}

extension Host {
    /// Where the master key of the vault in `folder` may come from: systemd's credentials, a file, a passphrase.
    public static func masterKeySources(
        _ settings: Configuration.Vault, folder: String, passphrase: LockedBytes? = nil
    ) -> MasterKeySources {
        let systemd = ProcessInfo.processInfo.environment["CREDENTIALS_DIRECTORY"]
        return MasterKeySources(
            credentialsFolder: systemd.flatMap { $0.isEmpty ? nil : $0 },
            file: settings.keyFile.isEmpty ? DataFolders(root: folder).masterKey : settings.keyFile,
            passphrase: passphrase)
    }

    /// The exchanges that keys may be for.
    static let venues = KnownVenue.allCases.map {
        VenueTraits(name: $0.rawValue, hasTestnet: $0.environments.contains(.testnet))
    }
}

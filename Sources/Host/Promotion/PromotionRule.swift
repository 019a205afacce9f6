internal import Lab
internal import Trading

/// Which accounts take promoted versions only.
struct PromotionRule: Hashable, Sendable {
    let requirement: Configuration.Promotion.Requirement
    let venues: Configuration.Venues

    /// How far a version must have come to be started on an account; nil where any may be.
    func stage(for account: AccountSetup) -> PromotionStage? {
        guard let exchange = account.exchange else { return requirement == .everything ? .paper : nil }
        switch (requirement, exchange.environment) {
        case (.nothing, _), (.realMoney, .testnet): return nil
        case (.exchanges, .testnet), (.everything, .testnet): return .paper
        case (.exchanges, .live), (.everything, .live): return .live
        case (.realMoney, .live): return isOnThisMachine(exchange.venue) ? nil : .live
        }
    }

    /// How far a package must have come to be deployed on an account, whatever the setting says.
    static func stageToDeploy(on account: AccountSetup) -> PromotionStage {
        account.exchange?.environment == .live ? .live : .paper
    }

    /// What answers on this machine is a simulator, not an exchange.
    private func isOnThisMachine(_ venue: KnownVenue) -> Bool {
        let address =
            switch venue {
            case .binance: venues.binance
            case .coindcx: venues.coindcx
            case .coinspot: venues.coinspot
            }
        // As in https://user@host:port/path, of which only the host counts.
        let authority = address.split(separator: "/", omittingEmptySubsequences: true).dropFirst().first ?? ""
        let place = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
        if place.hasPrefix("[") { return place.hasPrefix("[::1]") }
        let host = place.prefix { $0 != ":" }
        return host == "localhost" || Self.isLoopback(host)
    }

    /// Whether it is an IPv4 address of 127.0.0.0/8; a name that begins like one is none.
    private static func isLoopback(_ host: Substring) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}

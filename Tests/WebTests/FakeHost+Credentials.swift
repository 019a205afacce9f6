import Host
import Trading
import Wire

@testable import Vault

/// Credentials of a pretended host: `key-ann` is Ann's, `key-bob` Bob's.
extension FakeHost {
    private static let now = Timestamp(milliseconds: 1_800_000_000_000)

    static func view(_ owner: String) -> CredentialView {
        CredentialView(
            Credential(
                id: "key-\(owner)", owner: owner, name: "binance", venue: "binance", environment: .testnet,
                account: nil, maskedKey: "vmPU…Eh8A", isActive: false, traders: [], createdAt: now,
                rotatedAt: now,
                check: KeyCheck(
                    .works, at: now, canWithdraw: true, clockOffsetMilliseconds: 12, currencies: 2)),
            at: now)
    }

    func owner(ofCredential id: String) async throws(HostError) -> String {
        try await credential(id).credential.owner
    }

    func credentials(owner: String?) async throws(HostError) -> [CredentialView] {
        ["ann", "bob"].filter { owner == nil || $0 == owner }.map(Self.view)
    }

    func credential(_ id: String) async throws(HostError) -> CredentialView {
        switch id {
        case "key-ann": Self.view("ann")
        case "key-bob": Self.view("bob")
        default: throw .notFound(kind: "credential", id: id)
        }
    }

    func addCredential(_ body: JSONValue, by: String) async throws(HostError) -> CredentialView {
        note("add credential \(body["venue"]?.stringValue ?? "-") by \(by)")
        guard body["secret"] != nil else {
            throw .invalid(FieldFailure(field: "secret", reason: "is missing"))
        }
        return Self.view(by)
    }

    func changeCredential(
        _ id: String, _ body: JSONValue, by: String
    ) async throws(HostError) -> CredentialView {
        note("change \(id) by \(by)")
        return try await credential(id)
    }

    func testCredential(_ id: String, by: String) async throws(HostError) -> CredentialView {
        note("test \(id) by \(by)")
        return try await credential(id)
    }

    func rotateCredential(
        _ id: String, _ body: JSONValue, by: String
    ) async throws(HostError) -> CredentialView {
        note("rotate \(id) by \(by)")
        return try await credential(id)
    }

    func removeCredential(_ id: String, by: String) async throws(HostError) {
        note("remove \(id) by \(by)")
    }
}

public import Wire

/// What the faces may ask of the vault.
///
/// Whether the asker may is decided before, by `AccessPolicy`, with ``owner(ofCredential:)``; which members of a body only an
/// operator sets, too. A body that holds a secret is never logged, recorded or kept.
public protocol CredentialService: Sendable {
    /// The owner of a credential.
    func owner(ofCredential id: String) async throws(HostError) -> String
    /// Every credential, or those of one owner, oldest first.
    func credentials(owner: String?) async throws(HostError) -> [CredentialView]
    /// One credential.
    func credential(_ id: String) async throws(HostError) -> CredentialView
    /// Tries a key at its venue and keeps it; `body` is the request's body.
    func addCredential(_ body: JSONValue, by: String) async throws(HostError) -> CredentialView
    /// Changes the given members.
    func changeCredential(_ id: String, _ body: JSONValue, by: String) async throws(HostError)
        -> CredentialView
    /// Tries it at its venue now.
    func testCredential(_ id: String, by: String) async throws(HostError) -> CredentialView
    /// Puts a new key in the place of the old one, while strategies trade.
    func rotateCredential(_ id: String, _ body: JSONValue, by: String) async throws(HostError)
        -> CredentialView
    /// Forgets it.
    func removeCredential(_ id: String, by: String) async throws(HostError)
}

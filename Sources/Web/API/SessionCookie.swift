/// The cookie that carries a session's secret.
enum SessionCookie {
    static let name = "bullpen_session"

    /// Scripts cannot read it, other sites do not get it sent, and under TLS it never goes out in the clear.
    static func set(_ secret: String, seconds: Int, isSecure: Bool) -> String {
        "\(name)=\(secret); Path=/; HttpOnly; SameSite=Strict; Max-Age=\(seconds)"
            + (isSecure ? "; Secure" : "")
    }

    static func clear(isSecure: Bool) -> String { set("", seconds: 0, isSecure: isSecure) }
}

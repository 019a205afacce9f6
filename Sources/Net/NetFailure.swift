internal import CNet

/// Why a request got no whole response.
///
/// It names the server and never the path, the query, a header or a body: those may hold a secret.
public struct NetFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What programs switch on.
    public enum Code: String, Hashable, Sendable {
        case badRequest, notResolved, notConnected, untrusted, timedOut, interrupted, tooLarge, fileUnreadable
        case cancelled
    }

    /// What happened.
    public let code: Code
    /// Scheme, host and port.
    public let server: String
    /// libcurl's own number, 0 when it was not libcurl.
    public let curlCode: Int
    /// Whether the server may have received the request, or a part of it.
    ///
    /// False is a proof: no byte of the request was handed to the kernel or to TLS, which encrypts whole records. So it
    /// was with a name that was not found, a connection that was refused or not made in time, and a certificate that was
    /// not trusted.
    public let mayHaveArrived: Bool

    init(_ code: Code, server: String, curlCode: Int = 0, mayHaveArrived: Bool) {
        self.code = code
        self.server = server
        self.curlCode = curlCode
        self.mayHaveArrived = mayHaveArrived
    }

    init(curl result: Int32, server: String, isTooLarge: Bool, mayHaveArrived: Bool) {
        let code: Code
        switch UInt32(bitPattern: result) {
        case _ where isTooLarge, CURLE_FILESIZE_EXCEEDED.rawValue: code = .tooLarge
        case CURLE_URL_MALFORMAT.rawValue, CURLE_UNSUPPORTED_PROTOCOL.rawValue: code = .badRequest
        case CURLE_COULDNT_RESOLVE_HOST.rawValue, CURLE_COULDNT_RESOLVE_PROXY.rawValue: code = .notResolved
        case CURLE_COULDNT_CONNECT.rawValue: code = .notConnected
        case CURLE_OPERATION_TIMEDOUT.rawValue: code = .timedOut
        case CURLE_PEER_FAILED_VERIFICATION.rawValue, CURLE_SSL_CONNECT_ERROR.rawValue,
            CURLE_SSL_CERTPROBLEM.rawValue, CURLE_SSL_CACERT_BADFILE.rawValue:
            code = .untrusted
        case CURLE_READ_ERROR.rawValue, CURLE_FILE_COULDNT_READ_FILE.rawValue: code = .fileUnreadable
        default: code = .interrupted
        }
        self.init(code, server: server, curlCode: Int(result), mayHaveArrived: mayHaveArrived)
    }

    /// What happened, in one line for a person.
    public var description: String {
        switch code {
        case .badRequest: "\(server) is not an address that can be asked"
        case .notResolved: "no server of that name: \(server)"
        case .notConnected: "nothing answers at \(server)"
        case .untrusted: "the certificate of \(server) is not trusted or TLS failed"
        case .timedOut: "\(server) took too long to answer"
        case .interrupted: "the connection to \(server) broke (libcurl \(curlCode))"
        case .tooLarge: "the answer of \(server) is larger than is taken"
        case .fileUnreadable: "the file to send cannot be read"
        case .cancelled: "the request to \(server) was cancelled"
        }
    }
}

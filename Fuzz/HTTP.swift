import HTTPMessages

@testable import Web

/// Requests one after another on one connection: the same however their bytes are cut.
func fuzzHTTP(_ bytes: [UInt8]) {
    let whole = read(bytes, pieceSize: bytes.count + 1)
    precondition(read(bytes, pieceSize: 1) == whole, "the same bytes in pieces gave other requests")
    precondition(read(bytes, pieceSize: 7) == whole, "the same bytes in pieces gave other requests")
    // A form's body, with its content type on the first line.
    if let end = bytes.firstIndex(of: 0x0A) {
        let type = String(decoding: bytes[..<end], as: UTF8.self)
        _ = try? MultipartForm(Array(bytes[(end + 1)...]), contentType: type)
    }
}

private func read(_ bytes: [UInt8], pieceSize: Int) -> [String] {
    var parser = RequestParser { _ in RequestOrigin(peer: "fuzz", isSecure: false) }
    var seen: [String] = []
    var body: [UInt8] = []
    var rest = bytes[...]
    while true {
        let piece = rest.prefix(pieceSize)
        rest = rest.dropFirst(piece.count)
        parser.append(piece)
        steps: while true {
            switch parser.next() {
            case .needsMore: break steps
            case .head(let head, let persists, _, let isComplete):
                precondition(
                    head.target.path.hasPrefix("/") || head.target.path == "*", "a path does not begin")
                _ = head.cookie("bullpen_session")
                seen.append(
                    "\(head.method) \(head.target) \(head.headers.fields.map { "\($0.name): \($0.value)" }) "
                        + "\(String(describing: head.contentLength)) \(persists) \(isComplete)")
            case .body(let piece): body += piece
            case .end:
                seen.append("\(body)")
                body = []
                parser.startNext()
            case .failure(let failure): return seen + ["\(failure.status.code)"]
            }
        }
        if rest.isEmpty { return seen + ["\(body)"] }
    }
}

import HTTPMessages

/// Reads a `multipart/form-data` body (RFC 7578) that is all there. Strict: nothing before the first boundary or
/// behind the last, every part named, no name twice.
struct MultipartForm: Sendable {
    /// One field.
    struct Part: Hashable, Sendable {
        let name: String
        /// The file's name without folders; nil for a field that is no file.
        let fileName: String?
        let content: ArraySlice<UInt8>
    }

    /// Why a body is no form, in words.
    struct Failure: Error, Hashable, Sendable {
        let reason: String
    }

    /// The most parts, and the most bytes of one part's headers.
    static let partLimit = 16
    static let headLimit = 4096

    private(set) var parts: [Part] = []

    /// - Parameter contentType: The request's `Content-Type`, which names the boundary.
    init(_ body: [UInt8], contentType: String) throws(Failure) {
        guard let boundary = Self.boundary(contentType) else {
            throw Failure(reason: "Content-Type names no boundary")
        }
        let delimiter = Array("--\(boundary)".utf8)
        guard body.starts(with: delimiter) else {
            throw Failure(reason: "the form does not begin with its boundary")
        }
        var rest = body[delimiter.count...]
        while true {
            if rest.elementsEqual("--".utf8) || rest.elementsEqual("--\r\n".utf8) { return }
            guard rest.starts(with: "\r\n".utf8) else {
                throw Failure(reason: "a boundary is followed by other text")
            }
            rest = rest.dropFirst(2)
            guard parts.count < Self.partLimit else {
                throw Failure(reason: "the form has more than \(Self.partLimit) parts")
            }
            guard let end = Self.find([0x0D, 0x0A] + delimiter, in: rest) else {
                throw Failure(reason: "the form ends inside a part")
            }
            let part = try Self.part(rest[rest.startIndex..<end])
            guard !parts.contains(where: { $0.name == part.name }) else {
                throw Failure(reason: "the field \"\(part.name.prefix(64))\" stands twice")
            }
            parts.append(part)
            rest = rest[(end + 2 + delimiter.count)...]
        }
    }

    private static func part(_ bytes: ArraySlice<UInt8>) throws(Failure) -> Part {
        guard let end = find(Array("\r\n\r\n".utf8), in: bytes.prefix(headLimit)) else {
            throw Failure(reason: "a part has no headers or too long ones")
        }
        guard let head = String(validating: bytes[bytes.startIndex..<end], as: UTF8.self) else {
            throw Failure(reason: "a part's headers are not UTF-8")
        }
        var disposition: Substring?
        // In Swift a carriage return and a line feed are one character.
        for line in head.split(separator: "\r\n", omittingEmptySubsequences: false) {
            guard let colon = line.firstIndex(of: ":") else {
                throw Failure(reason: "a part's header is malformed")
            }
            switch line[..<colon].lowercased() {
            case "content-disposition":
                guard disposition == nil else { throw Failure(reason: "a part has two dispositions") }
                disposition = line[line.index(after: colon)...].trimmed
            case "content-transfer-encoding":
                let coding = line[line.index(after: colon)...].trimmed.lowercased()
                guard ["binary", "8bit", "7bit"].contains(coding) else {
                    throw Failure(reason: "the transfer coding \(coding.prefix(32)) is not taken")
                }
            default: break
            }
        }
        guard let disposition, let parameters = HeaderParameters(disposition),
            parameters.value == "form-data",
            let name = parameters["name"], !name.isEmpty
        else { throw Failure(reason: "a part has no name") }
        return Part(name: name, fileName: parameters["filename"].map(baseName), content: bytes[(end + 4)...])
    }

    /// What stands behind the last slash: some browsers send whole paths.
    private static func baseName(_ path: String) -> String {
        String(path.split(omittingEmptySubsequences: false) { $0 == "/" || $0 == "\\" }.last ?? "")
    }

    private static func boundary(_ contentType: String) -> String? {
        guard let parameters = HeaderParameters(contentType[...]), parameters.value == "multipart/form-data",
            let boundary = parameters["boundary"], (1...70).contains(boundary.utf8.count),
            boundary.last != " "
        else { return nil }
        let marks = Set("'()+_,-./:=? ".utf8)
        let isTaken = boundary.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: marks.contains(byte)
            }
        }
        return isTaken ? boundary : nil
    }

    /// Where `pattern` begins, by Horspool's method.
    static func find(_ pattern: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
        let length = pattern.count
        guard length > 0, bytes.count >= length else { return nil }
        var shift = [Int](repeating: length, count: 256)
        for (index, byte) in pattern.dropLast().enumerated() { shift[Int(byte)] = length - 1 - index }
        var position = bytes.startIndex
        let last = bytes.endIndex - length
        while position <= last {
            var index = length - 1
            while bytes[position + index] == pattern[index] {
                if index == 0 { return position }
                index -= 1
            }
            position += shift[Int(bytes[position + length - 1])]
        }
        return nil
    }
}

/// A header's value with its parameters: `form-data; name="a"; filename="b"`.
struct HeaderParameters {
    /// What stands before the parameters, in lower case.
    let value: String
    private var parameters: [String: String] = [:]

    /// Nil when it is malformed or a parameter stands twice.
    init?(_ text: Substring) {
        var rest = text
        value = rest.prefix { $0 != ";" }.trimmed.lowercased()
        rest = rest.drop { $0 != ";" }
        while rest.first == ";" {
            rest = rest.dropFirst().drop { $0 == " " || $0 == "\t" }
            if rest.isEmpty { break }
            let name = rest.prefix { $0 != "=" && $0 != ";" }.trimmed.lowercased()
            rest = rest.drop { $0 != "=" && $0 != ";" }
            guard rest.first == "=", !name.isEmpty else { return nil }
            rest = rest.dropFirst()
            var value = ""
            if rest.first == "\"" {
                guard let quoted = Self.quoted(&rest) else { return nil }
                value = quoted
            } else {
                value = String(rest.prefix { $0 != ";" }.trimmed)
                rest = rest.drop { $0 != ";" }
            }
            guard parameters.updateValue(value, forKey: name) == nil else { return nil }
        }
        guard rest.isEmpty else { return nil }
    }

    /// A parameter's value. `name*=utf-8''…` (RFC 8187) stands for `name` where that is missing.
    subscript(name: String) -> String? {
        if let value = parameters[name] { return value }
        guard let extended = parameters[name + "*"], extended.lowercased().hasPrefix("utf-8''") else {
            return nil
        }
        return RequestTarget.decoded(Array(extended.dropFirst(7).utf8)[...], plusIsSpace: false)
    }

    private static func quoted(_ rest: inout Substring) -> String? {
        rest = rest.dropFirst()
        var value = ""
        while let character = rest.popFirst() {
            if character == "\"" {
                rest = rest.drop { $0 == " " || $0 == "\t" }
                return value
            }
            // Browsers write %22 for a quotation mark and leave backslashes alone (WHATWG HTML, 4.10.21.8); others
            // write \" as the RFC has it.
            if character == "\\", rest.first == "\"" || rest.first == "\\" {
                value.append(rest.removeFirst())
            } else {
                value.append(character)
            }
        }
        return nil
    }
}

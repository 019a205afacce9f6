import FoundationEssentials
import TestSupport

/// One file of the sources.
struct SourceFile: Sendable {
    /// Below the package's root, such as `Sources/Wire/Line.swift`.
    let path: String
    let lines: [String]

    /// The target it belongs to.
    var target: String { String(path.split(separator: "/")[1]) }

    /// The modules it imports.
    var imports: [String] {
        lines.compactMap { line in
            let words = line.split(separator: " ").map { String($0) }
            guard let index = words.firstIndex(of: "import"), index + 1 < words.count,
                words[..<index].allSatisfy({ $0.hasPrefix("@") || importWords.contains($0) })
            else { return nil }
            // `import struct Foundation.Date` names the module behind the kind.
            let name = importKinds.contains(words[index + 1]) ? words[index + 2] : words[index + 1]
            return String(name.prefix { $0 != "." })
        }
    }

    /// Lines with their numbers, without comments and without what stands in quotation marks.
    let code: [(number: Int, text: String)]

    private init(path: String, lines: [String]) {
        self.path = path
        self.lines = lines
        code = lines.enumerated().map { index, line in (index + 1, Self.stripped(line)) }
    }

    /// Whether a comment stands on the line or on one of the two above it.
    func hasComment(near number: Int) -> Bool {
        lines[max(0, number - 3)..<number].contains { $0.contains("//") }
    }

    private static func stripped(_ line: String) -> String {
        guard line.utf8.contains(where: { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "/") }) else {
            return line
        }
        var text: [UInt8] = []
        var isQuoted = false
        var previous: UInt8 = 0
        for byte in line.utf8 {
            if byte == UInt8(ascii: "\""), previous != UInt8(ascii: "\\") {
                isQuoted.toggle()
            } else if !isQuoted {
                if byte == UInt8(ascii: "/"), previous == byte {
                    return String(decoding: text.dropLast(), as: UTF8.self)
                }
                text.append(byte)
            }
            previous = byte
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Every file with one of the given endings below `folder`.
    static func all(in folder: String, endings: [String]) throws -> [SourceFile] {
        let root = Places.package + "/" + folder
        return try FileManager.default.subpathsOfDirectory(atPath: root).sorted().compactMap { path in
            guard endings.contains(where: { path.hasSuffix($0) }),
                let data = FileManager.default.contents(atPath: root + "/" + path)
            else { return nil }
            let text = String(decoding: data, as: UTF8.self)
            return SourceFile(
                path: folder + "/" + path,
                lines: text.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) })
        }
    }
}

private let importWords: Set<String> = ["public", "internal", "private", "fileprivate", "package"]
private let importKinds: Set<String> = [
    "struct", "class", "enum", "protocol", "func", "var", "let", "typealias",
]

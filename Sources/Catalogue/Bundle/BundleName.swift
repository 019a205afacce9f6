/// Decides which names may stand in a bundle.
///
/// Strict rather than clever: a name that some system would read differently is refused, not mended.
enum BundleName {
    static let maximumBytes = 200
    static let maximumDepth = 8

    /// What is wrong with the name of a file, or nil.
    static func flaw(_ name: String) -> String? {
        if name.isEmpty { return "has no name" }
        if name.utf8.count > maximumBytes { return "has a name longer than \(maximumBytes) bytes" }
        if name.hasPrefix("/") { return "has an absolute path" }
        if name.contains("\\") { return "has a backslash in its name" }
        if hasDriveLetter(name) { return "has a drive letter in its name" }
        if name.unicodeScalars.contains(where: isHidden) {
            return "has a control character in its name"
        }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        if parts.contains("..") { return "leaves the bundle's folder with .." }
        if parts.contains(".") || parts.contains("") { return "has an empty or . part in its path" }
        if parts.count > maximumDepth { return "lies deeper than \(maximumDepth) folders" }
        return nil
    }

    /// A form in which names are alike that one file system or another takes for the same.
    ///
    /// Swift compares strings by canonical equivalence, so that composed and decomposed letters are alike too.
    static func alike(_ name: String) -> String { name.lowercased() }

    /// The name for a person: what cannot be seen is written as an escape, what is long is cut.
    static func printable(_ bytes: some Collection<UInt8>) -> String {
        var text = ""
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars.prefix(maximumBytes) {
            text += isHidden(scalar) ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
        }
        return text
    }

    private static func hasDriveLetter(_ name: String) -> Bool {
        let start = Array(name.utf8.prefix(2))
        return start.count == 2 && start[1] == UInt8(ascii: ":")
            && Character(UnicodeScalar(start[0])).isLetter
    }

    /// Control characters, and those that reorder or hide text.
    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
            true
        default: false
        }
    }
}

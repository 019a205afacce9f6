/// Compares a bundle's `requirements.txt` with the packages that a runtime has.
///
/// The host installs nothing for a strategy. A line is therefore either met by what is there, or refused with what
/// is there and what the operator can do.
public struct RequirementsCheck: Sendable {
    private let installed: [String: String]
    private let profile: String

    /// Compares with the packages of one profile's runtime.
    ///
    /// - Parameters:
    ///   - installed: Package names and their versions, in any spelling.
    ///   - profile: The profile's name, for the messages.
    public init(installed: [String: String], profile: String) {
        self.installed = Dictionary(
            installed.map { (Self.normalized($0.key), $0.value) }, uniquingKeysWith: { first, _ in first })
        self.profile = profile
    }

    /// A package's name as PEP 503 compares it: lower case, runs of `-`, `_` and `.` as one `-`.
    public static func normalized(_ name: String) -> String {
        var result = ""
        for character in name.lowercased() {
            let isMark = "-_.".contains(character)
            if isMark, result.hasSuffix("-") { continue }
            result.append(isMark ? "-" : character)
        }
        return result
    }

    /// The packages that a requirements file asks for, without looking at versions.
    public static func names(in bytes: [UInt8]) -> Set<String> {
        let names = lines(bytes).map { withoutComment($0) }.filter { !$0.isEmpty }.map { line in
            normalized(String(line.prefix { $0.isLetter || $0.isNumber || "-_.".contains($0) }))
        }
        return Set(names)
    }

    /// What of the file is not met, line by line.
    ///
    /// Empty when everything is there.
    public func problems(in bytes: [UInt8]) -> [ValidationProblem] {
        guard bytes.count <= 64 << 10 else {
            return [
                ValidationProblem(
                    .requirement, "requirements.txt has \(bytes.count) bytes, at most 65536 are taken",
                    field: StrategyBundle.requirementsPath)
            ]
        }
        guard String(validating: bytes, as: UTF8.self) != nil else {
            return [
                ValidationProblem(
                    .requirement, "requirements.txt is not UTF-8", field: StrategyBundle.requirementsPath)
            ]
        }
        var problems: [ValidationProblem] = []
        for (index, line) in Self.lines(bytes).enumerated() {
            let text = Self.withoutComment(line)
            guard !text.isEmpty, let reason = flaw(in: text) else { continue }
            problems.append(
                ValidationProblem(
                    .requirement, reason, field: StrategyBundle.requirementsPath, line: index + 1,
                    source: String(line.prefix(200))))
            if problems.count == 20 { break }
        }
        return problems
    }

    private static func lines(_ bytes: [UInt8]) -> [String] {
        bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map {
            String(decoding: $0.last == 0x0D ? $0.dropLast() : $0, as: UTF8.self)
        }
    }

    /// A comment begins a line or stands behind a space.
    private static func withoutComment(_ line: String) -> String {
        var text = Substring(line)
        if text.first == "\u{FEFF}" { text.removeFirst() }
        var before: Character = " "
        for index in text.indices {
            if text[index] == "#", before == " " || before == "\t" {
                text = text[..<index]
                break
            }
            before = text[index]
        }
        return String(text.trimmed)
    }

    private func flaw(in line: String) -> String? {
        let shown = line.prefix(80)
        if line.hasPrefix("-") {
            return "\(shown): options are not taken; name packages only, the host has them or not"
        }
        if line.contains("://") || line.contains("@") || line.hasPrefix(".") || line.hasPrefix("/") {
            return "\(shown): addresses and paths are not taken; the host downloads nothing for a strategy"
        }
        if line.contains(";") { return "\(shown): a condition behind ; is not taken" }
        if line.contains(" --") || line.hasSuffix("\\") {
            return "\(shown): options and hashes are not taken"
        }
        let name = line.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
        guard let first = name.first, let last = name.last, first.isLetter || first.isNumber,
            last.isLetter || last.isNumber
        else { return "\(shown): is not a requirement such as numpy>=1.26" }
        var rest = line.dropFirst(name.count).trimmed
        if rest.first == "[" { return "\(shown): extras in [ ] are not taken; name the packages themselves" }
        if rest.first == "(", rest.last == ")" { rest = rest.dropFirst().dropLast().trimmed }
        return flaw(String(name), rest)
    }

    private func flaw(_ name: String, _ conditions: Substring) -> String? {
        guard let text = installed[Self.normalized(name)] else {
            return "\(name) is not in the profile \(profile), which has \(stock); \(wayOut)"
        }
        guard !conditions.isEmpty else { return nil }
        guard let version = PackageVersion(text) else {
            return "\(name) has the version \(text) here, which cannot be compared; leave the version away"
        }
        for part in conditions.split(separator: ",", omittingEmptySubsequences: false) {
            switch VersionCondition(String(part.trimmed)) {
            case nil:
                return "\(name)\(conditions): \"\(part.trimmed)\" is not a condition such as >=1.26"
            case .some(let condition):
                guard condition.isMet(by: version) else {
                    return "\(name)\(conditions) is asked for, the profile \(profile) has \(name) \(text); "
                        + "take that one, or \(wayOut)"
                }
            }
        }
        return nil
    }

    private var stock: String {
        guard !installed.isEmpty else { return "no packages beside Python's own" }
        let names = installed.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        let more = names.count > 20 ? " and \(names.count - 20) more" : ""
        return names.prefix(20).joined(separator: ", ") + more
    }

    private var wayOut: String {
        "the operator can add it to that profile's runtime with `bullpen runtime install`"
    }
}

/// One condition on a version, such as `>=1.26` or `==2.1.*`.
struct VersionCondition {
    private enum Relation: String, CaseIterable {
        case compatible = "~="
        case equal = "=="
        case unequal = "!="
        case atMost = "<="
        case atLeast = ">="
        case below = "<"
        case above = ">"
    }

    private let relation: Relation
    private let version: PackageVersion
    private let isPrefix: Bool

    /// Reads a condition; nil when it is none, also for `===`, which compares text.
    init?(_ text: String) {
        guard !text.hasPrefix("==="),
            let relation = Relation.allCases.first(where: { text.hasPrefix($0.rawValue) })
        else { return nil }
        var rest = text.dropFirst(relation.rawValue.count).trimmed
        isPrefix = rest.hasSuffix(".*")
        if isPrefix {
            guard relation == .equal || relation == .unequal else { return nil }
            rest = rest.dropLast(2)
        }
        guard let version = PackageVersion(String(rest)) else { return nil }
        if relation == .compatible, version.release.count < 2 { return nil }
        if version.local != nil, relation != .equal, relation != .unequal { return nil }
        self.relation = relation
        self.version = version
    }

    func isMet(by installed: PackageVersion) -> Bool {
        let plain = version.local == nil ? installed.withoutLocal : installed
        let isSame = isPrefix ? installed.begins(with: version) : plain == version
        switch relation {
        case .equal: return isSame
        case .unequal: return !isSame
        case .atMost: return plain <= version
        case .atLeast: return plain >= version
        // A correction of 1.0 is not above 1.0, nor is a candidate of 1.0 below it (PEP 440, exclusive order).
        case .below:
            return plain < version && !(plain.isPrerelease && !version.isPrerelease && sameRelease(plain))
        case .above:
            return plain > version
                && !(plain.isPostrelease && !version.isPostrelease && sameRelease(plain))
        case .compatible:
            let count = version.release.count - 1
            return plain >= version
                && (0..<count).allSatisfy { installed.part($0) == version.release[$0] }
        }
    }

    private func sameRelease(_ other: PackageVersion) -> Bool {
        (0..<max(other.release.count, version.release.count)).allSatisfy {
            other.part($0) == version.part($0)
        }
    }
}

extension StringProtocol where SubSequence == Substring {
    /// Without spaces and tabs at both ends.
    fileprivate var trimmed: Substring {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        var result = drop(while: isSpace)
        while let last = result.last, isSpace(last) { result.removeLast() }
        return result
    }
}

/// A version of a Python package, ordered as PEP 440 says.
public struct PackageVersion: Comparable, Sendable, CustomStringConvertible {
    /// The text it was read from, without spaces.
    public let description: String

    let release: [Int]
    private let epoch: Int
    private let pre: [Int]?
    private let post: Int?
    private let dev: Int?
    let local: String?

    /// Reads a version such as `1.26.4`, `2!1.0rc1`, `1.0.post2.dev3` or `2.1+cpu`; nil when it is none.
    public init?(_ text: String) {
        description = text
        var rest = Substring(text.lowercased())
        guard rest.utf8.count <= 64 else { return nil }
        if rest.first == "v" { rest.removeFirst() }
        if let plus = rest.firstIndex(of: "+") {
            let tail = rest[rest.index(after: plus)...]
            guard !tail.isEmpty,
                tail.utf8.allSatisfy({ Self.isWord($0) || $0 == 0x2E || $0 == 0x2D || $0 == 0x5F })
            else { return nil }
            local = String(tail)
            rest = rest[..<plus]
        } else {
            local = nil
        }
        if let mark = rest.firstIndex(of: "!") {
            guard let number = Self.number(rest[..<mark]) else { return nil }
            epoch = number
            rest = rest[rest.index(after: mark)...]
        } else {
            epoch = 0
        }
        var numbers: [Int] = []
        while true {
            guard let number = Self.takeNumber(&rest) else { return nil }
            numbers.append(number)
            guard rest.first == ".", rest.dropFirst().first?.isNumber == true else { break }
            rest.removeFirst()
        }
        release = numbers
        var pre: [Int]?
        for (words, rank) in [(["alpha", "a"], 0), (["beta", "b"], 1), (["preview", "pre", "rc", "c"], 2)]
        where pre == nil {
            if let number = Self.takeTagged(&rest, words) { pre = [rank, number] }
        }
        self.pre = pre
        var post = Self.takeTagged(&rest, ["post", "rev", "r"])
        if post == nil, rest.first == "-", let number = Self.number(rest.dropFirst()) {
            post = number
            rest = ""
        }
        self.post = post
        dev = Self.takeTagged(&rest, ["dev"])
        guard rest.isEmpty else { return nil }
    }

    /// Whether it is an alpha, beta, candidate or development version.
    public var isPrerelease: Bool { pre != nil || dev != nil }

    /// Whether it is a correction of a release, such as `1.0.post1`.
    public var isPostrelease: Bool { post != nil }

    /// Order of PEP 440; versions that differ in trailing noughts only are equal.
    public static func < (left: Self, right: Self) -> Bool { left.order(against: right) < 0 }

    /// Equality of PEP 440: `1.0` is `1.0.0`.
    public static func == (left: Self, right: Self) -> Bool { left.order(against: right) == 0 }

    func order(against other: Self) -> Int {
        if epoch != other.epoch { return epoch < other.epoch ? -1 : 1 }
        for index in 0..<max(release.count, other.release.count) {
            let (one, two) = (part(index), other.part(index))
            if one != two { return one < two ? -1 : 1 }
        }
        for (one, two) in zip(suffix, other.suffix) where one != two { return one < two ? -1 : 1 }
        return Self.orderOfLocal(local, other.local)
    }

    /// A part of the release, nought beyond its end.
    func part(_ index: Int) -> Int { index < release.count ? release[index] : 0 }

    /// The version without what follows `+`.
    var withoutLocal: PackageVersion {
        PackageVersion(description.split(separator: "+").first.map(String.init) ?? description) ?? self
    }

    /// Whether `release` begins with the parts of `other` and the epochs agree, as `== 1.2.*` asks.
    func begins(with other: Self) -> Bool {
        epoch == other.epoch && (0..<other.release.count).allSatisfy { part($0) == other.release[$0] }
    }

    /// A development version stands before its candidates, these before the release, that before its corrections.
    private var suffix: [Int] {
        let preRank: [Int]
        if let pre {
            preRank = [pre[0], pre[1]]
        } else if post == nil, dev != nil {
            preRank = [-1, 0]
        } else {
            preRank = [3, 0]
        }
        return preRank + [post ?? -1, dev ?? Int.max]
    }

    private static func orderOfLocal(_ one: String?, _ two: String?) -> Int {
        if one == two { return 0 }
        guard let one else { return -1 }
        guard let two else { return 1 }
        let (left, right) = (parts(one), parts(two))
        for (a, b) in zip(left, right) where a != b {
            switch (Int(a), Int(b)) {
            case (let x?, let y?):
                if x != y { return x < y ? -1 : 1 }
            case (nil, _?): return -1
            case (_?, nil): return 1
            case (nil, nil): return a < b ? -1 : 1
            }
        }
        return left.count < right.count ? -1 : (left.count > right.count ? 1 : 0)
    }

    private static func parts(_ local: String) -> [String] {
        local.split(whereSeparator: { ".-_".contains($0) }).map(String.init)
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
    }

    private static func number(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text)
    }

    private static func takeNumber(_ rest: inout Substring) -> Int? {
        let digits = rest.prefix { ("0"..."9").contains($0) }
        guard let number = number(digits) else { return nil }
        rest = rest.dropFirst(digits.count)
        return number
    }

    private static func takeTagged(_ rest: inout Substring, _ words: [String]) -> Int? {
        var tail = rest
        if let first = tail.first, ".-_".contains(first) { tail.removeFirst() }
        guard let word = words.first(where: { tail.hasPrefix($0) }) else { return nil }
        tail = tail.dropFirst(word.count)
        if let first = tail.first, ".-_".contains(first), tail.dropFirst().first?.isNumber == true {
            tail.removeFirst()
        }
        let number = takeNumber(&tail) ?? 0
        rest = tail
        return number
    }
}

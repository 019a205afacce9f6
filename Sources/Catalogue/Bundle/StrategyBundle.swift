import COpenSSL

/// A strategy's files, checked and in memory.
///
/// Its version is the hash of what is in it.
public struct StrategyBundle: Hashable, Sendable {
    /// One file.
    public struct File: Hashable, Sendable {
        /// The path below the bundle's folder, with `/` between parts.
        public let path: String
        /// Its bytes.
        public let content: [UInt8]

        init(path: String, content: [UInt8]) {
            self.path = path
            self.content = content
        }
    }

    /// The files, sorted by the bytes of their paths.
    public let files: [File]
    /// What was left out on purpose, such as `__pycache__`.
    public let leftOut: [String]
    /// The first 16 hexadecimal digits of the SHA-256 over paths and contents.
    public let version: String

    init(files: [File], leftOut: [String] = []) {
        self.files = files.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        self.leftOut = leftOut
        version = Self.version(of: self.files)
    }

    /// The file at `path`, when there is one.
    public subscript(path: String) -> File? { files.first { $0.path == path } }

    /// Bytes of all files.
    public var size: Int { files.reduce(0) { $0 + $1.content.count } }

    /// The paths of the Python files.
    public var pythonFiles: [String] { files.map(\.path).filter { $0.hasSuffix(".py") } }

    /// The same bundle with other text in `strategy.json`, as when the configuration was uploaded beside it.
    public func settingConfig(_ text: [UInt8]) -> StrategyBundle {
        let rest = files.filter { $0.path != Self.configPath }
        return StrategyBundle(
            files: rest + [File(path: Self.configPath, content: text)], leftOut: leftOut)
    }

    /// Where a bundle's configuration stands.
    public static let configPath = "strategy.json"
    /// Where a bundle's requirements stand.
    public static let requirementsPath = "requirements.txt"

    /// Which file to start: what the configuration says, else the one that can only be meant.
    ///
    /// `strategy.py`, then `main`, then `strategy`, then the only Python file that lies at the top.
    public func entry(configured: String?) throws(ValidationProblem) -> String {
        if let configured {
            guard self[configured] != nil else {
                throw ValidationProblem(
                    .entryMissing, "\"entry\" names \(configured), which is not in the bundle",
                    field: configured)
            }
            return configured
        }
        if let usual = ["strategy.py", "main", "strategy"].first(where: { self[$0] != nil }) { return usual }
        let atTop = pythonFiles.filter { !$0.contains("/") }
        guard atTop.count == 1 else {
            throw ValidationProblem(
                .entryMissing,
                "there is no strategy.py to start with (nor a program called main or strategy); name the file "
                    + "as \"entry\" in strategy.json")
        }
        return atTop[0]
    }

    /// Lengths stand before contents, so that no two different bundles give the same bytes.
    private static func version(of files: [File]) -> String {
        var digest = Digest()
        for file in files {
            digest.add(Array("\(file.path.utf8.count) \(file.content.count) ".utf8))
            digest.add(Array(file.path.utf8))
            digest.add(file.content)
        }
        return String(digest.hexadecimal().prefix(16))
    }
}

/// SHA-256, a piece at a time.
@safe
struct Digest: ~Copyable {
    private let context: OpaquePointer

    init() {
        // Fails only without memory, as any allocation here would.
        unsafe context = EVP_MD_CTX_new()!
        let result = unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil)
        precondition(result == 1)
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    mutating func add(_ bytes: [UInt8]) {
        let result = unsafe bytes.withUnsafeBytes { raw in
            unsafe EVP_DigestUpdate(context, raw.baseAddress, raw.count)
        }
        precondition(result == 1)
    }

    consuming func hexadecimal() -> String {
        var bytes = [UInt8](repeating: 0, count: 32)
        let result = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
            unsafe EVP_DigestFinal_ex(context, buffer.baseAddress, nil)
        }
        precondition(result == 1)
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

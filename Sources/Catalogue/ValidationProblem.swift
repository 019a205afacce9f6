public import Wire

/// One thing that is wrong with an upload, in words its author can act on.
public struct ValidationProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of problem that programs tell apart.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// The upload, a file or all files together are larger than allowed.
        case tooLarge = "too_large"
        /// More files than allowed.
        case tooManyFiles = "too_many_files"
        /// A name that leaves the bundle's folder or hides what it is.
        case unsafeName = "unsafe_name"
        /// Two names that are one on some systems.
        case duplicateName = "duplicate_name"
        /// A link, a device or the like.
        case notAFile = "not_a_file"
        /// An entry that needs a password.
        case encrypted
        /// Far more comes out than went in.
        case compressionBomb = "compression_bomb"
        /// A compression method that is not taken.
        case unsupportedCompression = "unsupported_compression"
        /// The archive or an entry in it is broken.
        case damaged
        /// Nothing is in it.
        case empty
        /// Neither Python, nor zip, nor a program.
        case unknownType = "unknown_type"
        /// The file to start with is not there.
        case entryMissing = "entry_missing"
        /// A field of strategy.json.
        case invalidConfig = "invalid_config"
        /// A line of requirements.txt.
        case requirement
        /// Python that does not parse.
        case syntax
        /// No class for the host to run.
        case strategyClassMissing = "strategy_class_missing"
        /// A program that this machine cannot run.
        case wrongProgram = "wrong_program"
        /// The check itself did not finish.
        case checkFailed = "check_failed"
    }

    /// What programs switch on.
    public let code: Code
    /// What is wrong and what to do.
    public let message: String
    /// The file, the archive's entry or the field it is about.
    public let field: String?
    /// The line in that file, from 1.
    public let line: Int?
    /// The column in that line, from 1.
    public let column: Int?
    /// The offending line itself.
    public let source: String?

    /// Describes a problem.
    public init(
        _ code: Code, _ message: String, field: String? = nil, line: Int? = nil, column: Int? = nil,
        source: String? = nil
    ) {
        self.code = code
        self.message = message
        self.field = field
        self.line = line
        self.column = column
        self.source = source
    }

    /// The problem as the API gives it.
    public var json: JSONValue {
        .members([
            "code": .string(code.rawValue), "message": .string(message), "field": .optional(field),
            "line": line.map { .integer($0) }, "column": column.map { .integer($0) },
            "source": source.map { .string($0) },
        ])
    }

    /// The place and the message, as in `strategy.py, line 3: invalid syntax`.
    public var description: String {
        let place = [field, line.map { "line \($0)" }].compactMap { $0 }.joined(separator: ", ")
        return place.isEmpty ? message : "\(place): \(message)"
    }
}

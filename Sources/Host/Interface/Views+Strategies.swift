public import Trading
public import Wire

/// A strategy as its owner and the operator see it.
public struct StrategyView: Hashable, Sendable {
    /// One immutable version.
    public struct Version: Hashable, Sendable {
        /// The hash of its bundle.
        public var version: String
        public var uploadedAt: Timestamp

        /// Describes a version.
        public init(version: String, uploadedAt: Timestamp) {
            self.version = version
            self.uploadedAt = uploadedAt
        }
    }

    /// What executes it.
    public enum Kind: String, Hashable, Sendable, CaseIterable { case python, native }

    public var id: String
    public var name: String
    public var owner: String
    /// Newest first; the first is what a start takes.
    public var versions: [Version]
    public var profile: String
    public var kind: Kind
    /// The `strategy.json` in force, defaults filled in.
    public var config: JSONValue
    /// What the author should know, such as leverage that a spot account ignores.
    public var warnings: [String]
    public var createdAt: Timestamp
    public var status: RunStatusView

    /// Describes a strategy. It has at least one version.
    public init(
        id: String, name: String, owner: String, versions: [Version], profile: String, kind: Kind,
        config: JSONValue, warnings: [String] = [], createdAt: Timestamp, status: RunStatusView
    ) {
        precondition(!versions.isEmpty)
        self.id = id
        self.name = name
        self.owner = owner
        self.versions = versions
        self.profile = profile
        self.kind = kind
        self.config = config
        self.warnings = warnings
        self.createdAt = createdAt
        self.status = status
    }

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "id": .string(id), "name": .string(name), "owner": .string(owner),
            "version": .string(versions[0].version),
            "versions": .array(
                versions.map {
                    .members(["version": .string($0.version), "uploaded_at": .time($0.uploadedAt)])
                }), "profile": .string(profile), "kind": .string(kind.rawValue), "config": config,
            "warnings": .array(warnings.map { .string($0) }), "created_at": .time(createdAt),
            "status": status.json,
        ])
    }
}

/// One file of a strategy's bundle.
public struct SourceFileView: Hashable, Sendable {
    /// Its path within the bundle.
    public var path: String
    /// How many bytes it has.
    public var size: Int
    /// What stands in it, when that is text.
    public var text: String?

    /// Describes a file.
    public init(path: String, size: Int, text: String?) {
        self.path = path
        self.size = size
        self.text = text
    }

    /// As the API writes it.
    public var json: JSONValue {
        .members(["path": .string(path), "size": .integer(size), "text": .optional(text)])
    }
}

/// What was found in a bundle.
public struct ValidationReport: Hashable, Sendable {
    /// One thing that is wrong.
    public struct Problem: Hashable, Sendable {
        /// A word for programs, such as `python_syntax`.
        public var code: String
        public var message: String
        /// The field of `strategy.json` or the file it is about.
        public var field: String?
        /// The line in that file, counted from 1.
        public var line: Int?
        /// The offending line's text.
        public var source: String?

        /// Describes a problem.
        public init(
            code: String, message: String, field: String? = nil, line: Int? = nil, source: String? = nil
        ) {
            self.code = code
            self.message = message
            self.field = field
            self.line = line
            self.source = source
        }

        /// As the API writes it.
        public var json: JSONValue {
            .members([
                "code": .string(code), "message": .string(message), "field": .optional(field),
                "line": .orNull(line), "source": .optional(source),
            ])
        }
    }

    public var problems: [Problem]
    /// What does not stop it, but should be known.
    public var warnings: [String]
    /// The `strategy.json` as understood, or nil when it could not be.
    public var config: JSONValue?

    /// Describes what was found.
    public init(problems: [Problem], warnings: [String] = [], config: JSONValue? = nil) {
        self.problems = problems
        self.warnings = warnings
        self.config = config
    }

    /// Whether the bundle may be taken in.
    public var isValid: Bool { problems.isEmpty }

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "valid": .bool(isValid), "problems": .array(problems.map(\.json)),
            "warnings": .array(warnings.map { .string($0) }), "config": config ?? .null,
        ])
    }
}

/// A sandbox profile, for whoever chooses one.
public struct ProfileView: Hashable, Sendable {
    public var name: String
    public var description: String
    /// Whether this machine can give everything it requires.
    public var isAvailable: Bool
    /// What is missing and what to do, when it is not available.
    public var problems: [String]
    /// Limits and packages, as the profile has them: an object.
    public var details: JSONValue

    /// Describes a profile.
    public init(name: String, description: String, isAvailable: Bool, problems: [String], details: JSONValue)
    {
        self.name = name
        self.description = description
        self.isAvailable = isAvailable
        self.problems = problems
        self.details = details
    }

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "name": .string(name), "description": .string(description), "available": .bool(isAvailable),
            "problems": .array(problems.map { .string($0) }), "details": details,
        ])
    }
}

/// One line of what `doctor` says.
public struct CheckView: Hashable, Sendable {
    /// How it stands.
    public enum State: String, Hashable, Sendable, CaseIterable { case ok, warning, missing }

    public var name: String
    public var state: State
    /// What was found.
    public var detail: String
    /// What to do about it, when anything.
    public var remedy: String?

    /// Describes a check.
    public init(name: String, state: State, detail: String, remedy: String? = nil) {
        self.name = name
        self.state = state
        self.detail = detail
        self.remedy = remedy
    }

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "name": .string(name), "state": .string(state.rawValue), "detail": .string(detail),
            "remedy": .optional(remedy),
        ])
    }
}

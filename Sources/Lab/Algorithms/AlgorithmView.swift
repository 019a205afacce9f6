public import Catalogue
import Trading
public import Wire

/// A strategy of the catalogue as the Lab shows it.
public struct AlgorithmView: Hashable, Sendable {
    public let record: StrategyRecord
    public let lab: AlgorithmRecord
    /// Of the latest version.
    public let config: StrategyConfig

    /// Puts together what is known.
    init(_ record: StrategyRecord, _ lab: AlgorithmRecord) {
        self.record = record
        self.lab = lab
        // It was checked when it came in; the operator's bounds may have changed since, which is no matter here.
        config = ConfigReader.read(record.latest.config, bounds: ConfigBounds()).config
    }

    /// How far its furthest version has come.
    public var status: VersionStatus {
        let all = record.versions.map { lab.standing(of: $0.version).status }
        return all.contains(.deployed) ? .deployed : all.contains(.deployable) ? .deployable : .lab
    }

    /// As the API writes it, for a list.
    public var json: JSONValue { .object(members) }

    /// As the API writes it, with every version, the latest first.
    public var fullJSON: JSONValue {
        .object(
            members + [
                JSONValue.Member("config", record.latest.config),
                JSONValue.Member("versions", .array(versions)),
                JSONValue.Member("warnings", .array(record.latest.warnings.map { .string($0) })),
            ])
    }

    /// Every version, the latest first.
    public var versions: [JSONValue] {
        record.versions.reversed().map { version in
            let standing = lab.standing(of: version.version)
            return .members([
                "version": .string(version.version), "uploaded_at": .time(version.uploadedAt),
                "uploaded_by": .string(version.uploadedBy), "files": .integer(version.fileCount),
                "bytes": .integer(version.byteCount), "profile": .string(version.profile),
                "status": .string(standing.status.rawValue), "notes": .string(standing.notes),
                "status_changed_at": standing.changedAt.map { .time($0) } ?? .null,
                "status_changed_by": .optional(standing.changedBy),
            ])
        }
    }

    private var members: [JSONValue.Member] {
        [
            .init("id", .string(record.id)), .init("name", .string(record.name)),
            .init("owner", .string(record.owner)), .init("created_at", .time(record.createdAt)),
            .init("description", .optional(config.description)), .init("notes", .string(lab.notes.notes)),
            .init("tags", .array(lab.notes.tags.map { .string($0) })),
            .init("status", .string(status.rawValue)), .init("version", .string(record.latest.version)),
            .init("version_count", .integer(record.versions.count)),
            .init("kind", .string(record.latest.kind.rawValue)), .init("symbol", .string(config.symbol)),
            .init("resolution", .string(config.resolution.description)),
            .init("warm_up", .integer(config.lookbackPeriod)), .init("runs", .integer(lab.runs)),
            .init("parameters", .array(config.customParameters.map(parameter))),
        ]
    }

    /// A parameter with its type, its usual value and, where the author gave one, its range.
    private func parameter(_ parameter: StrategyConfig.Parameter) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("name", .string(parameter.name)), .init("default", parameter.value),
        ]
        if let range = config.parameterRanges.first(where: { $0.name == parameter.name }) {
            if case .object(let rest) = range.json { members += rest }
        } else {
            members.append(.init("type", .string(Self.type(of: parameter.value))))
        }
        return .object(members)
    }

    /// The type that a value without a range tells.
    private static func type(of value: JSONValue) -> String {
        switch value {
        case .bool: "bool"
        case .number(let text): Int(text) == nil ? "decimal" : "int"
        case .string(let text): FixedDecimal(text) == nil ? "text" : "decimal"
        case .array, .object, .null: "list"
        }
    }
}

import Catalogue
import Synchronization
import Trading
public import Wire

/// Strategies as the Lab sees them.
extension LabService {
    /// The most bytes of notes about a strategy.
    public static let notesBytes = 16 << 10

    /// Strategies, newest first: of one owner or of everyone.
    public func algorithms(owner: String?) throws(LabFailure) -> [AlgorithmView] {
        let known = try store.algorithms()
        return try parts.catalogue.strategies(owner: owner).reversed().map { record in
            AlgorithmView(record, known[record.id] ?? AlgorithmRecord())
        }
    }

    /// One strategy.
    public func algorithm(_ id: String) throws(LabFailure) -> AlgorithmView {
        guard let record = try parts.catalogue.strategy(id) else {
            throw .notFound(kind: "algorithm", id: id)
        }
        return AlgorithmView(record, try store.algorithm(id))
    }

    /// Changes notes, tags and versions' notes: those members of `{"notes","tags","versions":{hash:{"notes"}}}` that are
    /// given.
    public func change(
        _ id: String, _ body: JSONValue, by user: String
    ) async throws(LabFailure) -> AlgorithmView {
        let before = try algorithm(id)
        let (notes, versions) = try Self.read(body, before)
        if let notes { try await store.set(notes, of: id, by: user, at: Self.now) }
        for (version, text) in versions {
            try await store.set(notes: text, of: version, of: id, by: user, at: Self.now)
        }
        parts.audit(user, "lab.algorithm.change", id, "")
        return try algorithm(id)
    }

    private static func read(
        _ body: JSONValue, _ before: AlgorithmView
    ) throws(LabFailure) -> (notes: AlgorithmNotes?, versions: [(version: String, notes: String)]) {
        do throws(FieldFailure) {
            var reader = try ObjectReader(body)
            let notes = try reader.optionalString("notes", bytes: notesBytes)
            let tags = try Self.tags(&reader)
            var versions: [(version: String, notes: String)] = []
            if let given = reader.optional("versions") {
                guard case .object(let members) = given else {
                    throw reader.failure("versions", "must be an object, not \(given.kind)")
                }
                for member in members {
                    guard before.record.version(member.name) != nil else {
                        throw FieldFailure(
                            field: "versions.\(member.name.prefix(64))", reason: "there is no such version")
                    }
                    var one = try ObjectReader(member.value, path: "versions.\(member.name)")
                    versions.append((member.name, try one.string("notes", bytes: 4096)))
                    try one.finish()
                }
            }
            try reader.finish()
            guard notes != nil || tags != nil else { return (nil, versions) }
            return (
                AlgorithmNotes(notes: notes ?? before.lab.notes.notes, tags: tags ?? before.lab.notes.tags),
                versions
            )
        } catch {
            throw .invalid(error)
        }
    }

    private static func tags(_ reader: inout ObjectReader) throws(FieldFailure) -> [String]? {
        guard let values = try reader.optionalArray("tags", count: 20) else { return nil }
        var tags: [String] = []
        for value in values {
            let isPlain =
                value.stringValue.map { text in
                    (1...40).contains(text.utf8.count)
                        && text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
                } ?? false
            guard let text = value.stringValue, isPlain else {
                throw reader.failure("tags", "must be words of 1 to 40 bytes")
            }
            if !tags.contains(text) { tags.append(text) }
        }
        return tags
    }

    /// What changed from one version to another.
    ///
    /// - Parameters:
    ///   - from: Nil for the one before `to`.
    ///   - to: Nil for the latest.
    public func diff(
        of id: String, from: String? = nil, to: String? = nil
    ) throws(LabFailure) -> VersionDiff {
        let versions = try algorithm(id).record.versions.map(\.version)
        for version in [from, to].compactMap({ $0 }) where !versions.contains(version) {
            throw .notFound(kind: "version", id: version)
        }
        let new = to ?? versions[versions.count - 1]
        let place = versions.firstIndex(of: new) ?? 0
        let old = from ?? versions[max(0, place - 1)]
        return VersionDiff(
            try parts.catalogue.bundle(of: id, version: old), try parts.catalogue.bundle(of: id, version: new)
        )
    }

    /// Refuses to let go of a strategy whose runs are under way.
    public func checkDeletable(_ id: String) throws(LabFailure) {
        let underWay = live.withLock { live in live.values.filter { $0.run.job.strategy == id }.count }
        guard underWay == 0 else {
            throw .conflict("\(underWay) runs of it are under way; cancel them or wait for them")
        }
    }
}

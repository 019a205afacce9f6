import FoundationEssentials
import Identity
import Journal
import Wire

extension Command {
    static let audit = Command(
        name: "audit", group: .host, summary: "Show who changed what.", options: [.limit(100)]
    ) { invocation in
        let listing = Listing(
            columns: [
                .time("TIME", "time"), .text("WHO", "user"), .text("WHAT", "action"), .text("ON", "subject"),
                .text("DETAIL", "detail"),
            ], whenEmpty: "Nothing was changed yet.")
        let limit = try invocation.limit(otherwise: 100)
        listing.show(try await Server(invocation).items("/audit", limit: limit), invocation)
    }

    static let auditVerify = Command(
        name: "audit verify", group: .host, summary: "Look whether the audit trail is what was written.",
        details: """
            Reads the data folder itself, whether a host runs on it or not; with --server it asks a host. Names the first
            record that was changed, removed or put in. Whoever owns the data folder can write a whole trail anew, and only a
            hash that was kept elsewhere tells: give it with --head. Ends with 0 when all is well, with 1 when the trail is
            broken or does not hold the hash, and with 4 when it cannot be read.
            """,
        options: LocalConfiguration.options + [
            .value("head", "hash", "A hash that was kept, as the host's log or an earlier look gave it.")
        ]
    ) { invocation in
        let wanted = invocation.value("head")
        if let wanted, !AuditVerification.isHash(wanted) {
            throw CommandFailure.usage("audit verify: --head must be 64 hexadecimal digits")
        }
        let found =
            if invocation.value("server") != nil {
                try await remote(Server(invocation), wanted)
            } else {
                try local(LocalConfiguration(invocation).folder, wanted)
            }
        invocation.show(
            .members([
                "whole": .bool(found.flaw == nil), "checked": .integer(found.checked),
                "flaw": found.flaw.map {
                    JSONValue.members(["record": .string($0.record), "reason": .string($0.reason)])
                } ?? .null,
                "head": .members(["record": .string(found.head), "hash": .string(found.hash)]),
                "found": .optional(found.found),
            ]), found.words(wanted))
        if let flaw = found.flaw {
            throw CommandFailure(.error, "the audit trail is broken: record \(flaw.record) \(flaw.reason)")
        }
        guard wanted == nil || found.found != nil else {
            throw CommandFailure(
                .error, "no record has the hash that was kept: the trail is not the one that it was taken of")
        }
    }

    /// What a look through the trail found, from wherever.
    private struct Found {
        var checked = 0
        var flaw: (record: String, reason: String)?
        var head = "0"
        var hash = ""
        var found: String?

        func words(_ wanted: String?) -> [String] {
            guard flaw == nil else { return [] }
            var lines = ["\(checked) records are as they were written."]
            if wanted != nil, let found {
                lines.append(
                    "Record \(found) has the hash that was kept: up to there it is the trail of that time.")
            }
            return lines + ["The trail ends with record \(head), whose hash is", hash]
        }
    }

    private static func local(_ folder: String, _ wanted: String?) throws -> Found {
        let path = folder + "/journal.db"
        guard FileManager.default.fileExists(atPath: path) else {
            throw CommandFailure(
                .badConfiguration, "\(folder) holds no journal.db: was a host ever started there?")
        }
        let result: AuditVerification
        do {
            result = try AuditVerification.run(path: path, wanted: wanted)
        } catch let failure as DatabaseFailure where failure.code == .corrupt {
            throw CommandFailure(.error, "the audit trail is broken: \(failure)")
        } catch let failure as DatabaseFailure where failure.code == .statement {
            throw CommandFailure(
                .badConfiguration,
                "\(failure): there is no chain; a host of an older version may have been the last on this folder"
            )
        } catch {
            throw CommandFailure(.badConfiguration, "\(error)")
        }
        return Found(
            checked: result.checked, flaw: result.flaw.map { (String($0.record), $0.reason) },
            head: String(result.head.record), hash: result.head.hash, found: result.found.map(String.init))
    }

    private static func remote(_ server: Server, _ wanted: String?) async throws -> Found {
        var found = Found()
        var next: String?
        repeat {
            let query = [next.map { "&after=\($0)" }, wanted.map { "&head=\($0)" }].compactMap { $0 }
            let page = try await server.get("/audit/verify?limit=100000" + query.joined())
            found.checked += page["checked"]?.intValue ?? 0
            if let flaw = page["flaw"], flaw != .null {
                found.flaw = (Words.text(flaw["record"]), Console.harmless(Words.text(flaw["reason"])))
            }
            found.head = page["head"]?["record"]?.stringValue ?? found.head
            found.hash = page["head"]?["hash"]?.stringValue ?? found.hash
            found.found = page["found"]?.stringValue ?? found.found
            next = page["next"]?.stringValue
        } while next != nil
        return found
    }
}

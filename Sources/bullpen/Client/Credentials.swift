import FoundationEssentials
import Glibc
import Wire

/// The tokens that `bullpen login` has fetched, one for each host, in a file that only their owner can read.
struct Credentials {
    struct Entry: Hashable, Sendable {
        let server: String
        let user: String
        let tokenID: String
        let token: String
    }

    /// Where the file lies; nil when nobody's home is known.
    private let path: String?
    private(set) var entries: [Entry] = []

    /// Reads the file; without one there are no tokens.
    init(environment: [String: String]) throws(CommandFailure) {
        let chosen = environment["XDG_CONFIG_HOME"].flatMap { $0.isEmpty ? nil : $0 }
        path = (chosen ?? environment["HOME"].map { $0 + "/.config" }).map {
            $0 + "/bullpen/credentials.json"
        }
        guard let path else { return }
        guard let data = FileManager.default.contents(atPath: path) else { return }
        do {
            let text = try JSONParser.parse([UInt8](data))
            for element in text["tokens"]?.arrayValue ?? [] {
                var reader = try ObjectReader(element)
                entries.append(
                    Entry(
                        server: try reader.string("server"), user: try reader.string("user"),
                        tokenID: try reader.string("id"), token: try reader.string("token")))
            }
        } catch {
            throw CommandFailure(.error, "\(path) is damaged; remove it and log in again")
        }
    }

    func entry(for server: String) -> Entry? { entries.first { $0.server == server } }

    mutating func put(_ entry: Entry) throws(CommandFailure) {
        entries.removeAll { $0.server == entry.server }
        entries.append(entry)
        try save()
    }

    mutating func remove(server: String) throws(CommandFailure) {
        entries.removeAll { $0.server == server }
        try save()
    }

    /// Writes beside the file, then renames, so that a crash leaves the old tokens or the new ones.
    private func save() throws(CommandFailure) {
        guard let path else {
            throw CommandFailure(.error, "HOME is not set, so there is no place for credentials")
        }
        let json = JSONValue.members([
            "tokens": .array(
                entries.map {
                    .members([
                        "server": .string($0.server), "user": .string($0.user), "id": .string($0.tokenID),
                        "token": .string($0.token),
                    ])
                })
        ])
        let folder = path.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
        let temporary = path + ".new"
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw CommandFailure(.error, "\(folder) cannot be made")
        }
        unsafe unlink(temporary)
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CommandFailure(.error, "\(temporary) cannot be written") }
        let bytes = json.bytes + [0x0A]
        let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
        let isClosed = fsync(descriptor) == 0 && close(descriptor) == 0
        guard count == bytes.count, isClosed,
            unsafe rename(temporary, path) == 0
        else {
            throw CommandFailure(.error, "\(path) cannot be written")
        }
    }
}

internal import Wire

/// What the installed runtimes hold. A bundle's requirements are held against it.
public struct RuntimeCatalogue: Sendable {
    /// One installed runtime.
    public struct Entry: Hashable, Sendable {
        /// The runtime.
        public let runtime: Runtime
        /// What it was made from, in short. Another stamp is another runtime.
        public let stamp: String
        /// The version of Python in it, such as `3.11`; nil when there is none.
        public let python: String?
        /// Versions of packages by normalised name.
        public let packages: [String: String]
    }

    /// The runtimes that are installed.
    public let entries: [Runtime: Entry]

    /// Reads the catalogue of a folder of runtimes. What is not installed is left out.
    public init(runtimes folder: String) throws(RuntimeFailure) {
        var entries: [Runtime: Entry] = [:]
        for runtime in Runtime.allCases {
            let path = folder + "/" + runtime.rawValue + "/runtime.json"
            guard Files.exists(path) else { continue }
            entries[runtime] = try Self.read(path, runtime)
        }
        self.entries = entries
    }

    /// The version of `package` in the runtime called `name`, or nil when it is not in there.
    public func version(of package: String, in name: String) -> String? {
        Runtime(rawValue: name).flatMap { entries[$0]?.packages[Self.normalised(package)] }
    }

    /// A package's name as indexes compare it: lower case, with `-` for any run of `-`, `_` and `.` (PEP 503).
    public static func normalised(_ name: String) -> String {
        name.lowercased().split { "-_.".contains($0) }.joined(separator: "-")
    }

    private static func read(_ path: String, _ runtime: Runtime) throws(RuntimeFailure) -> Entry {
        do {
            let json = try JSONParser.parse(try Files.read(path)[...])
            var reader = try ObjectReader(json)
            let stamp = try reader.string("stamp")
            let python = try reader.optionalString("python")
            guard case .object(let members)? = reader.optional("packages") else {
                throw reader.failure("packages", "must be an object")
            }
            try reader.finish()
            return Entry(
                runtime: runtime, stamp: stamp, python: python,
                packages: Dictionary(members.map { ($0.name, $0.value.stringValue ?? "") }) { _, last in last
                })
        } catch {
            throw RuntimeFailure(
                runtime: runtime.rawValue,
                reason:
                    "\(path) cannot be read: \(error). What to do: bullpen runtime install \(runtime.rawValue)"
            )
        }
    }
}

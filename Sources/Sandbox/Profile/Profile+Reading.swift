internal import Posix
public import Wire

extension Profile {
    /// Reads a profile, refusing whatever is unknown or out of bounds by name.
    public init(json: JSONValue) throws(FieldFailure) {
        var reader = try ObjectReader(json)
        name = try reader.string("name", bytes: 64)
        version = try reader.integer("version", in: 1...1_000_000)
        description = try reader.string("description")
        runtime = try reader.string("runtime", bytes: 64)
        required = try Self.readLayers(&reader)
        landlockAtLeast = try reader.integer("landlock_at_least", in: 1...64)
        withoutControlGroups = try reader.optionalChoice("without_control_groups")
        limits = try Limits(reading: &reader)
        writable = try Self.list("writable", &reader, Writable.init(reading:))
        views = try Self.list("views", &reader, View.init(reading:))
        command = try Self.strings("command", &reader)
        guard let program = command.first, program.hasPrefix("/") else {
            throw reader.failure("command", "must begin with the whole path of a program")
        }
        nursery = try Self.readNursery(&reader)
        if nursery != nil, writable.isEmpty || !command.contains(where: { $0.hasSuffix(".py") }) {
            throw reader.failure(
                "nursery", "is for a command that runs a .py file, with a folder under writable")
        }
        environment = try Self.readEnvironment(&reader)
        systemCalls = try SystemCalls(reading: &reader)
        // For a person who reads the file, and for editors.
        _ = try reader.optionalString("$schema")
        try reader.finish()
    }

    /// Reads a profile's file, whose name must be the profile's.
    public init(contentsOf path: String) throws(FieldFailure) {
        let bytes: [UInt8]
        do { bytes = try Files.read(path) } catch {
            throw FieldFailure(field: "", reason: "the profile cannot be read: \(error)")
        }
        let json: JSONValue
        do { json = try JSONParser.parse(bytes[...]) } catch {
            throw FieldFailure(field: "", reason: "\(path) is not JSON: \(error)")
        }
        try self.init(json: json)
        let file = path.split(separator: "/").last.map(String.init) ?? path
        guard file == name + ".json" else {
            throw FieldFailure(field: "name", reason: "is \"\(name)\", but the file is called \(file)")
        }
    }

    /// All profiles of a folder, by name.
    public static func all(in folder: String) throws(FieldFailure) -> [String: Profile] {
        var profiles: [String: Profile] = [:]
        for name in Files.names(in: folder) where name.hasSuffix(".json") {
            let profile: Profile
            do { profile = try Profile(contentsOf: folder + "/" + name) } catch {
                throw FieldFailure(field: error.field, reason: "in profile \(name): \(error.reason)")
            }
            profiles[profile.name] = profile
        }
        return profiles
    }

    // MARK: - Parts

    private static func readLayers(_ reader: inout ObjectReader) throws(FieldFailure) -> Set<Layer> {
        var layers: Set<Layer> = []
        for name in try strings("requires", &reader) {
            guard let layer = Layer(rawValue: name) else {
                let known = Layer.allCases.map(\.rawValue).joined(separator: ", ")
                throw reader.failure("requires", "\"\(name)\" is not one of \(known)")
            }
            layers.insert(layer)
        }
        return layers
    }

    private static func readNursery(_ reader: inout ObjectReader) throws(FieldFailure) -> Nursery? {
        guard var inner = try reader.optionalObject("nursery") else { return nil }
        let modules = try strings("preload", &inner)
        for name in modules where !name.utf8.allSatisfy(Self.isModuleCharacter) {
            throw inner.failure("preload", "\"\(name)\" is not the name of a module")
        }
        try inner.finish()
        return Nursery(preloaded: modules)
    }

    private static func isModuleCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    private static func readEnvironment(_ reader: inout ObjectReader) throws(FieldFailure) -> [String: String]
    {
        let variables = try texts("environment", &reader)
        if let name = variables.keys.first(where: { $0.contains("=") }) {
            throw reader.failure("environment.\(name)", "a variable's name has no =")
        }
        return variables
    }

    /// An object of plain strings; empty when it is not there.
    fileprivate static func texts(
        _ name: String, _ reader: inout ObjectReader
    ) throws(FieldFailure) -> [String: String] {
        guard let value = reader.optional(name) else { return [:] }
        guard case .object(let members) = value else {
            throw reader.failure(name, "must be an object, not \(value.kind)")
        }
        var texts: [String: String] = [:]
        for member in members {
            guard let text = member.value.stringValue, !member.name.isEmpty, !text.utf8.contains(0),
                !member.name.utf8.contains(0)
            else { throw reader.failure("\(name).\(member.name)", "must be a plain string") }
            texts[member.name] = text
        }
        return texts
    }

    fileprivate static func strings(
        _ name: String, _ reader: inout ObjectReader
    ) throws(FieldFailure) -> [String] {
        guard let values = try reader.optionalArray(name) else { throw reader.failure(name, "is missing") }
        var strings: [String] = []
        for (index, value) in values.enumerated() {
            guard let text = value.stringValue, !text.isEmpty, !text.utf8.contains(0) else {
                throw reader.failure("\(name)[\(index)]", "must be a string, not \(value.kind)")
            }
            strings.append(text)
        }
        return strings
    }

    fileprivate static func list<Element>(
        _ name: String, _ reader: inout ObjectReader,
        _ read: (inout ObjectReader) throws(FieldFailure) -> Element
    ) throws(FieldFailure) -> [Element] {
        guard let values = try reader.optionalArray(name, count: 32) else {
            throw reader.failure(name, "is missing")
        }
        var elements: [Element] = []
        for (index, value) in values.enumerated() {
            var inner = try ObjectReader(value, path: reader.fullName("\(name)[\(index)]"))
            elements.append(try read(&inner))
            try inner.finish()
        }
        return elements
    }

    /// A whole path without `.` or `..` parts.
    fileprivate static func path(
        _ name: String, _ reader: inout ObjectReader
    ) throws(FieldFailure) -> String {
        let path = try reader.string(name, bytes: 128)
        let parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        guard path.hasPrefix("/"), !parts.isEmpty, !parts.contains(where: { ["", ".", ".."].contains($0) })
        else { throw reader.failure(name, "\"\(path)\" is not a plain path such as /work") }
        return path
    }
}

extension Profile.Limits {
    fileprivate init(reading outer: inout ObjectReader) throws(FieldFailure) {
        guard var reader = try outer.optionalObject("limits") else {
            throw outer.failure("limits", "is missing")
        }
        memoryBytes = try reader.integer("memory_mb", in: 16...1_048_576) << 20
        let share = try reader.required("cpu_share")
        guard case .number(let text) = share, let value = Double(text), value >= 0.05, value <= 256 else {
            throw reader.failure("cpu_share", "must be a number from 0.05 to 256")
        }
        cpuShare = value
        processes = try reader.integer("processes", in: 2...4096)
        // With fewer the launcher itself could not build the walls.
        openFiles = try reader.integer("open_files", in: 32...65536)
        fileBytes = try reader.integer("file_mb", in: 1...1_048_576) << 20
        stackBytes = try reader.integer("stack_mb", in: 1...1024) << 20
        try reader.finish()
    }
}

extension Profile.Writable {
    fileprivate init(reading reader: inout ObjectReader) throws(FieldFailure) {
        path = try Profile.path("at", &reader)
        bytes = try reader.integer("mb", in: 1...65536) << 20
        inodes = try reader.integer("files", in: 16...1_000_000)
    }
}

extension Profile.View {
    fileprivate init(reading reader: inout ObjectReader) throws(FieldFailure) {
        source = try reader.choice("source")
        path = try Profile.path("at", &reader)
        allowsExecution = try reader.optionalBool("execute") ?? false
    }
}

extension Profile.SystemCalls.Group {
    fileprivate init(reading reader: inout ObjectReader) throws(FieldFailure) {
        name = try reader.string("group")
        reason = try reader.string("why")
        calls = try Profile.strings("calls", &reader)
        kept = try Profile.texts("kept", &reader)
        if let stranger = kept.keys.first(where: { !calls.contains($0) }) {
            throw reader.failure("kept.\(stranger)", "is not one of the group's calls")
        }
    }
}

extension Profile.SystemCalls {
    fileprivate init(reading outer: inout ObjectReader) throws(FieldFailure) {
        guard var reader = try outer.optionalObject("system_calls") else {
            throw outer.failure("system_calls", "is missing")
        }
        allowed = try Profile.list("allow", &reader) { (reader: inout ObjectReader) throws(FieldFailure) in
            try Group(reading: &reader)
        }
        named = try Profile.strings("name", &reader)
        fatal = try Profile.strings("kill", &reader)
        try reader.finish()
        try refuseOverlap(reader)
    }

    private func refuseOverlap(_ reader: ObjectReader) throws(FieldFailure) {
        var seen: Set<String> = []
        let all = allowed.map { ($0.name, $0.calls) } + [("name", named), ("kill", fatal)]
        for (list, calls) in all {
            for call in calls {
                guard seen.insert(call).inserted else {
                    throw reader.failure(list, "\"\(call)\" is listed twice")
                }
                guard SystemCallFilter.number(of: call) != nil else {
                    throw reader.failure(list, "\"\(call)\" is not a system call")
                }
            }
        }
    }
}

import FoundationEssentials
import TestSupport
import Testing

@Suite("Architecture")
struct ArchitectureTests {
    // Read once for all tests.
    private static let all = Result {
        (
            swift: try SourceFile.all(in: "Sources", endings: [".swift"]),
            c: try SourceFile.all(in: "Sources", endings: [".c", ".h"])
        )
    }

    private let swift: [SourceFile]
    private let c: [SourceFile]

    init() throws {
        (swift, c) = try Self.all.get()
        try #require(swift.count > 50, "the sources were not found")
    }

    /// Every place in Swift code where `isFound` says so, as `path:line`.
    private func places(in files: [SourceFile], where isFound: (SourceFile, Int, String) -> Bool) -> [String]
    {
        files.flatMap { file in
            file.code.filter { isFound(file, $0.number, $0.text) }.map { "\(file.path):\($0.number)" }
        }
    }

    // MARK: - Layers

    @Test func `every folder of the sources has its layer`() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Places.package + "/Sources")
        for folder in folders where !otherFolders.contains(folder) && !folder.hasPrefix(".") {
            #expect(layers[folder] != nil, "Sources/\(folder) has no line in Layers.swift")
        }
    }

    @Test func `imports point down only`() {
        for file in swift {
            guard let own = layers[file.target] else { continue }
            for module in file.imports where module != file.target {
                guard let other = layers[module] else { continue }
                let isWall = other == .apart && own == .hands && module == "CConfine"
                #expect(other <= own || isWall, "\(file.path) imports \(module), which is above it")
                #expect(own != .apart || other == .apart, "\(file.path) is apart and imports \(module)")
            }
        }
    }

    @Test func `the domain's ground imports nothing`() {
        for file in swift where file.target == "Trading" {
            #expect(file.imports == [], "\(file.path)")
        }
    }

    @Test func `Wire imports nothing but Trading`() {
        for file in swift where file.target == "Wire" {
            #expect(Set(file.imports).isSubset(of: ["Trading"]), "\(file.path)")
        }
    }

    @Test func `Analytics imports nothing but Trading, and the C library's mathematics in one file`() {
        for file in swift where file.target == "Analytics" {
            // Logarithms and exponentials of the C library are good to the last place, and have no state.
            let mathematics: Set<String> = file.path.hasSuffix("/Mathematics.swift") ? ["Glibc"] : []
            #expect(Set(file.imports).isSubset(of: mathematics.union(["Trading"])), "\(file.path)")
        }
    }

    /// A C module bears a C before its own name, as CPosix does; Catalogue does not.
    private static func isC(_ module: String) -> Bool {
        module.hasPrefix("C") && module.dropFirst().first?.isUppercase == true
    }

    @Test func `each C module is imported by one Swift target`() {
        var users: [String: Set<String>] = [:]
        for file in swift {
            for module in file.imports where Self.isC(module) && layers[module] != nil {
                users[module, default: []].insert(file.target)
            }
        }
        for (module, targets) in users {
            let allowed = sharedModules[module] ?? []
            #expect(
                targets.count == 1 || targets.isSubset(of: allowed),
                "\(module) is imported by \(targets.sorted())")
        }
    }

    @Test func `what Package.swift allows is what the layers allow`() throws {
        let manifest = try SourceFile.all(in: "Sources/..", endings: ["Package.swift"])
            .first { $0.path == "Sources/../Package.swift" }
        let text = try #require(manifest).lines.joined(separator: " ")
        // part("Name", uses: ["A", "B"])
        var checked = 0
        for piece in text.split(separator: "part(").dropFirst() {
            // Up to the end of `uses`; what follows are files.
            let words = piece.prefix { $0 != "]" && $0 != ")" }
                .split(separator: "\"", omittingEmptySubsequences: false)
            let names = words.enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
            guard let name = names.first, let own = layers[name] else { continue }
            for other in names.dropFirst() {
                let layer = try #require(layers[other], "\(other) has no layer")
                #expect(layer <= own || other == "CConfine", "\(name) may not use \(other)")
            }
            checked += 1
        }
        #expect(checked >= 12)
    }

    // MARK: - What is barred

    @Test func `nothing forks, and nothing uses Foundation's Process or the whole Foundation`() {
        #expect(places(in: swift) { _, _, text in text.contains("fork(") } == [])
        #expect(
            places(in: c) { file, _, text in text.contains("fork(") && !file.path.contains("onfine") } == [])
        #expect(
            places(in: swift) { _, _, text in
                text.contains("Process()") || text.contains("Foundation.Process")
            } == [])
        for file in swift {
            #expect(!file.imports.contains("Foundation"), "\(file.path): FoundationEssentials is enough")
        }
    }

    /// `try?` as a word, and not as the end of `Entry?`.
    private static func dropsError(_ text: String) -> Bool {
        let pieces = text.split(separator: "try?", omittingEmptySubsequences: false)
        return pieces.dropLast().contains { $0.last?.isLetter != true }
    }

    @Test func `an error that is dropped says why`() {
        #expect(places(in: swift) { Self.dropsError($2) && !$0.hasComment(near: $1) } == [])
    }

    @Test func `what the compiler cannot check says what makes it true`() {
        let marks = ["@unchecked Sendable", "nonisolated(unsafe)", "Task.detached", "unsafeBitCast"]
        #expect(
            places(in: swift) { file, number, text in
                guard marks.contains(where: { text.contains($0) }) else { return false }
                // For a type the rule may stand at the head of its body.
                let near = file.lines[max(0, number - 8)..<min(file.lines.count, number + 4)]
                return !near.contains { $0.contains("//") }
            } == [])
    }

    @Test func `there is no floating point where money is`() {
        let money = swift.filter { ["Trading", "Wire", "Exchanges", "Journal"].contains($0.target) }
        #expect(
            places(in: money) { _, _, text in
                text.split { !$0.isLetter && !$0.isNumber && $0 != "_" }
                    .contains { ["Double", "Float", "Float80", "Float16"].contains($0) }
            } == [])
    }

    /// Stored properties and cases whose name says it all need no sentence; types, functions and initialisers do.
    @Test func `public types and functions are documented`() {
        let kinds: Set<String> = [
            "struct", "class", "enum", "protocol", "actor", "func", "init", "subscript", "typealias",
        ]
        var bare: [String] = []
        for file in swift {
            for (index, line) in file.lines.enumerated() {
                let words = line.split { $0 == " " || $0 == "(" || $0 == "?" || $0 == "<" }.map { String($0) }
                guard let place = words.firstIndex(of: "public"), !words.contains("import"),
                    words[..<place].allSatisfy({ $0.hasPrefix("@") }),
                    words[place...].prefix(4).contains(where: { kinds.contains($0) })
                else { continue }
                // An initialiser of one line does what its line says.
                guard !(words.contains("init") && line.hasSuffix("}")) else { continue }
                let above = file.lines[..<index].last {
                    !$0.drop { $0 == " " }.hasPrefix("@") && !$0.drop { $0 == " " }.hasPrefix("#if")
                }
                let isDocumented = above?.drop { $0 == " " }.hasPrefix("///") == true
                if !isDocumented { bare.append("\(file.path):\(index + 1)") }
            }
        }
        #expect(bare == [])
    }

    @Test func `nothing is left for later`() {
        let marks = ["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]
        for file in swift + c {
            for (index, text) in file.lines.enumerated() {
                let words = text.split { !$0.isLetter }.map { String($0) }
                #expect(!marks.contains { words.contains($0) }, "\(file.path):\(index + 1)")
            }
        }
    }

    @Test func `no placeholder is left, and a file holds one idea`() {
        for file in swift {
            #expect(!file.path.hasSuffix("/Placeholder.swift"), "\(file.path)")
            #expect(file.lines.count <= 500, "\(file.path) has \(file.lines.count) lines")
        }
    }

    @Test func `fatalError is for nobody`() {
        #expect(places(in: swift) { $2.contains("fatalError(") } == [])
    }
}

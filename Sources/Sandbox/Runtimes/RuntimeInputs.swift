internal import CConfine
internal import Glibc
internal import Posix
internal import Wire

/// What a runtime is made from, and so what it will hold.
struct RuntimeInputs {
    /// Raised whenever the trees are to be made differently.
    private static let revision = 1

    let runtime: Runtime
    /// The interpreter, links followed; empty when the runtime has none.
    let python: String
    /// Its version, such as `3.11`.
    let version: String
    /// The file of pinned requirements, or nil.
    let requirements: String?
    /// Versions of packages by normalised name.
    let packages: [(name: String, version: String)]
    /// Names all of the above, and the machine's own libraries, in short.
    let stamp: String

    init(_ runtime: Runtime, python: String, requirements folder: String) throws(RuntimeFailure) {
        self.runtime = runtime
        var facts = "revision \(Self.revision)\n" + Self.fact(Self.standardLibrary)
        if runtime.hasPython {
            (self.python, version) = try Self.ask(python, runtime)
            facts += Self.fact(self.python) + Self.fact("/usr/lib/python\(version)/os.py")
        } else {
            (self.python, version) = ("", "")
        }
        if runtime.hasPackages {
            let path = folder + "/" + runtime.rawValue + ".txt"
            guard let text = Files.text(path) else {
                throw RuntimeFailure(runtime: runtime.rawValue, reason: "\(path) cannot be read")
            }
            requirements = path
            packages = Self.pinned(in: text)
            facts += text
        } else {
            requirements = nil
            packages = []
        }
        let sum = unsafe confine_checksum(Array(facts.utf8), facts.utf8.count)
        stamp = String(sum, radix: 16)
    }

    /// The machine's C++ library, which is renewed together with the rest of its libraries.
    static let standardLibrary: String = {
        #if arch(arm64)
            "/lib/aarch64-linux-gnu/libstdc++.so.6"
        #else
            "/lib/x86_64-linux-gnu/libstdc++.so.6"
        #endif
    }()

    /// What `runtime.json` says.
    var catalogueEntry: JSONValue {
        .members([
            "stamp": .string(stamp), "python": version.isEmpty ? nil : .string(version),
            "packages": .object(packages.map { .init($0.name, .string($0.version)) }),
        ])
    }

    /// Size and time of a file: another one is another input.
    private static func fact(_ path: String) -> String {
        // What cannot be looked at cannot be taken into a runtime either: to its inputs it is missing.
        guard let status = try? Files.status(path) else { return "\(path) missing\n" }
        return "\(path) \(status.st_size) \(status.st_mtim.tv_sec)\n"
    }

    private static func ask(
        _ python: String, _ runtime: Runtime
    ) throws(RuntimeFailure) -> (path: String, version: String) {
        let question = "import os,sys;print(os.path.realpath(sys.executable),'%d.%d'%sys.version_info[:2])"
        do {
            let (status, output) = try ChildProcess.run(
                python, ["-I", "-S", "-c", question], environment: [])
            let words = output.trimmed.split(separator: " ").map(String.init)
            guard status == .exited(code: 0), words.count == 2 else {
                throw RuntimeFailure(runtime: runtime.rawValue, reason: "\(python) answered: \(output)")
            }
            return (words[0], words[1])
        } catch let failure as RuntimeFailure {
            throw failure
        } catch {
            throw RuntimeFailure(
                runtime: runtime.rawValue,
                reason: "\(python) cannot be run: \(error). What to do: apt-get install python3")
        }
    }

    /// `name==version` at the start of a line.
    private static func pinned(in text: String) -> [(name: String, version: String)] {
        text.split(separator: "\n").compactMap { line in
            guard let first = line.first, first.isLetter else { return nil }
            let parts = line.split(separator: " ")[0].split(separator: "=", omittingEmptySubsequences: true)
            guard parts.count == 2 else { return nil }
            return (RuntimeCatalogue.normalised(String(parts[0])), String(parts[1]))
        }
    }
}

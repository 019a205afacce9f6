internal import Glibc
internal import Posix

/// Fills the tree of one runtime.
struct RuntimeBuilder {
    let runtime: Runtime
    /// The tree's root, which is made here.
    let root: String
    let inputs: RuntimeInputs

    /// Parts of the standard library that no strategy needs.
    private static let leftOut: Set<String> = [
        "ensurepip", "idlelib", "lib2to3", "pydoc_data", "sitecustomize.py", "test", "tkinter", "turtledemo",
        "turtle.py", "venv", "EXTERNALLY-MANAGED",
    ]

    /// Makes the tree.
    func build(_ progress: (String) -> Void) throws {
        try Files.removeTree(root)
        progress("making the folders and libraries of runtime \(runtime.rawValue)")
        for folder in ["usr/bin", "usr/lib", "usr/lib64", "etc", "bundle", "sdk", "work", "tmp"] {
            try Files.makeFolders(root + "/" + folder)
        }
        for name in ["bin", "lib", "lib64"] { try Files.replaceLink(root + "/" + name, to: "usr/" + name) }
        var programs = [RuntimeInputs.standardLibrary]
        if runtime.hasPython {
            progress("copying Python \(inputs.version)")
            programs += try addPython()
        }
        if let requirements = inputs.requirements {
            progress("fetching \(inputs.packages.map(\.name).joined(separator: ", "))")
            programs += try addPackages(requirements)
        }
        try addLibraries(neededBy: programs)
        // Strategies have users of their own, whatever the umask of whoever makes this.
        try run("/bin/chmod", ["-R", "a+rX", root])
    }

    /// The folder where Debian's interpreter looks for packages.
    private var packageFolder: String { root + "/usr/lib/python3/dist-packages" }

    /// Copies interpreter, standard library, the C.UTF-8 locale and time zones. Returns what needs libraries.
    private func addPython() throws -> [String] {
        let library = "/usr/lib/python" + inputs.version
        let name = "python" + inputs.version
        try run("/bin/cp", ["--preserve=all", inputs.python, root + "/usr/bin/" + name])
        try Files.replaceLink(root + "/usr/bin/python3", to: name)
        try Files.makeFolders(root + library)
        let parts = Files.names(in: library).filter {
            !Self.leftOut.contains($0) && !$0.hasPrefix("config-")
        }
        // Times are kept, so that compiled modules stay valid.
        try run(
            "/bin/cp", ["-a", "--reflink=auto", "-t", root + library] + parts.map { library + "/" + $0 })
        for folder in ["/usr/lib/locale/C.utf8", "/usr/share/zoneinfo"] where Files.isFolder(folder) {
            try Files.makeFolders(root + folder)
            try run("/bin/cp", ["-aL", "--reflink=auto", folder + "/.", root + folder])
        }
        try compile(root + library)
        let modules = library + "/lib-dynload"
        return [inputs.python] + Files.names(in: modules).map { modules + "/" + $0 }
    }

    /// Fetches wheels by hash. Returns their shared libraries.
    private func addPackages(_ requirements: String) throws -> [String] {
        let tools = root + "/../tools"
        // pip works outside any strategy's reach, from an environment that is thrown away.
        try run("/usr/bin/python3", ["-m", "venv", tools])
        try run(
            tools + "/bin/pip",
            [
                "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps",
                "--require-hashes", "--only-binary", ":all:", "--no-compile", "--target", packageFolder,
                "-r", requirements,
            ])
        try Files.removeTree(tools)
        try compile(packageFolder)
        return try output("/usr/bin/find", [packageFolder, "-name", "*.so*", "-type", "f"])
            .split(separator: "\n").map(String.init)
    }

    private func compile(_ folder: String) throws {
        // Modules that do not compile are tests of the packages themselves; they fail when imported, as they should.
        _ = try ChildProcess.run(
            inputs.python, ["-I", "-m", "compileall", "-q", "-s", root, "-p", "/", folder], environment: [])
    }

    /// Copies every library of the machine that `programs` load, and the loader.
    private func addLibraries(neededBy programs: [String]) throws {
        var libraries: Set<String> = [RuntimeInputs.standardLibrary]
        for batch in stride(from: 0, to: programs.count, by: 64) {
            let part = Array(programs[batch..<min(batch + 64, programs.count)])
            // A file that is no dynamic program makes ldd end with 1; those that are have been listed all the same.
            let listing = try ChildProcess.run("/usr/bin/ldd", part, environment: ["PATH=/usr/bin:/bin"])
                .output
            for line in listing.split(separator: "\n") {
                // `libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x…)`, or only a path for the loader.
                let words = line.split(separator: " ").map { $0.split(separator: "\t").joined() }
                let path = words.first { $0.hasPrefix("/") && !$0.hasSuffix(":") }
                guard let path, path.hasPrefix("/lib") || path.hasPrefix("/usr/lib") else { continue }
                libraries.insert(path)
            }
        }
        for path in libraries.sorted() {
            let place = path.hasPrefix("/usr/") ? path : "/usr" + path
            try Files.makeFolders(root + Files.parent(of: place))
            try run("/bin/cp", ["-L", "--preserve=mode,timestamps", path, root + place])
        }
    }

    // MARK: - Tools

    /// pip needs to know about proxies, certificates and indexes; so tools get the host's own environment.
    private static let environment: [String] =
        (Files.text("/proc/self/environ") ?? "").split(separator: "\0").map(String.init)

    private func run(_ program: String, _ arguments: [String]) throws {
        _ = try output(program, arguments)
    }

    private func output(_ program: String, _ arguments: [String]) throws -> String {
        let (status, output) = try ChildProcess.run(program, arguments, environment: Self.environment)
        guard status == .exited(code: 0) else {
            throw RuntimeFailure(runtime: runtime.rawValue, reason: "\(program) failed: \(output.trimmed)")
        }
        return output
    }
}

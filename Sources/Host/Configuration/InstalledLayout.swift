import Glibc

/// Where the parts of an installation lie: `bin/bullpen`, `libexec/bullpen/{confine,nursery.so}`, `share/bullpen/…`.
public struct InstalledLayout: Hashable, Sendable {
    /// The folder above `bin`.
    public let prefix: String
    /// The folder of web pages, SDK, templates, profiles and schemas.
    public let share: String

    /// The launcher that builds a strategy's walls.
    public var confine: String { prefix + "/libexec/bullpen/confine" }
    /// The library of the nurseries, which make strategies of an interpreter that is warm.
    public var nurseryLibrary: String { prefix + "/libexec/bullpen/nursery.so" }
    /// The folder with what an operator runs inside the profile for programs.
    public var poke: String { prefix + "/libexec/bullpen/poke" }
    /// The pages.
    public var web: String { share + "/web" }
    /// What strategies import.
    public var sdk: String { share + "/sdk" }
    /// Strategies to begin with.
    public var templates: String { share + "/templates" }
    /// Sandbox profiles.
    public var profiles: String { share + "/profiles" }
    /// JSON Schemas.
    public var schemas: String { share + "/schemas" }

    /// An installation below `prefix`.
    public init(prefix: String, share: String? = nil) {
        self.prefix = prefix
        self.share = share ?? prefix + "/share/bullpen"
    }

    /// The installation that this program runs from.
    ///
    /// - Parameter share: Another place for `share/bullpen`, as `--share` gives it.
    /// - Throws: ``LayoutMissing`` when the program does not lie in an installation.
    public static func ofThisProgram(share: String? = nil) throws(LayoutMissing) -> InstalledLayout {
        guard let program = unsafe realpath("/proc/self/exe", nil) else { throw LayoutMissing(program: "") }
        defer { unsafe free(program) }
        let path = unsafe String(cString: program)
        let layout = InstalledLayout(prefix: parent(of: parent(of: path)), share: share)
        guard unsafe access(layout.share, R_OK) == 0 else { throw LayoutMissing(program: path) }
        return layout
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "" }
        return String(path[..<slash])
    }
}

/// The program does not lie where an installation has it.
public struct LayoutMissing: Error, Hashable, Sendable, CustomStringConvertible {
    /// The program's own path.
    public let program: String

    /// What is missing and what to do.
    public var description: String {
        "\(program) has no share/bullpen beside its folder: run it from an installation (scripts/stage makes one "
            + "in .build/stage), or name the folder with --share"
    }
}

internal import Glibc
internal import Posix

/// Where things lie in the data folder.
struct DataFolders: Sendable {
    /// The folder itself, as an absolute path.
    let root: String

    var journal: String { "\(root)/journal.db" }
    var paper: String { "\(root)/paper.db" }
    var strategies: String { "\(root)/strategies" }
    var runs: String { "\(root)/runs" }
    var logs: String { "\(root)/logs" }
    var runtimes: String { "\(root)/runtimes" }

    /// The files of one version of a strategy.
    func bundle(strategy: String, version: String) -> String { "\(strategies)/\(strategy)/\(version)" }

    /// The log of a strategy, over all its runs.
    func log(strategy: String) -> String { "\(runs)/\(strategy)" }

    /// What was told to one run.
    func record(strategy: String, run: String) -> String { "\(runs)/\(strategy)/\(run)" }

    /// Makes the folders that are not there yet, for the owner alone.
    func make() throws(SystemCallError) {
        for path in [root, strategies, runs, logs, runtimes] { try make(path) }
    }

    /// Makes one folder, if it is not there yet.
    func make(_ path: String) throws(SystemCallError) {
        guard unsafe mkdir(path, 0o700) != 0, errno != EEXIST else { return }
        throw SystemCallError(call: "mkdir", number: errno, subject: path)
    }
}

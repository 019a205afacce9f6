internal import Glibc
internal import Posix

/// Where things lie in the data folder.
struct DataFolders: Sendable {
    /// The folder itself, as an absolute path.
    let root: String

    var journal: String { "\(root)/journal.db" }
    var paper: String { "\(root)/paper.db" }
    var stories: String { "\(root)/stories.db" }
    var lab: String { "\(root)/lab.db" }
    var market: String { "\(root)/market" }
    var candles: String { "\(market)/candles.db" }
    /// What collectors are told and have done, and the prices that they collected.
    var collectors: String { "\(market)/collectors.db" }
    var strategies: String { "\(root)/strategies" }
    var runs: String { "\(root)/runs" }
    var logs: String { "\(root)/logs" }
    var runtimes: String { "\(root)/runtimes" }
    /// The vault's key file, unless the configuration names another.
    var masterKey: String { "\(root)/master.key" }

    /// The files of one version of a strategy.
    func bundle(strategy: String, version: String) -> String { "\(strategies)/\(strategy)/\(version)" }

    /// The log of a strategy, over all its runs.
    func log(strategy: String) -> String { "\(runs)/\(strategy)" }

    /// What was told to one run.
    func record(strategy: String, run: String) -> String { "\(runs)/\(strategy)/\(run)" }

    /// Makes the folders that are not there yet, for the owner alone.
    func make() throws(SystemCallError) {
        for path in [root, market, strategies, runs, logs, runtimes] { try make(path) }
    }

    /// Sets space aside in which the paper venue can write down cancels and fills while the disk is full.
    ///
    /// SQLite writes its log from the beginning again after each checkpoint, and passes over what follows the last
    /// record, so the file may be longer than what is in it.
    func reserveForPaper(log: HostLog) {
        do throws(SystemCallError) {
            let path = "\(paper)-wal"
            let file = try FileDescriptor.open(path, O_RDWR | O_CREAT, mode: 0o600)
            let number = posix_fallocate(file.number, 0, Self.paperReserveBytes)
            guard number == 0 else {
                throw SystemCallError(call: "posix_fallocate", number: number, subject: path)
            }
        } catch {
            log.warning("while the disk is full, cancels at the paper venue may fail", ["reason": "\(error)"])
        }
    }

    /// As long as SQLite lets its log become before a checkpoint.
    private static let paperReserveBytes = 4 << 20

    /// Makes one folder, if it is not there yet.
    func make(_ path: String) throws(SystemCallError) {
        guard unsafe mkdir(path, 0o700) != 0, errno != EEXIST else { return }
        throw SystemCallError(call: "mkdir", number: errno, subject: path)
    }
}

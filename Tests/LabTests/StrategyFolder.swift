import Glibc
import Posix
import TestSupport

/// A folder with a strategy of one file.
struct StrategyFolder {
    let path = Places.makeTemporaryFolder()

    init(_ code: String) throws {
        let file = try FileDescriptor.open(path + "/strategy.py", O_WRONLY | O_CREAT)
        try file.writeAll(Array(code.utf8)[...])
    }

    /// Takes it away with all that is in it.
    func remove() {
        unlink(path + "/strategy.py")
        rmdir(path)
    }
}

import FoundationEssentials
import TestSupport

/// A folder of a test's own, which goes with it.
final class TemporaryFolder {
    let path = Places.makeTemporaryFolder()

    init() throws {}

    deinit {
        // What is left over lies under /tmp.
        try? FileManager.default.removeItem(atPath: path)
    }
}

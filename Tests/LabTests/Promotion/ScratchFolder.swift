import FoundationEssentials
import TestSupport

/// A folder that goes with the test that made it.
final class ScratchFolder {
    let path = Places.makeTemporaryFolder()

    deinit {
        // Only tidiness is lost when it stays behind.
        try? FileManager.default.removeItem(atPath: path)
    }
}

import Glibc
import Testing

@testable import Journal

@Suite("Data folder lock")
struct DataFolderLockTests {
    @Test("a second host is refused, told who has the folder, and let in when the first is gone")
    func exclusive() throws {
        let folder = try TemporaryFolder()
        do {
            let lock = try DataFolderLock(folder: folder.path)
            let failure = #expect(throws: DataFolderTaken.self) { try DataFolderLock(folder: folder.path) }
            #expect(failure?.holder == Int(getpid()))
            #expect(failure?.description.contains("process \(getpid())") == true)
            #expect(lock.folder == folder.path)
        }
        _ = try DataFolderLock(folder: folder.path)
    }

    @Test("a folder that is not there is a failure that names it")
    func missing() {
        #expect(throws: (any Error).self) { try DataFolderLock(folder: "/nowhere/at/all") }
    }
}

import Glibc

/// Folders that tests need.
public enum Places {
    /// The folder of the built programs: the one that this test program runs from.
    public static let products: String = {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        precondition(count > 0, "/proc/self/exe cannot be read")
        let path = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return parent(of: path)
    }()

    /// The root of the package.
    public static let package: String = {
        var folder = parent(of: #filePath)
        while folder != "/", access(folder + "/Package.swift", F_OK) != 0 { folder = parent(of: folder) }
        return folder
    }()

    /// Makes an empty folder under /tmp; whoever asked removes it.
    public static func makeTemporaryFolder() -> String {
        var template = Array("/tmp/bullpen-test-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "no folder can be made under /tmp")
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func parent(of path: String) -> String {
        let parts = path.split(separator: "/").dropLast()
        return "/" + parts.joined(separator: "/")
    }
}

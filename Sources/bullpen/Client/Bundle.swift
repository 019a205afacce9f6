import FoundationEssentials
import Net

/// A file or folder on this machine, as it is uploaded.
struct Bundle {
    let fileName: String
    let content: HTTPRequest.Part.Content

    /// A file goes as it is. A folder goes as a zip archive of its files, those beginning with a dot left out.
    init(path: String) throws(CommandFailure) {
        var folder = path
        while folder.count > 1, folder.last == "/" { folder.removeLast() }
        let name = String(folder.split(separator: "/").last ?? "strategy")
        var isFolder = false
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder) else {
            throw CommandFailure(.notFound, "there is no file or folder \(path)")
        }
        guard isFolder else {
            fileName = name
            content = .file(path: path)
            return
        }
        fileName = (name == "." || name == ".." ? "strategy" : name) + ".zip"
        var archive = ZipWriter()
        for file in try Self.files(in: folder) {
            guard let data = FileManager.default.contents(atPath: folder + "/" + file) else {
                throw CommandFailure(.error, "\(folder)/\(file) cannot be read")
            }
            guard archive.add(file, [UInt8](data)) else {
                throw CommandFailure(.error, "\(folder) holds more than can be uploaded")
            }
        }
        content = .bytes(archive.finished())
    }

    private static func files(in folder: String) throws(CommandFailure) -> [String] {
        do {
            let all = try FileManager.default.subpathsOfDirectory(atPath: folder)
            return all.filter { path in
                var isFolder = false
                let exists = FileManager.default.fileExists(
                    atPath: folder + "/" + path, isDirectory: &isFolder)
                let parts = path.split(separator: "/")
                return exists && !isFolder && !parts.contains { $0.hasPrefix(".") || $0 == "__pycache__" }
            }.sorted()
        } catch {
            throw CommandFailure(.error, "\(folder) cannot be read")
        }
    }
}

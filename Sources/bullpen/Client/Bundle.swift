import FoundationEssentials
import Glibc
import Net

/// A file or folder on this machine, as it is uploaded.
struct Bundle {
    let fileName: String
    let content: HTTPRequest.Part.Content

    /// More than any host takes, and little enough to look through at once.
    private static let (mostFiles, mostBytes) = (2_000, 1 << 30)

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
            var status = stat()
            guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                throw CommandFailure(.error, "\(path) is neither a file nor a folder")
            }
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

    /// Names of the files in a folder and in those below it, those beginning with a dot left out. Links to folders are not
    /// followed; what is neither file nor folder, such as a fifo, is left out.
    private static func files(in folder: String) throws(CommandFailure) -> [String] {
        var (found, bytes): ([String], Int) = ([], 0)
        var folders = [""]
        while let inner = folders.popLast() {
            for name in try names(in: folder + "/" + inner)
            where !name.hasPrefix(".") && name != "__pycache__" {
                let path = inner + name
                var (own, meant) = (stat(), stat())
                guard unsafe lstat(folder + "/" + path, &own) == 0,
                    unsafe stat(folder + "/" + path, &meant) == 0
                else { continue }
                if own.st_mode & S_IFMT == S_IFDIR {
                    folders.append(path + "/")
                } else if meant.st_mode & S_IFMT == S_IFREG {
                    found.append(path)
                    bytes += Int(meant.st_size)
                }
                guard found.count + folders.count <= mostFiles, bytes <= mostBytes else {
                    throw CommandFailure(
                        .error, "\(folder) holds more than can be uploaded: is it a strategy's folder?")
                }
            }
        }
        return found.sorted()
    }

    private static func names(in folder: String) throws(CommandFailure) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw CommandFailure(.error, "\(folder) cannot be read")
        }
    }
}

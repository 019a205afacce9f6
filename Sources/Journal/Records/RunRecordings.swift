internal import Glibc
public import Posix

/// The recordings of one strategy's runs: folders `r<number>` beside each other.
public enum RunRecordings {
    /// Removes all but the newest recordings, so that starting again and again does not fill the disk.
    ///
    /// - Parameters:
    ///   - folder: Where the runs' folders lie. Whatever else lies there stays.
    ///   - count: How many are kept. At least one, the run that is beginning.
    public static func removeOldest(in folder: String, keeping count: Int) throws(SystemCallError) {
        precondition(count > 0)
        let runs = try FileTree.names(folder).compactMap { name in
            name.first == "r" ? Int64(name.dropFirst()) : nil
        }
        for run in runs.sorted().dropLast(count) {
            let path = "\(folder)/r\(run)"
            for name in try FileTree.names(path) {
                guard unsafe unlink("\(path)/\(name)") == 0 else {
                    throw SystemCallError(call: "unlink", number: errno, subject: "\(path)/\(name)")
                }
            }
            guard unsafe rmdir(path) == 0 else {
                throw SystemCallError(call: "rmdir", number: errno, subject: path)
            }
        }
    }
}

import Wire

@testable import Catalogue

private let limits = BundleReader.Limits(
    uploadBytes: 256 << 10, fileBytes: 256 << 10, totalBytes: 512 << 10, entries: 50, ratio: 100)

private let packages = ["python-scientific": ["numpy": "1.26.4", "pandas": "2.2.2"]]

/// An upload, whatever it is. What is taken holds to its limits and has no name that leads out of its folder.
func fuzzBundle(_ bytes: [UInt8]) {
    for name in ["upload.zip", "upload.py"] {
        let bundle: StrategyBundle
        do throws(ValidationProblem) {
            bundle = try BundleReader(limits: limits).read(bytes, fileName: name)
        } catch {
            precondition(!error.message.isEmpty)
            continue
        }
        precondition(bundle.files.reduce(0) { $0 + $1.content.count } <= limits.totalBytes)
        for file in bundle.files {
            let parts = file.path.split(separator: "/", omittingEmptySubsequences: false)
            precondition(
                !parts.contains { $0.isEmpty || $0 == "." || $0 == ".." }, "a name leads out of its folder")
            precondition(
                !file.path.utf8.contains { $0 < 0x20 || $0 == 0x5C || $0 == 0x7F }, "a name has odd bytes")
        }
        precondition(Set(bundle.files.map(\.path)).count == bundle.files.count)
        _ = BundleInspection(bundle, nameHint: name, bounds: ConfigBounds(), packages: packages)
    }
}

/// The text of a strategy.json, of a requirements.txt beside it, and of what the check of its Python writes.
func fuzzStrategyJSON(_ bytes: [UInt8]) {
    let halves = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
    let (config, problems) = ConfigReader.read(Array(halves[0]), bounds: ConfigBounds())
    for problem in problems { precondition(!problem.message.isEmpty) }
    if problems.isEmpty { _ = config.json.bytes }
    // What the check of a bundle's Python writes comes from a process that has read hostile files.
    let check = PythonSyntaxCheck(StrategyBundle(files: [.init(path: "strategy.py", content: [])]))
    for problem in check.problems(output: bytes, errors: bytes, end: .exited(code: 0)) {
        precondition(problem.message.utf8.count < 8192)
    }
    if halves.count > 1 {
        _ = RequirementsCheck(installed: packages["python-scientific"]!, profile: "python-scientific")
            .problems(in: Array(halves[1]))
    }
}

import FoundationEssentials
import Glibc
import Host
import TestSupport
import Testing

extension HostTests {
    @Suite("Templates") struct TemplateTests {
        static let folder = Places.package + "/strategy-templates"
        static let names: [String] = {
            do {
                return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            } catch {
                return []
            }
        }()

        @Test func `every template runs confined on the simulated market, and its orders come back`()
            async throws
        {
            #expect(Self.names.count >= 7)
            try await HostFixture.run(settings: ["market.speed=3600"]) { fixture in
                var running: [String] = []
                for name in Self.names {
                    if name == "sklearn-classifier", access(HostFixture.runtimes + "/scientific", R_OK) != 0 {
                        continue  // Its runtime could not be installed here.
                    }
                    let upload = BundleUpload(
                        content: try await Self.zip(name), fileName: "\(name).zip", name: name)
                    let id = try await fixture.host.upload(upload, by: "ada").id
                    _ = try await fixture.host.start(id, options: StartOptions(), by: "ada")
                    running.append(id)
                    // One after another: an order of each, then make room for the next.
                    try await fixture.wait("an order that is filled", about: id, seconds: 60) {
                        try await fixture.orders(id).contains { $0.status == .filled }
                    }
                    _ = try await fixture.host.stop(id, orders: .flatten, by: "ada")
                    let end = try await fixture.wait(id) {
                        $0.state == .stopped && $0.positions.allSatisfy(\.quantity.isZero)
                    }
                    #expect(end.restarts == 0)
                    let log = try await fixture.host.logs(of: id, page: PageRequest(limit: 1000)).items
                    #expect(
                        log.filter { $0.level == .error || $0.message.contains("refused") } == [], "\(name)")
                }
            }
        }

        /// A template as its author would send it; a native one is built first, as its README says.
        static func zip(_ name: String) async throws -> [UInt8] {
            let scratch = Places.makeTemporaryFolder()
            // Only tidiness is lost when the folder stays behind.
            defer { try? FileManager.default.removeItem(atPath: scratch) }
            let copy = scratch + "/" + name
            try FileManager.default.copyItem(atPath: folder + "/" + name, toPath: copy)
            if access(copy + "/main.c", F_OK) == 0 {
                let source = String(
                    decoding: try Data(contentsOf: URL(filePath: copy + "/main.c")), as: UTF8.self)
                try Data(Puppet.compile(source)).write(to: URL(filePath: copy + "/main"))
            }
            return try await Bundles.zip(
                "for path in sorted(pathlib.Path('.').rglob('*')): z.write(path)", in: copy)
        }
    }
}

/// Bundles made for a test.
enum Bundles {
    /// A zip archive made by Python's zipfile; `script` finds it as `z`.
    static func zip(_ script: String, in folder: String = "/") async throws -> [UInt8] {
        let scratch = Places.makeTemporaryFolder()
        // Only tidiness is lost when the folder stays behind.
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        let file = scratch + "/bundle.zip"
        let program = """
            import os, pathlib, zipfile
            os.chdir(\(quoted(folder)))
            z = zipfile.ZipFile(\(quoted(file)), "w", zipfile.ZIP_DEFLATED)
            \(script)
            z.close()
            """
        let ending = try await ChildProcess.run("/usr/bin/python3", ["-I", "-c", program])
        struct Failed: Error { let words: String }
        guard ending.code == 0 else { throw Failed(words: ending.errors) }
        return Array(try Data(contentsOf: URL(filePath: file)))
    }

    private static func quoted(_ text: String) -> String { "'\(text)'" }
}

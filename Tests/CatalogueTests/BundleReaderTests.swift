import Foundation
import Testing

@testable import Catalogue

@Suite("Bundle reader")
struct BundleReaderTests {
    private func read(_ script: String, limits: BundleReader.Limits = .init()) throws -> StrategyBundle {
        try BundleReader(limits: limits).read(try Program.zip(script), fileName: "x.zip")
    }

    @Test func `several files come out sorted, with what systems leave behind left out`() throws {
        let bundle = try read(
            """
            z.writestr("strategy.json", "{}")
            z.writestr("lib/", "")
            z.writestr("lib/a.py", "x = 1")
            z.writestr("strategy.py", "import lib.a" + chr(10) * 3_000_000 * 0)
            z.writestr("__MACOSX/._strategy.py", "junk")
            z.writestr("lib/__pycache__/a.cpython-311.pyc", "junk")
            z.writestr("Ünïcode.txt", "é")
            """)
        #expect(bundle.files.map(\.path) == ["lib/a.py", "strategy.json", "strategy.py", "Ünïcode.txt"])
        #expect(bundle.leftOut.count == 2)
        #expect(bundle["lib/a.py"]?.content == Array("x = 1".utf8))
        #expect(bundle.version.count == 16)
    }

    @Test func `a folder that holds everything is taken off`() throws {
        let bundle = try read(
            #"z.writestr("my/strategy.py", "a"); z.writestr("my/lib/b.py", "b"); z.writestr("my/strategy.json", "{}")"#
        )
        #expect(bundle.files.map(\.path) == ["lib/b.py", "strategy.json", "strategy.py"])
    }

    @Test(
        "a hostile name is refused by name",
        arguments: [
            (#"z.writestr("../evil.py", "x")"#, "../evil.py", ValidationProblem.Code.unsafeName),
            (
                #"z.writestr("ok.py", "x"); z.writestr("a/../../evil.py", "x")"#, "a/../../evil.py",
                .unsafeName
            ),
            (#"z.writestr("a/..", "x")"#, "a/..", .unsafeName),
            (#"z.writestr("/etc/cron.d/evil", "x")"#, "/etc/cron.d/evil", .unsafeName),
            (#"z.writestr("..", "x")"#, "..", .unsafeName),
            (#"z.writestr("/", "x")"#, "/", .unsafeName),
            (#"z.writestr("./a.py", "x")"#, "./a.py", .unsafeName),
            (#"z.writestr("a//b.py", "x")"#, "a//b.py", .unsafeName),
            (#"z.writestr("a//", "")"#, "a//", .unsafeName),
            (#"z.writestr("..\\evil.py", "x")"#, "..\\evil.py", .unsafeName),
            (#"z.writestr("C:evil.py", "x")"#, "C:evil.py", .unsafeName),
            (#"z.writestr("c:/evil.py", "x")"#, "c:/evil.py", .unsafeName),
            (#"z.writestr("a\nb.py", "x")"#, "a\\u{a}b.py", .unsafeName),
            (#"z.writestr("a\x1b[2Jb.py", "x")"#, "a\\u{1b}[2Jb.py", .unsafeName),
            (#"z.writestr("a\u202egnp.py", "x")"#, "a\\u{202e}gnp.py", .unsafeName),
            (#"z.writestr("a\u200bb.py", "x")"#, "a\\u{200b}b.py", .unsafeName),
            (#"z.writestr("/".join("abcdefghi") + ".py", "x")"#, "a/b/c/d/e/f/g/h/i.py", .unsafeName),
            (#"z.writestr(mode("link.py", stat.S_IFLNK | 0o777), "/etc/passwd")"#, "link.py", .notAFile),
            (#"z.writestr(mode("null", stat.S_IFCHR | 0o666), "")"#, "null", .notAFile),
            (#"z.writestr(mode("fifo", stat.S_IFIFO | 0o666), "")"#, "fifo", .notAFile),
            (#"z.writestr(mode("sock", stat.S_IFSOCK | 0o666), "")"#, "sock", .notAFile),
            (#"z.writestr("a.py", "x"); z.writestr("a.py", "y")"#, "a.py", .duplicateName),
            (#"z.writestr("a.py", "x"); z.writestr("A.PY", "y")"#, "A.PY", .duplicateName),
            (#"z.writestr("\u00e9.py", "x"); z.writestr("e\u0301.py", "y")"#, "e\u{301}.py", .duplicateName),
            (#"z.writestr("a", "x"); z.writestr("a/b.py", "y")"#, "a", .duplicateName),
            (#"z.writestr("a/b.py", "y"); z.writestr("A", "x")"#, "A", .duplicateName),
            (#"z.writestr("a.py", "x", zipfile.ZIP_BZIP2)"#, "a.py", .unsupportedCompression),
            (#"z.writestr("a.py", "x", zipfile.ZIP_LZMA)"#, "a.py", .unsupportedCompression),
        ])
    func hostile(_ script: String, _ name: String, _ code: ValidationProblem.Code) throws {
        let problem = #expect(throws: ValidationProblem.self) { try read(script) }
        #expect(problem?.code == code, "\(String(describing: problem))")
        #expect(problem?.field == name)
        #expect(problem?.message.contains(name) == true)
    }

    @Test func `a name that is not UTF-8 or too long is refused`() throws {
        let raw = try Program.zip(
            #"z.writestr("abcd.py", "x"); z.close(); data = b.getvalue().replace(b"abcd", b"a\xff\xfed"); z = zipfile.ZipFile(io.BytesIO(), "w")"#
        )
        let problem = #expect(throws: ValidationProblem.self) {
            try BundleReader().read(raw, fileName: "x.zip")
        }
        #expect(problem?.code == .unsafeName && problem?.message.contains("not UTF-8") == true)
        let long = #expect(throws: ValidationProblem.self) {
            try read(#"z.writestr("a" * 201, "x")"#)
        }
        #expect(long?.code == .unsafeName && long?.message.contains("longer than 200 bytes") == true)
        _ = try read(#"z.writestr("a" * 197 + ".py", "x")"#)
    }

    @Test func `an encrypted entry is refused`() throws {
        // The flag in the local header and in the directory, as an encrypting packer sets it.
        let bytes = try Program.zip(
            #"""
            z.writestr("secret.py", "x" * 20); z.close(); d = bytearray(b.getvalue())
            d[6] |= 1; at = d.find(b"PK\x01\x02"); d[at + 8] |= 1
            data = bytes(d); z = zipfile.ZipFile(io.BytesIO(), "w")
            """#)
        let problem = #expect(throws: ValidationProblem.self) {
            try BundleReader().read(bytes, fileName: "x.zip")
        }
        #expect(problem?.code == .encrypted && problem?.field == "secret.py")
    }

    @Test func `a bomb is refused by what comes out, not by what its header says`() throws {
        let problem = #expect(throws: ValidationProblem.self) {
            try read(#"z.writestr("zeros.txt", bytes(20_000_000))"#)
        }
        #expect(problem?.code == .compressionBomb && problem?.field == "zeros.txt")
        // The same, with a header that claims ten bytes.
        let liar = try Program.zip(
            #"""
            z.writestr("zeros.txt", bytes(20_000_000)); z.close(); d = b.getvalue()
            size = (20_000_000).to_bytes(4, "little")
            data = d.replace(size, (10).to_bytes(4, "little")); z = zipfile.ZipFile(io.BytesIO(), "w")
            """#)
        let second = #expect(throws: ValidationProblem.self) {
            try BundleReader().read(liar, fileName: "x.zip")
        }
        #expect(second?.code == .compressionBomb || second?.code == .damaged)
    }

    @Test func `files, totals, counts and uploads have limits`() throws {
        var limits = BundleReader.Limits()
        limits.fileBytes = 1000
        let file = #expect(throws: ValidationProblem.self) {
            try read(#"z.writestr("a.py", "x" * 1001)"#, limits: limits)
        }
        #expect(file?.code == .tooLarge && file?.field == "a.py")
        #expect(try read(#"z.writestr("a.py", "x" * 1000)"#, limits: limits).size == 1000)
        limits.totalBytes = 1500
        let total = #expect(throws: ValidationProblem.self) {
            try read(
                #"z.writestr("a.py", "x" * 1000); z.writestr("b.py", "x" * 501)"#, limits: limits)
        }
        #expect(total?.code == .tooLarge && total?.field == "b.py")
        let count = #expect(throws: ValidationProblem.self) {
            try read(#"[z.writestr(f"f{n}.py", "") for n in range(5000)]"#)
        }
        #expect(count?.code == .tooManyFiles && count?.message.contains("5000") == true)
        limits.uploadBytes = 10
        let upload = #expect(throws: ValidationProblem.self) {
            try BundleReader(limits: limits).read(Array(repeating: 0x20, count: 11), fileName: "a.py")
        }
        #expect(upload?.code == .tooLarge)
    }

    @Test func `a broken archive is refused wherever it is broken`() throws {
        let good = try Program.zip(
            #"z.writestr("strategy.py", "import math\n" * 50); z.writestr("data.bin", bytes(range(256)) * 8)"#
        )
        #expect(try BundleReader().read(good, fileName: "x.zip").files.count == 2)
        for length in stride(from: 4, to: good.count, by: 7) {
            #expect(throws: ValidationProblem.self) {
                try BundleReader().read(Array(good[..<length]), fileName: "x.zip")
            }
        }
        // Any single changed byte gives the same files, other harmless ones, or a refusal; never a crash.
        var refused = 0
        for index in 4..<good.count {
            var bad = good
            bad[index] ^= 0x5A
            do { _ = try BundleReader().read(bad, fileName: "x.zip") } catch { refused += 1 }
        }
        #expect(refused > good.count / 2)
        let content = #expect(throws: ValidationProblem.self) {
            var bad = good
            let at = 30 + "strategy.py".utf8.count + 5
            bad[at] ^= 0xFF
            _ = try BundleReader().read(bad, fileName: "x.zip")
        }
        #expect(content?.code == .damaged)
    }

    @Test(
        "an upload that is nothing is refused",
        arguments: [
            ([UInt8](), "a.py", ValidationProblem.Code.empty), (Array("hi".utf8), "a.sh", .unknownType),
            (Array("hi".utf8), "", .unknownType), ([0x50, 0x4B, 3, 4], "a.zip", .damaged),
            (Array("GIF89a".utf8), "a.zip", .unknownType),
        ])
    func nothing(_ bytes: [UInt8], _ name: String, _ code: ValidationProblem.Code) throws {
        let problem = #expect(throws: ValidationProblem.self) {
            try BundleReader().read(bytes, fileName: name)
        }
        #expect(problem?.code == code)
        let empty = #expect(throws: ValidationProblem.self) { try read("pass") }
        #expect(empty?.code == .empty)
    }

    @Test func `the version follows the content and nothing else`() throws {
        let one = try read(#"z.writestr("a.py", "x"); z.writestr("b.py", "y")"#)
        let two = try read(#"z.writestr("b.py", "y"); z.writestr("a.py", "x", zipfile.ZIP_STORED)"#)
        #expect(one.version == two.version)
        let other = try read(#"z.writestr("a.py", "xb.py"); z.writestr("c.py", "")"#)
        let shifted = try read(#"z.writestr("a.py", "x"); z.writestr("b.pyc.py", "")"#)
        #expect(Set([one.version, other.version, shifted.version]).count == 3)
        let configured = one.settingConfig(Array("{}".utf8))
        #expect(configured.files.map(\.path) == ["a.py", "b.py", "strategy.json"])
        #expect(configured.version != one.version)
        // Python's hashlib is the oracle.
        let bytes = try Program.run(
            "/usr/bin/python3",
            [
                "-I", "-c",
                "import hashlib; print(hashlib.sha256(b'4 1 a.pyx4 1 b.pyy').hexdigest()[:16], end='')",
            ])
        #expect(String(decoding: bytes.output, as: UTF8.self) == one.version)
    }

    @Test func `the entry is what is named, or the one that can only be meant`() throws {
        let single = try BundleReader().read(Array("x = 1".utf8), fileName: "My Bot.PY")
        #expect(try single.entry(configured: nil) == "strategy.py")
        let several = try read(#"z.writestr("bot.py", "x"); z.writestr("lib/a.py", "x")"#)
        #expect(try several.entry(configured: nil) == "bot.py")
        #expect(try several.entry(configured: "lib/a.py") == "lib/a.py")
        #expect(throws: ValidationProblem.self) { try several.entry(configured: "main.py") }
        let unclear = try read(#"z.writestr("a.py", "x"); z.writestr("b.py", "x")"#)
        let problem = #expect(throws: ValidationProblem.self) { try unclear.entry(configured: nil) }
        #expect(problem?.code == .entryMissing)
    }
}

@Suite("Bundle storage")
struct BundleStorageTests {
    private let scratch: ScratchFolder
    private let bundle: StrategyBundle

    init() throws {
        scratch = try ScratchFolder()
        bundle = StrategyBundle(files: [
            .init(path: "strategy.py", content: Array("print(1)".utf8)),
            .init(path: "lib/deep/a.py", content: []),
            .init(path: "main", content: Array(repeating: 7, count: 100_000)),
        ])
    }

    private var parent: String { scratch.path + "/mine" }

    private func mode(_ path: String) throws -> Int {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int ?? -1
    }

    @Test func `a bundle is written read-only, found again and removed`() throws {
        let folder = try BundleStorage.install(bundle, below: parent, program: "main")
        #expect(folder == parent + "/" + bundle.version)
        #expect(try mode(folder) == 0o555 && mode(folder + "/lib/deep") == 0o555)
        #expect(try mode(folder + "/strategy.py") == 0o444 && mode(folder + "/main") == 0o555)
        #expect(try BundleStorage.load(bundle.version, below: parent)?.files == bundle.files)
        #expect(try FileManager.default.contentsOfDirectory(atPath: parent) == [bundle.version])
        #expect(try BundleStorage.install(bundle, below: parent) == folder)
        try BundleStorage.remove(bundle.version, below: parent)
        #expect(try FileManager.default.contentsOfDirectory(atPath: parent).isEmpty)
        try BundleStorage.remove(bundle.version, below: parent)
        try BundleStorage.remove(nil, below: parent)
        #expect(!FileManager.default.fileExists(atPath: parent))
        try BundleStorage.remove(nil, below: parent)
        try BundleStorage.remove("x", below: parent)
    }

    @Test func `what was changed on the disk is noticed`() throws {
        let folder = try BundleStorage.install(bundle, below: parent)
        let files = FileManager.default
        try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder)
        try files.removeItem(atPath: folder + "/strategy.py")
        #expect(try BundleStorage.load(bundle.version, below: parent) == nil)
        try files.createSymbolicLink(atPath: folder + "/strategy.py", withDestinationPath: "/etc/passwd")
        #expect(throws: (any Error).self) { try BundleStorage.load(bundle.version, below: parent) }
    }

    @Test func `nothing is written through a link, and leftovers are swept`() throws {
        let files = FileManager.default
        let elsewhere = scratch.path + "/elsewhere"
        try files.createDirectory(atPath: elsewhere, withIntermediateDirectories: false)
        try files.createSymbolicLink(atPath: parent, withDestinationPath: elsewhere)
        #expect(throws: (any Error).self) { try BundleStorage.install(bundle, below: parent) }
        #expect(try files.contentsOfDirectory(atPath: elsewhere).isEmpty)
        try files.removeItem(atPath: parent)
        _ = try BundleStorage.install(bundle, below: parent)
        try files.createDirectory(
            atPath: parent + "/.incoming-1/lib", withIntermediateDirectories: true)
        try files.createSymbolicLink(
            atPath: parent + "/.incoming-1/lib/x", withDestinationPath: elsewhere)
        try BundleStorage.sweep(below: parent)
        #expect(try files.contentsOfDirectory(atPath: parent) == [bundle.version])
        #expect(files.fileExists(atPath: elsewhere))
    }
}

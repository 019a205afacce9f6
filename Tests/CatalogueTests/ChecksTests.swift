import Foundation
import Testing
import Wire

@testable import Catalogue

@Suite("requirements.txt")
struct RequirementsCheckTests {
    private let check = RequirementsCheck(
        installed: ["numpy": "1.26.4", "scikit_learn": "1.4.2", "Pandas": "2.2.0", "torch": "2.3.0+cpu"],
        profile: "python-scientific")

    @Test(
        "what is there is accepted",
        arguments: [
            "numpy", "NumPy == 1.26.4", "numpy==1.26.*", "numpy>=1.20,<2", "numpy~=1.26", "numpy~=1.26.0",
            "numpy != 1.25", "scikit-learn>=1.4", "Scikit.Learn", "scikit_learn", "pandas (>=2.0)",
            "numpy>1.26.3", "numpy<1.26.5", "# only a comment", "", "   ", "numpy  # comment", "torch==2.3.0",
            "torch==2.3.0+cpu", "torch>=2.3", "numpy==1.26.4.0", "numpy>=1.26.4rc1",
            "numpy >= 1.20 , < 2.0\r",
        ])
    func accepted(_ line: String) {
        #expect(check.problems(in: Array(line.utf8)) == [])
    }

    @Test(
        "what is not there is refused with what is",
        arguments: [
            "scipy", "numpy==1.26.3", "numpy>=2", "numpy<1.26.4", "numpy>1.26.4", "numpy~=1.25.0",
            "numpy!=1.26.4",
            "numpy!=1.26.*", "numpy==1.2.*", "pandas<2.2.0", "torch==2.3.0+cu121", "numpy>=1.20,<1.26",
        ])
    func refused(_ line: String) {
        let problems = check.problems(in: Array("pandas\n\(line)\n".utf8))
        #expect(problems.count == 1)
        #expect(problems.first?.line == 2 && problems.first?.source == line)
        #expect(problems.first?.message.contains("python-scientific") == true)
        #expect(problems.first?.message.contains("the operator can") == true)
    }

    @Test(
        "what is no plain requirement is refused",
        arguments: [
            "-r other.txt", "-e .", "--index-url http://x", "git+https://github.com/a/b",
            "numpy @ https://x/y.whl",
            "./local", "/abs/path", "numpy; python_version<'3.12'", "numpy[extra]", "numpy --hash=sha256:abc",
            "numpy \\", "numpy===1.26.4", "numpy>", "numpy=1.26", "numpy>=1.26,,<2", "numpy>=abc", "numpy~=1",
            "numpy>=1.*", "?", "numpy 1.26", "numpy>=1.0+local", "-numpy",
        ])
    func unusual(_ line: String) {
        let problems = check.problems(in: Array(line.utf8))
        #expect(problems.count == 1, "\(line)")
        #expect(problems.first?.code == .requirement && problems.first?.line == 1)
    }

    @Test func `a missing package is told with everything the profile has`() {
        let message = check.problems(in: Array("scipy>=1".utf8)).first?.message
        #expect(
            message
                == "scipy is not in the profile python-scientific, which has numpy 1.26.4, pandas 2.2.0, "
                + "scikit-learn 1.4.2, torch 2.3.0+cpu; the operator can add it to that profile's runtime with "
                + "`bullpen runtime install`")
        let bare = RequirementsCheck(installed: [:], profile: "python").problems(in: Array("numpy".utf8))
        #expect(bare.first?.message.contains("no packages beside Python's own") == true)
    }

    @Test func `versions are in the order that the packaging library gives them`() throws {
        let ordered = [
            "1.0.dev1", "1.0a1.dev2", "1.0a1", "1.0a2", "1.0b1", "1.0rc1", "1.0", "1.0+abc", "1.0+abc.5",
            "1.0+5", "1.0.post1.dev1", "1.0.post1", "1.0.1", "1.1", "1.10", "2.0", "1!0.1",
        ]
        let versions = try ordered.map { try #require(PackageVersion($0)) }
        for (i, one) in versions.enumerated() {
            for (j, two) in versions.enumerated() {
                #expect((one < two) == (i < j), "\(one) \(two)")
                #expect((one == two) == (i == j), "\(one) \(two)")
            }
        }
        #expect(PackageVersion("1.0") == PackageVersion("1.0.0"))
        #expect(PackageVersion("1.0-1") == PackageVersion("1.0.post1"))
        #expect(PackageVersion("v1.0-ALPHA.2") == PackageVersion("1.0a2"))
        for bad in ["", "1..2", "a", "1.0x", "1.0+", "1.0 ", "99999999999999999999"] {
            #expect(PackageVersion(bad) == nil, "\(bad)")
        }
    }
}

@Suite("Python syntax check")
struct PythonSyntaxCheckTests {
    private let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    private static let strategy = "from bullpen import Strategy\nclass Mine(Strategy):\n    pass\n"

    private func check(_ files: [(String, String)]) throws -> [ValidationProblem] {
        let bundle = StrategyBundle(files: files.map { .init(path: $0.0, content: Array($0.1.utf8)) })
        let folder = try BundleStorage.install(bundle, below: scratch.path + "/b")
        let check = PythonSyntaxCheck(bundle)
        let request = check.request(program: packageFolder + "/Sources/PythonSDK/check.py", folder: folder)
        let result = try Program.run("/usr/bin/python3", request.arguments)
        return check.problems(output: result.output, errors: result.errors, end: .exited(code: result.code))
    }

    @Test func `good code has no problem`() throws {
        #expect(try check([("strategy.py", Self.strategy), ("lib/a.py", "import os"), ("x.txt", "(")]) == [])
    }

    @Test func `broken Python is told with line, column, words and the line itself`() throws {
        let problems = try check([
            ("strategy.py", Self.strategy), ("lib/broken.py", "import os\nx = 1\nif x = 2:\n    pass\n"),
        ])
        #expect(problems.count == 1)
        let problem = try #require(problems.first)
        #expect(problem.code == .syntax && problem.field == "lib/broken.py")
        #expect(problem.line == 3 && problem.column == 4)
        #expect(
            problem.message == "SyntaxError: invalid syntax. Maybe you meant '==' or ':=' instead of '='?")
        #expect(problem.source == "if x = 2:")
    }

    @Test(
        "every way to be broken is told",
        arguments: [
            ("def f(:\n", 1, "SyntaxError"), ("def f():\nreturn 1\n", 2, "IndentationError"),
            ("if 1:\n\tx = 1\n        y = 2\n", 3, "TabError"),
            ("return 5\n", 1, "'return' outside function"),
            ("x = 'abc\n", 1, "unterminated string"), ("x = 1\u{0}\n", nil, "null bytes"),
            ("# coding: nonsense\nx = 1\n", nil, "unknown encoding"),
            ("f = 5\n\nfor = 3\n", 3, "invalid syntax"),
            ("x = " + String(repeating: "(", count: 500), 1, "too many nested parentheses"),
            ("x = " + String(repeating: "-", count: 100_000) + "1", nil, "Error"),
            ("x = " + String(repeating: "a.", count: 30_000) + "a", nil, "Error"),
            ("'''" + String(repeating: "line\n", count: 1000), nil, "unterminated triple-quoted"),
            ("x = 0777\n", 1, "leading zeros"), ("é = ¿\n", 1, "invalid character"),
        ])
    func broken(_ source: String, _ line: Int?, _ words: String) throws {
        let problems = try check([("strategy.py", source)])
        #expect(problems.count == 1, "\(problems)")
        #expect(problems.first?.field == "strategy.py")
        #expect(problems.first?.message.contains(words) == true, "\(problems)")
        if let line { #expect(problems.first?.line == line) }
        if let shown = problems.first?.source { #expect(shown.count <= 400) }
    }

    @Test func `bytes that are no UTF-8 are told as the interpreter tells them`() throws {
        let bundle = StrategyBundle(files: [
            .init(path: "strategy.py", content: [0x78, 0x3D, 0x27, 0xFF, 0x27])
        ])
        let folder = try BundleStorage.install(bundle, below: scratch.path + "/b")
        let check = PythonSyntaxCheck(bundle)
        let request = check.request(program: packageFolder + "/Sources/PythonSDK/check.py", folder: folder)
        let result = try Program.run("/usr/bin/python3", request.arguments)
        let problems = check.problems(
            output: result.output, errors: result.errors, end: .exited(code: result.code))
        #expect(problems.map(\.code) == [.syntax])
        #expect(problems.first?.message.contains("utf-8") == true, "\(problems)")
    }

    @Test(
        "a class that the host can run is found in every way it is written",
        arguments: [
            Self.strategy, "from base_strategy import BaseStrategy\nclass A(BaseStrategy): pass",
            "from bullpen import *\nclass A(Strategy): pass",
            "import bullpen\nclass A(bullpen.Strategy): pass",
            "import bullpen as b\nclass A(b.Strategy): pass",
            "from bullpen import Strategy as S\nclass B(A): pass\nclass A(S): pass",
            "from bullpen.strategy import Strategy\nif True:\n    class A(Strategy): pass",
            "import bullpen.strategy\nclass A(bullpen.strategy.Strategy): pass",
            "from bullpen import Strategy\nclass A(Strategy[int]): pass",
        ])
    func classes(_ source: String) throws {
        #expect(try check([("strategy.py", source)]) == [])
    }

    @Test(
        "without such a class the author is told what to write",
        arguments: [
            "x = 1", "class Strategy: pass", "class A(Strategy): pass", "from bullpen import Strategy",
            "from other import Strategy\nclass A(Strategy): pass", "",
        ])
    func noClass(_ source: String) throws {
        let problems = try check([("strategy.py", source)])
        #expect(problems.map(\.code) == [.strategyClassMissing])
        #expect(problems.first?.message.contains("class MyStrategy(Strategy):") == true)
    }

    @Test func `nothing of the bundle runs, and no trace stays`() throws {
        let marker = scratch.path + "/marker"
        let evil = Self.strategy + "open(\(String(reflecting: marker)), 'w')\n"
        let problems = try check([
            ("strategy.py", evil), ("ast.py", evil), ("json.py", evil), ("warnings.py", evil),
            ("sitecustomize.py", evil),
        ])
        #expect(problems == [])
        #expect(!FileManager.default.fileExists(atPath: marker))
    }

    @Test func `an answer is believed no further than its form allows`() {
        let bundle = StrategyBundle(files: [.init(path: "strategy.py", content: [])])
        let check = PythonSyntaxCheck(bundle)
        func answer(_ text: String, _ end: PythonSyntaxCheck.End = .exited(code: 0)) -> [ValidationProblem] {
            check.problems(output: Array(text.utf8), errors: Array("a\nlast \u{1b}[2Jwords\n".utf8), end: end)
        }
        #expect(answer("{\"checked\": 1}\n") == [])
        #expect(answer("").map(\.code) == [.checkFailed])
        #expect(answer("{\"checked\": 2}\n").map(\.code) == [.checkFailed])
        #expect(answer("hello\n{\"checked\": 1}\n").map(\.code) == [.checkFailed])
        #expect(answer("{\"checked\": 1}\n", .exited(code: 1)).map(\.code) == [.checkFailed])
        let killed = answer("", .killed(cause: "it used more than 512 MiB"))
        #expect(
            killed.first?.message
                == "the Python files could not be checked: it used more than 512 MiB; its last words: "
                + "last \\u{1b}[2Jwords")
        let forged = answer(
            #"{"problem":"syntax","file":"../../etc/passwd","line":-3,"message":"a\u0007b"}"#
                + "\n{\"checked\":1}")
        #expect(forged.first?.field == nil && forged.first?.line == nil && forged.first?.message == "ab")
    }
}

@Suite("ELF check")
struct ELFCheckTests {
    private func program(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: path)))
    }

    @Test func `a program of this machine passes, and one of another does not`() throws {
        let bytes = try program("/bin/true")
        #expect(ELFCheck.problem(bytes, field: "strategy") == nil)
        let other: ELFCheck.Machine = ELFCheck.Machine.host == .amd64 ? .arm64 : .amd64
        let problem = ELFCheck.problem(bytes, field: "strategy", machine: other)
        #expect(problem?.code == .wrongProgram && problem?.message.contains("is built for") == true)
    }

    @Test func `what is no program is refused with a reason`() throws {
        let bytes = try program("/bin/true")
        func reason(_ change: (inout [UInt8]) -> Void) -> String? {
            var changed = bytes
            change(&changed)
            return ELFCheck.problem(changed, field: "x")?.message
        }
        #expect(reason { $0 = Array("#!/bin/sh\n".utf8) }?.contains("script") == true)
        #expect(reason { $0 = [] }?.contains("not a program") == true)
        #expect(reason { $0 = Array($0[..<63]) }?.contains("cut short") == true)
        #expect(reason { $0 = Array($0[..<200]) }?.contains("cut short") == true)
        #expect(reason { $0[4] = 1 }?.contains("64-bit") == true)
        #expect(reason { $0[5] = 2 }?.contains("little-endian") == true)
        #expect(reason { $0[16] = 1 }?.contains("not linked") == true)
        #expect(reason { $0[16] = 4 }?.contains("core dump") == true)
        #expect(
            reason {
                $0[16] = 3; for i in 24..<32 { $0[i] = 0 }
            }?.contains("shared library") == true)
        #expect(reason { for i in 32..<40 { $0[i] = 0xFF } }?.contains("cut short") == true)
    }

    @Test func `a program with an executable stack is refused, and told how to link it`() throws {
        let scratch = try ScratchFolder()
        func compiled(_ option: String) throws -> [UInt8] {
            let (source, built) = (scratch.path + "/main.c", scratch.path + "/" + option)
            try "int main(void) { return 0; }\n".write(toFile: source, atomically: true, encoding: .utf8)
            let ending = try Program.run("/usr/bin/cc", ["-z", option, "-o", built, source])
            try #require(ending.code == 0, "\(String(decoding: ending.errors, as: UTF8.self))")
            return try program(built)
        }
        let problem = try ELFCheck.problem(compiled("execstack"), field: "strategy")
        #expect(problem?.code == .wrongProgram && problem?.field == "strategy")
        #expect(problem?.message.contains("executable stack") == true)
        #expect(problem?.message.contains("-z noexecstack") == true)

        var bytes = try compiled("noexecstack")
        #expect(ELFCheck.problem(bytes, field: "strategy") == nil)
        let header: [UInt8] = [0x51, 0xE5, 0x74, 0x64]
        let place = try #require((64..<2048).first { Array(bytes[$0..<$0 + 4]) == header })
        for offset in 0..<4 { bytes[place + offset] = 0 }
        #expect(
            ELFCheck.problem(bytes, field: "strategy")?.message.contains("PT_GNU_STACK is missing") == true)
    }
}

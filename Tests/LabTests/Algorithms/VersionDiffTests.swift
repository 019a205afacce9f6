import Catalogue
import Testing
import Trading
import Wire

@testable import Lab

@Suite struct `Differences between versions` {
    private func diff(_ old: String, _ new: String, distance: Int = 1000) -> LineDiff {
        LineDiff(
            old.split(separator: "\n", omittingEmptySubsequences: false),
            new.split(separator: "\n", omittingEmptySubsequences: false), distance: distance)
    }

    @Test func `the same text has none`() {
        #expect(diff("a\nb", "a\nb").hunks.isEmpty)
        #expect(LineDiff([], []).hunks.isEmpty)
    }

    @Test func `a changed line stands between three that stayed on either side`() {
        let old = (1...9).map(String.init).joined(separator: "\n")
        let found = diff(old, old.replacing("5", with: "five"))
        #expect(found.hunks.count == 1)
        #expect(found.hunks.first?.head == "@@ -2,7 +2,7 @@")
        #expect(found.hunks.first?.lines == [" 2", " 3", " 4", "-5", "+five", " 6", " 7", " 8"])
        #expect((found.added, found.removed) == (1, 1))
    }

    @Test func `changes far apart make a hunk each`() {
        let old = (1...30).map(String.init).joined(separator: "\n")
        let found = diff(old, "0\n" + old.replacing("\n20\n", with: "\n"))
        #expect(found.hunks.map(\.head) == ["@@ -1,3 +1,4 @@", "@@ -17,7 +18,6 @@"])
    }

    @Test func `a text that was not there is added as a whole`() {
        let found = LineDiff([], ["a", "b"])
        #expect(found.hunks.map(\.head) == ["@@ -0,0 +1,2 @@"])
        #expect(found.hunks.first?.lines == ["+a", "+b"])
    }

    @Test func `applying the changes to one text gives the other, whatever the texts`() {
        var generator = SplitMix64(seed: 7)
        for _ in 0..<200 {
            let old = (0..<Int.random(in: 0...30, using: &generator)).map { _ in
                Substring(String(Int.random(in: 0...4, using: &generator)))
            }
            let new = (0..<Int.random(in: 0...30, using: &generator)).map { _ in
                Substring(String(Int.random(in: 0...4, using: &generator)))
            }
            let found = LineDiff(old, new, context: 100)
            let lines = found.hunks.first?.lines ?? old.map { " \($0)" }
            #expect(lines.filter { !$0.hasPrefix("+") }.map { $0.dropFirst() } == old)
            #expect(lines.filter { !$0.hasPrefix("-") }.map { $0.dropFirst() } == new)
        }
    }

    @Test func `texts too far apart are shown one for the other`() {
        let found = diff("a\nb\nc", "x\ny\nz", distance: 3)
        #expect(found.isReplaced)
        #expect((found.added, found.removed) == (3, 3))
    }

    @Test func `files come, go and change`() async throws {
        let lab = try LabFixture()
        let (first, second) = (lab.catalogue.first.version, lab.catalogue.second.version)
        let found = try lab.service.diff(of: "crossing-abc", from: first, to: second)
        #expect(found.unchanged == 1)
        #expect(found.files.map(\.path) == ["old.bin", "strategy.py"])
        #expect(found.files.map(\.change) == [.removed, .changed])
        #expect(found.files.first?.note == "it is no text")
        let text = found.files.last?.text
        #expect(
            text == "--- strategy.py\n+++ strategy.py\n@@ -1,3 +1,4 @@\n one\n-two\n+TWO\n three\n+four\n")
        #expect(throws: LabFailure.notFound(kind: "version", id: "x")) {
            try lab.service.diff(of: "crossing-abc", from: "x", to: second)
        }
        await lab.close()
    }

    @Test func `an algorithm shows its parameters with types and ranges, and keeps notes and tags`()
        async throws
    {
        let lab = try LabFixture()
        let body = try JSONParser.parse(#"{"notes":"n","tags":["trend","btc","trend"]}"#)
        let view = try await lab.service.change("crossing-abc", body, by: "ann")
        #expect(view.lab.notes == AlgorithmNotes(notes: "n", tags: ["trend", "btc"]))
        let version = lab.catalogue.first.version
        _ = try await lab.service.change(
            "crossing-abc",
            .members(["versions": .object([.init(version, .members(["notes": .string("v")]))])]),
            by: "ann")
        try await lab.service.store.set(
            .deployable, of: version, of: "crossing-abc", by: "root", at: LabService.now)
        let now = try lab.service.algorithm("crossing-abc")
        #expect(now.status == .deployable)
        #expect(now.lab.standing(of: version).notes == "v")
        #expect(now.lab.notes.tags == ["trend", "btc"])
        let parameters = now.json["parameters"]?.arrayValue ?? []
        #expect(parameters.map { $0["type"]?.stringValue } == ["int", "int", "decimal", "choice", "bool"])
        #expect(parameters.first?["max"] == .integer(50))
        for bad in [
            #"{"tags":[1]}"#, #"{"tags":[""]}"#, #"{"x":1}"#, #"{"versions":{"q":{"notes":""}}}"#,
            #"{"versions":["x"]}"#, #"{"notes":"n","versions":""}"#,
        ] {
            await #expect(throws: LabFailure.self) {
                try await lab.service.change("crossing-abc", try JSONParser.parse(bad), by: "ann")
            }
        }
        await lab.close()
    }
}

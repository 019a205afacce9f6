import Testing

@testable import Supervisor

@Suite("Where a strategy hangs")
struct HangPlaceTests {
    @Test func `it is the author's innermost line of the last trace`() {
        let lines = [
            "Stack (most recent call first):",
            "  File \"/bundle/old.py\", line 1 in <module>",
            "something else",
            "Stack (most recent call first):",
            "  File \"/usr/lib/python3.11/threading.py\", line 327 in wait",
            "  File \"/bundle/lib/work.py\", line 9 in fit model",
            "  File \"/bundle/strategy.py\", line 20 in on_timer",
            "  File \"/sdk/bullpen/session.py\", line 88 in handle",
        ]
        #expect(HangPlace(in: lines)?.words == "in fit model at line 9 of lib/work.py")
    }

    @Test(
        "what is no trace names no place",
        arguments: [
            [], ["Stack (most recent call first):"], ["  File \"/bundle/a.py\", line 1 in f"],
            ["Stack (most recent call first):", "  File \"/bundle/a.py\", line x in f"],
            ["Stack (most recent call first):", "  File \"/bundle/a.py\""],
            [
                "Stack (most recent call first):",
                "  File \"/bundle/a.py\", line 1 in " + String(repeating: "f", count: 101),
            ],
            ["Stack (most recent call first):", "  File \"/sdk/start.py\", line 1 in <module>"],
        ])
    func takesNothingElse(_ lines: [String]) {
        #expect(HangPlace(in: lines) == nil)
    }
}

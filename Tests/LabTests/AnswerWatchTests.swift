import Testing

@testable import Lab

@Suite struct `How long a strategy may owe an answer` {
    private var watch = AnswerWatch(patience: 100)

    @Test mutating func `as long as its patience in silence, with a word at half of it`() {
        var found: [AnswerWatch.Finding?] = []
        for now in [0, 40, 60, 80, 99, 100] as [UInt64] {
            found.append(watch.look(questions: 1, progress: 1, isWaiting: true, at: now))
        }
        #expect(found == [nil, nil, .isSlow, nil, nil, .isSilent])
    }

    @Test mutating func `anew from each thing that it says, but not for ever`() {
        for step in 0..<20 as Range<UInt64> {
            let found = watch.look(questions: 1, progress: step, isWaiting: true, at: 50 * step)
            #expect(found == nil)
        }
        #expect(watch.look(questions: 1, progress: 20, isWaiting: true, at: 1_000) == .isEndless(1_000))
    }

    @Test mutating func `anew from each question`() {
        for step in 0..<60 as Range<UInt64> {
            #expect(watch.look(questions: step, progress: step, isWaiting: true, at: 90 * step) == nil)
        }
    }

    @Test mutating func `and any time while it is not its turn`() {
        for now in [0, 500, 5_000, 50_000] as [UInt64] {
            #expect(watch.look(questions: 1, progress: 1, isWaiting: false, at: now) == nil)
        }
    }
}

import Testing

@testable import bullpen

@Suite struct `The bar of a download` {
    @Test func `shows bars, rate and time left`() {
        #expect(
            DownloadBar.text(done: 2_500, of: 10_000, rate: 500, secondsLeft: 15)
                == "[######------------------] 25 %  2,500 of 10,000 bars  500/s  15 s left")
        #expect(
            DownloadBar.text(done: 525_600, of: 1_051_200, rate: 3_000, secondsLeft: 175)
                == "[############------------] 50 %  525,600 of 1,051,200 bars  3,000/s  2 min 55 s left")
        #expect(
            DownloadBar.text(done: 0, of: 9, rate: 0, secondsLeft: 7_260).hasSuffix("0/s  2 h 1 min left"))
    }

    @Test func `never shows more than all, and nothing of nothing`() {
        #expect(
            DownloadBar.text(done: 12, of: 10, rate: 1, secondsLeft: nil)
                == "[########################] 100 %  10 of 10 bars  1/s")
        #expect(
            DownloadBar.text(done: 0, of: 0, rate: 0, secondsLeft: nil)
                == "[------------------------] 0 %  0 of 0 bars  0/s")
    }
}

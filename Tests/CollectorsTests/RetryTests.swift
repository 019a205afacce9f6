import Collectors
import Testing

@Suite struct `Trying again` {
    @Test func `is three attempts, five seconds apart, of thirty seconds each`() {
        let retry = Retry()
        #expect(retry.attempts == 3)
        #expect(retry.pauseMilliseconds == 5_000)
        #expect(retry.timeoutMilliseconds == 30_000)
    }
}

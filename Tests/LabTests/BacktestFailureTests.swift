import Lab
import Testing

@Suite struct `Why a backtest did not begin` {
    @Test func `names the field where one is at fault`() {
        #expect(BacktestFailure(field: "start", reason: "is after end").description == "start: is after end")
        #expect(BacktestFailure(reason: "no core is free").description == "no core is free")
    }
}

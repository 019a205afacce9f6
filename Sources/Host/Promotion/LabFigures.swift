internal import Lab
internal import Wire

/// What the Lab knows of a version that is to be promoted: a backtest and the checks.
struct LabFigures: Sendable {
    /// The backtest's id; nil when there are checks alone.
    var backtest: String?
    /// What the backtest was given, over the configuration's.
    var parameters: JSONValue?
    /// What it was made of, in words.
    var source: String?
    var data: [PromotionPackage.Data] = []
    var trades: Int?
    var sharpe: Double?
    var outOfSampleSharpe: Double?
    var outOfSampleSource: String?
    var totalReturn: Double?
    var maximumDrawdown: Double?
    var lookahead: PromotionEvidence.Check?
    var startup: PromotionEvidence.Check?

    /// Adds it to what is known otherwise.
    func add(to evidence: inout PromotionEvidence) {
        evidence.source = source
        evidence.trades = trades
        evidence.sharpe = sharpe
        evidence.outOfSampleSharpe = outOfSampleSharpe
        evidence.outOfSampleSource = outOfSampleSource
        evidence.totalReturn = totalReturn
        evidence.maximumDrawdown = maximumDrawdown
        evidence.lookahead = lookahead
        evidence.startup = startup
    }
}

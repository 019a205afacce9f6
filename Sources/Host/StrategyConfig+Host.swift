internal import Catalogue
internal import Trading
internal import Wire

extension StrategyConfig {
    /// Reads what the catalogue keeps of a version. It was checked when it came in; the bounds may have changed since.
    init(_ json: JSONValue, _ around: Surroundings) throws(FieldFailure) {
        let bounds = ConfigBounds(
            around.configuration.strategy, profiles: around.launcher.profiles.keys.sorted())
        let (config, problems) = ConfigReader.read(json, bounds: bounds)
        if let problem = problems.first {
            throw FieldFailure(field: problem.field ?? "", reason: problem.message)
        }
        self = config
    }

    /// What the author's own limits come to on an account.
    func limits(on account: AccountSetup?) -> RiskLimits {
        RiskLimits(
            openPositions: maximumPositions, dailyLossFraction: maximumDailyLoss,
            leverage: effectiveLeverage(isSpot: account?.kind != .margin))
    }
}

public import Sandbox

/// The judgement of an end for those who run a strategy without a ``StrategyRunner``, such as the Lab.
public enum EndWords {
    /// Why a strategy ended, in the words that the host's log has for it.
    ///
    /// - Parameters:
    ///   - lastWords: The last lines of its standard error, oldest first.
    ///   - profile: What it ran under.
    ///   - refusal: What it was refused last.
    public static func cause(
        of report: DeathReport, lastWords: [String], profile: Profile, refusal: Violation? = nil
    ) -> String {
        RunLifecycle.Death(report, lastWords: lastWords, profile: profile, refusal: refusal).cause
    }

    /// Where in its author's files it was when it was asked, as in `in on_candle at line 31 of strategy.py`; nil when it has
    /// not said.
    public static func place(in lastWords: [String]) -> String? { HangPlace(in: lastWords)?.words }
}

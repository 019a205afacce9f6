public import Analytics
public import Trading

/// How a span is cut into windows, in each of which parameters are found on one part and tried on the next.
public struct WalkForwardPlan: Hashable, Sendable {
    /// Where the part on which parameters are found begins.
    public enum Anchoring: String, Hashable, Sendable, CaseIterable {
        /// Always at the start of the span, so that it grows.
        case anchored
        /// As long before the part on which they are tried, so that it moves along.
        case rolling
    }

    /// One step.
    public struct Window: Hashable, Sendable {
        /// Parameters are found on candles from here on …
        public let inStart: Timestamp
        /// … up to here, and tried from here on …
        public let outStart: Timestamp
        /// … up to here.
        public let outEnd: Timestamp

        /// Names a window.
        public init(inStart: Timestamp, outStart: Timestamp, outEnd: Timestamp) {
            self.inStart = inStart
            self.outStart = outStart
            self.outEnd = outEnd
        }
    }

    /// In order; the parts on which parameters are tried follow each other without gap or overlap.
    public let windows: [Window]

    /// The most windows of a plan.
    public static let maximumWindows = 200

    /// Cuts a span. What is left at the end, shorter than `outMilliseconds`, makes a last and shorter window when it is
    /// at least half as long.
    ///
    /// - Parameters:
    ///   - inMilliseconds: How long the first part is on which parameters are found. Above 0.
    ///   - outMilliseconds: How long each part is on which they are tried. Above 0.
    public init(
        start: Timestamp, end: Timestamp, inMilliseconds: Int64, outMilliseconds: Int64, anchoring: Anchoring
    ) throws(SearchFailure) {
        guard inMilliseconds > 0 else { throw SearchFailure(field: "in_sample", reason: "must be above 0") }
        guard outMilliseconds > 0 else {
            throw SearchFailure(field: "out_of_sample", reason: "must be above 0")
        }
        guard start < end else { throw SearchFailure(field: "end", reason: "must be after start") }
        var windows: [Window] = []
        // Everything from here on is below the span, which an instant holds.
        let span = end.milliseconds - start.milliseconds
        guard inMilliseconds < span else {
            throw SearchFailure(
                field: "in_sample", reason: "leaves nothing of the span to try the parameters on")
        }
        guard (span - inMilliseconds) / outMilliseconds < Int64(Self.maximumWindows) else {
            throw SearchFailure(
                field: "out_of_sample", reason: "makes more than \(Self.maximumWindows) windows")
        }
        var out = inMilliseconds
        while span - out >= min(outMilliseconds, max(1, outMilliseconds / 2)) {
            let from = anchoring == .anchored ? 0 : out - inMilliseconds
            windows.append(
                Window(
                    inStart: start.advanced(byMilliseconds: from),
                    outStart: start.advanced(byMilliseconds: out),
                    outEnd: start.advanced(byMilliseconds: min(out + outMilliseconds, span))))
            out += min(outMilliseconds, span - out)
        }
        guard !windows.isEmpty else {
            throw SearchFailure(
                field: "out_of_sample", reason: "does not fit behind in_sample; the span is too short")
        }
        self.windows = windows
    }

    /// One split: the first `part` of the span to find parameters on, the rest to try them on.
    ///
    /// - Parameter part: Above 0 and below 1.
    public init(start: Timestamp, end: Timestamp, part: Double) throws(SearchFailure) {
        guard start < end else { throw SearchFailure(field: "end", reason: "must be after start") }
        let span = Double(end.milliseconds - start.milliseconds)
        guard part > 0, part < 1 else {
            throw SearchFailure(field: "in_sample_part", reason: "must be between 0 and 1")
        }
        let out = start.advanced(byMilliseconds: Int64(span * part))
        guard start < out, out < end else {
            throw SearchFailure(field: "in_sample_part", reason: "leaves one side of the split empty")
        }
        windows = [Window(inStart: start, outStart: out, outEnd: end)]
    }
}

/// What came of one window.
public struct WalkForwardStep: Hashable, Sendable {
    public let window: WalkForwardPlan.Window
    /// The parameters that did best on the first part.
    public let point: SearchPoint
    /// What they did there.
    public let inSample: PointOutcome
    /// What they did on the part behind it.
    public let outOfSample: PointOutcome
    /// The equity on that part, from the capital on.
    public let equity: [EquityPoint]
    /// The run on that part, where it was kept.
    public let run: Int64?

    /// Describes a step.
    public init(
        window: WalkForwardPlan.Window, point: SearchPoint, inSample: PointOutcome, outOfSample: PointOutcome,
        equity: [EquityPoint], run: Int64? = nil
    ) {
        self.run = run
        self.window = window
        self.point = point
        self.inSample = inSample
        self.outOfSample = outOfSample
        self.equity = equity
    }
}

/// What all windows come to together.
public struct WalkForwardSummary: Hashable, Sendable {
    /// The equity of the parts on which parameters were tried, one behind the other: each begins with what the one
    /// before ended with.
    public let equity: [EquityPoint]
    /// Return a year on those parts, divided by the mean return a year on the parts on which parameters were found
    /// (Pardo's walk-forward efficiency); nil where that is not above 0.
    public let efficiency: Double?
    /// How many of the windows earned on the part on which parameters were tried.
    public let profitable: Int

    /// Adds steps up.
    ///
    /// - Parameter capital: What each run began with. Above nought.
    public init(_ steps: [WalkForwardStep], capital: FixedDecimal) throws(ArithmeticFault) {
        precondition(capital.isPositive)
        var factor = FixedDecimal.one
        var equity: [EquityPoint] = []
        for step in steps {
            for point in step.equity {
                equity.append(
                    EquityPoint(
                        time: point.time,
                        equity: try point.equity.multiplied(by: factor, rounding: .nearestEven)))
            }
            let end = try step.outOfSample.finalEquity.divided(by: capital, rounding: .nearestEven)
            factor = try factor.multiplied(by: end, rounding: .nearestEven)
        }
        self.equity = equity
        profitable = steps.count { $0.outOfSample.finalEquity > capital }
        let start = capital.approximate
        let inside = steps.map { step in
            Self.annual(
                step.inSample.finalEquity.approximate / start, from: step.window.inStart,
                to: step.window.outStart)
        }
        guard let first = steps.first, let last = steps.last else {
            efficiency = nil
            return
        }
        let outside = Self.annual(factor.approximate, from: first.window.outStart, to: last.window.outEnd)
        let mean = inside.reduce(0, +) / Double(inside.count)
        let ratio = outside / mean
        efficiency = mean > 0 && ratio.isFinite ? ratio : nil
    }

    /// The return a year, without compounding, of a factor over a span.
    private static func annual(_ factor: Double, from start: Timestamp, to end: Timestamp) -> Double {
        (factor - 1) / (Double(end.milliseconds - start.milliseconds) / (365 * 86_400_000))
    }
}

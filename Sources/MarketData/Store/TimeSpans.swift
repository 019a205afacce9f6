import Trading

/// Stretches of time that do not touch each other, in order.
struct TimeSpans: Hashable, Sendable {
    private(set) var spans: [Range<Int64>] = []

    /// Adds a stretch that begins where the last one begins, or later.
    mutating func append(_ span: Range<Int64>) {
        guard !span.isEmpty else { return }
        if let last = spans.last, span.lowerBound <= last.upperBound {
            spans[spans.count - 1] = last.lowerBound..<max(last.upperBound, span.upperBound)
        } else {
            spans.append(span)
        }
    }

    /// What of `window` none of them covers.
    func gaps(in window: Range<Int64>) -> [Range<Int64>] {
        var gaps: [Range<Int64>] = []
        var from = window.lowerBound
        for span in spans where span.upperBound > window.lowerBound && span.lowerBound < window.upperBound {
            if from < span.lowerBound { gaps.append(from..<span.lowerBound) }
            from = max(from, span.upperBound)
        }
        if from < window.upperBound { gaps.append(from..<window.upperBound) }
        return gaps
    }

    /// What of `window` they cover.
    func parts(in window: Range<Int64>) -> [Range<Int64>] {
        spans.compactMap { span in
            let part = span.clamped(to: window)
            return part.isEmpty ? nil : part
        }
    }
}

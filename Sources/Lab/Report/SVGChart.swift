import Trading

/// A chart over time as SVG: a frame with its scales, and lines, areas, marks and bars in it.
struct SVGChart {
    private let width = 1_000.0
    private let height: Double
    private let left = 8.0
    private let right = 74.0
    private let top = 8.0
    private let bottom = 22.0
    private let times: ClosedRange<Int64>
    private let values: ClosedRange<Double>
    private var content: HTMLText = ""
    private let label: String
    private let format: (Double) -> String

    /// A chart over a span of time and of values, which are finite.
    init(
        _ label: String, height: Double, times: ClosedRange<Int64>, values: ClosedRange<Double>,
        format: @escaping (Double) -> String
    ) {
        self.label = label
        self.height = height
        self.times = times
        let room = (values.upperBound - values.lowerBound) * 0.04
        // A flat line lies in the middle.
        let least = max(abs(values.upperBound) * 1e-6, 1e-12)
        self.values =
            room > 0
            ? (values.lowerBound - room)...(values.upperBound + room)
            : (values.lowerBound - least)...(values.upperBound + least)
        self.format = format
    }

    /// The chart's markup.
    var markup: HTMLText {
        """
        <svg viewBox="0 0 \(Int(width)) \(Int(height))" role="img" aria-label="\(label)">
        \(grid)\(content)</svg>

        """
    }

    private func x(_ time: Int64) -> Double {
        let span = Double(max(1, times.upperBound - times.lowerBound))
        return left + (width - left - right) * Double(time - times.lowerBound) / span
    }

    private func y(_ value: Double) -> Double {
        let span = values.upperBound - values.lowerBound
        return top + (height - top - bottom) * (values.upperBound - value) / span
    }

    private func at(_ time: Int64, _ value: Double) -> String {
        "\(Self.short(x(time))) \(Self.short(y(value)))"
    }

    /// With one digit behind the point, which is finer than can be seen.
    private static func short(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        let sign = tenths < 0 ? "-" : ""
        return "\(sign)\(abs(tenths) / 10).\(abs(tenths) % 10)"
    }

    private var grid: HTMLText {
        var parts: [HTMLText] = []
        for value in Self.ticks(values, count: max(3, Int(height / 52))) {
            parts.append(
                """
                <path class="grid" d="M\(Self.short(left)) \(Self.short(y(value)))H\(Self.short(width - right))"/>\
                <text x="\(Self.short(width - right + 6))" y="\(Self.short(y(value) + 4))">\(format(value))</text>

                """)
        }
        let span = times.upperBound - times.lowerBound
        for step in 0...5 {
            let time = times.lowerBound + span * Int64(step) / 5
            let stamp = Timestamp(milliseconds: time)
            let words = span >= 5 * 86_400_000 ? FigureText.date(stamp) : FigureText.time(stamp)
            let anchor = step == 0 ? "start" : step == 5 ? "end" : "middle"
            parts.append(
                """
                <text x="\(Self.short(x(time)))" y="\(Self.short(height - 6))" text-anchor="\(anchor)">\(words)</text>

                """)
        }
        return "\(parts)"
    }

    /// Round numbers in a range: 1, 2, 2.5 or 5 times a power of ten apart.
    static func ticks(_ range: ClosedRange<Double>, count: Int) -> [Double] {
        let wanted = (range.upperBound - range.lowerBound) / Double(count)
        guard wanted > 0, wanted.isFinite else { return [] }
        var power = 1.0
        while power > wanted, power > 1e-15 { power /= 10 }
        while power * 10 <= wanted { power *= 10 }
        let step = [1, 2, 2.5, 5, 10].lazy.map { $0 * power }.first { $0 >= wanted } ?? power * 10
        let first = (range.lowerBound / step).rounded(.up)
        let last = (range.upperBound / step).rounded(.down)
        guard first <= last, last - first < 100 else { return [] }
        return stride(from: first, through: last, by: 1).map { $0 * step }
    }

    /// Draws a line through points; nothing for none.
    mutating func line(_ times: [Int64], _ values: [Double], _ name: String = "line") {
        guard !times.isEmpty else { return }
        let points = zip(times, values).map { at($0, $1) }.joined(separator: "L")
        content = content + "<path class=\"\(name)\" d=\"M\(points)\"/>\n"
    }

    /// Fills what lies between a line and a value.
    mutating func area(_ times: [Int64], _ values: [Double], from base: Double, _ name: String = "area") {
        guard let first = times.first, let last = times.last else { return }
        let points = zip(times, values).map { at($0, $1) }.joined(separator: "L")
        content =
            content
            + "<path class=\"\(name)\" d=\"M\(at(first, base))L\(points)L\(at(last, base))Z\"/>\n"
    }

    /// Fills what lies between two lines.
    mutating func band(_ times: [Int64], _ low: [Double], _ high: [Double]) {
        guard !times.isEmpty else { return }
        let there = zip(times, high).map { at($0, $1) }
        let back = zip(times, low).reversed().map { at($0, $1) }
        content = content + "<path class=\"band\" d=\"M\((there + back).joined(separator: "L"))Z\"/>\n"
    }

    /// A triangle below a point for what was bought, above it for what was sold.
    mutating func mark(_ time: Int64, _ value: Double, isBuy: Bool) {
        let (x, y) = (x(time), y(value))
        let (tip, foot) = isBuy ? (y + 3, y + 10) : (y - 3, y - 10)
        let path =
            "M\(Self.short(x)) \(Self.short(tip))L\(Self.short(x - 4)) \(Self.short(foot))H\(Self.short(x + 4))Z"
        content = content + "<path class=\"\(isBuy ? "buy" : "sell")\" d=\"\(path)\"/>\n"
    }

    /// Bars side by side, each with a name for a pointer that rests on it.
    static func bars(
        _ label: String, _ bars: [(height: Int, name: String, isGain: Bool)], scale: (String, String)
    )
        -> HTMLText
    {
        let (width, height) = (1_000.0, 190.0)
        let tallest = Double(max(1, bars.map(\.height).max() ?? 1))
        let each = width / Double(max(1, bars.count))
        let marks: [HTMLText] = bars.enumerated().map { index, bar in
            let tall = (height - 34) * Double(bar.height) / tallest
            return """
                <rect class="\(bar.isGain ? "buy" : "sell")" x="\(short(Double(index) * each + 1))" \
                y="\(short(height - 20 - tall))" width="\(short(max(1, each - 2)))" height="\(short(tall))">\
                <title>\(bar.name)</title></rect>

                """
        }
        return """
            <svg viewBox="0 0 1000 190" role="img" aria-label="\(label)">\(marks)\
            <text x="0" y="186">\(scale.0)</text><text x="1000" y="186" text-anchor="end">\(scale.1)</text></svg>

            """
    }
}

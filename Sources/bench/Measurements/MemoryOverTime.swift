import Wire

extension Measurement {
    /// Whether the host grows while it trades.
    static let memoryHour = Measurement(
        name: "memory-hour", summary: "the host's memory over an hour of 100 orders a second at the exchange",
        isOnRequest: true
    ) { surroundings in
        try await MemoryOverTime.measure(surroundings, seconds: surroundings.isQuick ? 360 : 3_600)
    }

    /// The same for an impatient person.
    static let memoryMinutes = Measurement(
        name: "memory-minutes", summary: "the same over five minutes", isOnRequest: true
    ) { surroundings in
        try await MemoryOverTime.measure(surroundings, seconds: surroundings.isQuick ? 30 : 300)
    }
}

/// Memory of host and exchange under an even load, once the host remembers as much as it ever will.
private enum MemoryOverTime {
    static func measure(_ surroundings: Surroundings, seconds: Int) async throws -> [Figure] {
        var load = try await ExchangeLoad(surroundings)
        // The desk remembers 20,000 ended orders and as many fills, the adapter 50,000 names.
        let quick = try await load.add(5, name: "warm", everyMicroseconds: 9_600)
        try await load.signal("GO", to: quick)
        try await Task.sleep(for: .seconds(surroundings.isQuick ? 20 : 130))
        try await load.signal("HALT", to: quick)
        let slow = try await load.add(5, name: "even", everyMicroseconds: 50_000)
        try await load.signal("GO", to: slow)
        try await Task.sleep(for: .seconds(10))
        let before = try await load.exchange.orderCount()
        var (times, host): ([Double], [Double]) = ([], [])
        let clock = ContinuousClock()
        let begin = clock.now
        while clock.now - begin < .seconds(seconds) {
            times.append((clock.now - begin) / .seconds(3_600))
            host.append(Processes.residentMebibytes(of: load.host.pid) ?? 0)
            try await clock.sleep(for: .seconds(2))
        }
        let orders = try await load.exchange.orderCount() - before
        try load.end()
        let slope = Self.slope(times, host)
        let isHour = seconds >= 3_600
        return [
            Figure(name: "orders while it was watched", value: Double(orders), unit: "orders"),
            Figure(
                name: "the host's memory at the end", value: host.last ?? 0, unit: "MiB",
                floor: .init(name: "at the beginning", value: host.first ?? 0),
                promise: isHour ? .atMostTimesFloor(1.1) : nil),
            Figure(name: "slope over \(seconds) s", value: slope, unit: "MiB an hour"),
        ]
    }

    /// Of the straight line that fits best.
    private static func slope(_ times: [Double], _ values: [Double]) -> Double {
        let count = Double(times.count)
        let (middle, mean) = (times.reduce(0, +) / count, values.reduce(0, +) / count)
        let products = zip(times, values).reduce(0) { $0 + ($1.0 - middle) * ($1.1 - mean) }
        let squares = times.reduce(0) { $0 + ($1 - middle) * ($1 - middle) }
        return squares > 0 ? products / squares : 0
    }
}

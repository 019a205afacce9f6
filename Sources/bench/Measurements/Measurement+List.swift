extension Measurement {
    /// Every measurement, in the order in which they run.
    static let all: [Measurement] = [
        .commandStart, .coldStart, .startToReady, .journalCommits, .recordedLines, .candleYear, .tickToOrder,
        .tickToOrderInCompany, .tickToWire,
        .labJob, .labSweep, .orderThroughput, .ordersPerSecond, .recovery,
        .manyStrategies, .httpRequests, .density, .doubleDensity, .memoryMinutes, .memoryHour,
    ]
}

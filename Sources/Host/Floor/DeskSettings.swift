internal import Trading

extension OrderDesk.Settings {
    /// The desk of a host: it looks twice a minute whether venues agree, and counts days from the operator's midnight.
    init(_ configuration: Configuration) {
        self.init(
            auditMilliseconds: configuration.venues.reconcileInterval.milliseconds,
            dayOffsetMilliseconds: Int64(configuration.limits.utcOffsetMinutes) * 60_000,
            orderToTradeMinutes: configuration.limits.orderToTradeMinutes,
            orderToTradeMinimum: configuration.limits.orderToTradeMinimum,
            balanceTolerance: configuration.venues.balanceTolerance,
            // The floor reviews every second.
            balanceReviews: Int(configuration.venues.balanceQuiet.milliseconds / 1_000))
    }
}

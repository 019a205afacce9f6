public import Analytics
public import Trading

/// A run's lists as CSV (RFC 4180), with a header line; times in milliseconds since the epoch, decimals exact.
public enum RunTables {
    /// Round trips in the order of their exits.
    public static func trades(_ trades: [ClosedTrade]) -> [UInt8] {
        var text = header(
            "symbol,side,entry_time,exit_time,entry_price,exit_price,quantity,fees,profit,return,mae,mfe")
        for trade in trades {
            line(
                [
                    trade.symbol, trade.isLong ? "long" : "short", "\(trade.entryTime.milliseconds)",
                    "\(trade.exitTime.milliseconds)", "\(trade.entryPrice)", "\(trade.exitPrice)",
                    "\(trade.quantity)", "\(trade.fees)", "\(trade.profit)", number(trade.returnOnEntry),
                    number(trade.adverseExcursion), number(trade.favourableExcursion),
                ], &text)
        }
        return text
    }

    /// The equity at each recorded instant.
    public static func equity(_ points: [EquityPoint]) -> [UInt8] {
        var text = header("time,equity")
        for point in points { line(["\(point.time.milliseconds)", "\(point.equity)"], &text) }
        return text
    }

    /// Fills in order of time.
    public static func fills(_ fills: [Fill]) -> [UInt8] {
        var text = header("time,symbol,side,price,quantity,fee,fee_currency,liquidity")
        for fill in fills {
            line(
                [
                    "\(fill.time.milliseconds)", fill.symbol, fill.side.rawValue, "\(fill.price)",
                    "\(fill.quantity)", "\(fill.fee)", fill.feeCurrency, fill.liquidity.rawValue,
                ], &text)
        }
        return text
    }

    private static func header(_ text: String) -> [UInt8] { Array(text.utf8) + [0x0D, 0x0A] }

    private static func number(_ value: Double?) -> String { value?.description ?? "" }

    private static func line(_ fields: [String], _ text: inout [UInt8]) {
        for (index, field) in fields.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            write(field, &text)
        }
        text += [0x0D, 0x0A]
    }

    private static func write(_ field: String, _ text: inout [UInt8]) {
        let isPlain = !field.utf8.contains { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }
        guard !isPlain else {
            text += field.utf8
            return
        }
        text.append(0x22)
        for byte in field.utf8 {
            if byte == 0x22 { text.append(0x22) }
            text.append(byte)
        }
        text.append(0x22)
    }
}

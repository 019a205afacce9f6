import Exchanges
import Trading

extension VenueTrade {
    /// How the holding of the instrument's base changes.
    var change: FixedDecimal {
        let signed = side == .buy ? quantity : difference(.zero, quantity)
        return feeCurrency == "USDT" ? signed : difference(signed, fee)
    }

    /// How the money changes.
    var flow: FixedDecimal {
        let notional = product(price, quantity)
        let signed = side == .sell ? notional : difference(.zero, notional)
        return feeCurrency == "USDT" ? difference(signed, fee) : signed
    }
}

func sum(_ left: FixedDecimal, _ right: FixedDecimal) -> FixedDecimal {
    FixedDecimal(units: left.units + right.units)
}

func difference(_ left: FixedDecimal, _ right: FixedDecimal) -> FixedDecimal {
    FixedDecimal(units: left.units - right.units)
}

func size(_ value: FixedDecimal) -> FixedDecimal { FixedDecimal(units: abs(value.units)) }

/// To the last digit: what is multiplied here has few.
func product(_ left: FixedDecimal, _ right: FixedDecimal) -> FixedDecimal {
    do throws(ArithmeticFault) {
        return try left.multiplied(by: right, rounding: .up)
    } catch {
        preconditionFailure("\(left) times \(right): \(error)")
    }
}

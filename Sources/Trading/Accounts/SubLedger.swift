/// What one strategy holds of one instrument on one account: the sum of its fills.
///
/// Money is kept as cost, not as a mean price, so nothing is lost to division: at every moment, and to the last
/// digit, `realised − cost` equals the money that the fills brought in or took out, fees and funding apart.
public struct SubLedger: Hashable, Sendable {
    /// Above nought is long, below is short. In base currency.
    public private(set) var quantity: FixedDecimal
    /// What the open quantity cost, in quote currency; same sign as ``quantity``.
    public private(set) var cost: FixedDecimal
    /// Profit taken by closing, before fees, in quote currency.
    public private(set) var realised: FixedDecimal
    /// Fees paid, in quote currency.
    public private(set) var fees: FixedDecimal
    /// Funding received, less what was paid, in quote currency. The journal has no place for it: venues are not asked for
    /// funding, and the Lab, whose costs have some, keeps none.
    public private(set) var funding = FixedDecimal.zero

    /// An empty ledger.
    public init() {
        self.init(quantity: .zero, cost: .zero, realised: .zero, fees: .zero)
    }

    /// A ledger as the journal holds it.
    public init(quantity: FixedDecimal, cost: FixedDecimal, realised: FixedDecimal, fees: FixedDecimal) {
        self.quantity = quantity
        self.cost = cost
        self.realised = realised
        self.fees = fees
    }

    /// The mean entry price to the eighteenth digit; nought when flat.
    public var averagePrice: FixedDecimal {
        quantity.isZero ? .zero : FixedDecimal.quotient(cost, quantity, .nearestEven)
    }

    /// The signed value of the position at `price`.
    public func value(at price: FixedDecimal) -> FixedDecimal {
        FixedDecimal.product(quantity, price, .nearestEven)
    }

    /// What closing at `price` would bring, before fees.
    public func unrealised(at price: FixedDecimal) -> FixedDecimal {
        guard !quantity.isZero else { return .zero }
        return FixedDecimal.difference(value(at: price), cost)
    }

    /// What trading and holding took beside prices: fees less funding.
    var charges: FixedDecimal { funding.isZero ? fees : FixedDecimal.difference(fees, funding) }

    /// What the fills brought in (above nought) or took out, fees and funding included: how the account's money changed, and
    /// what fees paid in a third currency were worth.
    public var cashFlow: FixedDecimal {
        FixedDecimal.difference(FixedDecimal.difference(realised, cost), charges)
    }

    /// Takes funding, in quote currency: above nought it was received, below it was paid.
    mutating func fund(_ amount: FixedDecimal) { funding = FixedDecimal.sum(funding, amount) }

    /// Books a trade whose fee is `fee` of `feeCurrency`.
    ///
    /// A fee in base currency leaves the position smaller, as if that much had been sold at the trade's price and
    /// the proceeds paid as fee. A fee in a third currency, such as an exchange's own coin, counts at what that is worth;
    /// where nobody knows it is not counted.
    ///
    /// - Parameter feePrice: What one of a third currency is worth in quote currency; nil when that is not known.
    /// - Returns: The fee in quote currency, or nil when its worth is not known.
    @discardableResult
    public mutating func book(
        _ fill: Fill, in instrument: Instrument, feePrice: FixedDecimal? = nil
    ) -> FixedDecimal? {
        trade(fill.side, fill.quantity, notional: fill.notional, price: fill.price)
        guard !fill.fee.isZero else { return .zero }
        if fill.feeCurrency == instrument.quote {
            fees = FixedDecimal.sum(fees, fill.fee)
            return fill.fee
        }
        guard fill.feeCurrency == instrument.base else {
            guard let feePrice else { return nil }
            let worth = FixedDecimal.product(fill.fee, feePrice, .nearestEven)
            fees = FixedDecimal.sum(fees, worth)
            return worth
        }
        let worth = FixedDecimal.product(fill.fee, fill.price, .nearestEven)
        let size = FixedDecimal.size(fill.fee)
        trade(
            fill.fee.isNegative ? .buy : .sell, size, notional: FixedDecimal.size(worth), price: fill.price)
        fees = FixedDecimal.sum(fees, worth)
        return worth
    }

    private mutating func trade(
        _ side: Side, _ size: FixedDecimal, notional: FixedDecimal, price: FixedDecimal
    ) {
        let signed = side == .buy ? size : FixedDecimal.opposite(size)
        let money = side == .buy ? notional : FixedDecimal.opposite(notional)
        if quantity.isZero || quantity.isNegative == signed.isNegative {
            quantity = FixedDecimal.sum(quantity, signed)
            cost = FixedDecimal.sum(cost, money)
            return
        }
        let held = FixedDecimal.size(quantity)
        if size < held {
            // A part closes: its share of the cost leaves, and what it brought beyond that is profit.
            let share = costShare(of: size, held: held)
            quantity = FixedDecimal.sum(quantity, signed)
            cost = FixedDecimal.difference(cost, share)
            realised = FixedDecimal.difference(realised, FixedDecimal.sum(money, share))
            return
        }
        // All of it closes, and what is left of the trade opens the other side.
        let rest = FixedDecimal.difference(size, held)
        let restMoney = FixedDecimal.product(rest, price, .nearestEven)
        let signedRest = side == .buy ? restMoney : FixedDecimal.opposite(restMoney)
        let closingMoney = FixedDecimal.difference(money, signedRest)
        realised = FixedDecimal.difference(realised, FixedDecimal.sum(closingMoney, cost))
        quantity = side == .buy ? rest : FixedDecimal.opposite(rest)
        cost = rest.isZero ? .zero : signedRest
    }

    /// `cost × size ÷ held`, through 256 bits, to the eighteenth digit.
    private func costShare(of size: FixedDecimal, held: FixedDecimal) -> FixedDecimal {
        let product = cost.units.magnitude.multipliedFullWidth(by: size.units.magnitude)
        // size < held, so the quotient is less than the cost and fits.
        let (quotient, remainder) = held.units.magnitude.dividingFullWidth(product)
        let rest = held.units.magnitude - remainder
        let roundsUp = remainder > rest || (remainder == rest && quotient & 1 == 1)
        let share = Int128(roundsUp ? quotient + 1 : quotient)
        return FixedDecimal(units: cost.isNegative ? -share : share)
    }
}

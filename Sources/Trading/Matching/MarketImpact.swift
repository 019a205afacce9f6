/// How an order moves the price against itself by its share of the volume.
///
/// A taker fills worse by ``coefficient`` · *f*(*s*) of the price. *s* is its part of the volume of the candle, or of the
/// trade, that it takes, together with what was taken of it before; at most 1, and 1 where there is no volume at all.
public struct MarketImpact: Hashable, Sendable {
    /// *f*.
    public enum Curve: String, Hashable, Sendable, CaseIterable {
        /// *s*.
        case linear
        /// √*s*: what is found for large orders in many markets (Almgren, Thum, Hauptmann and Li, "Direct Estimation of
        /// Equity Market Impact", 2005; Tóth et al., 2011).
        case squareRoot = "square_root"
        /// *s*²: `VolumeShareSlippage` of zipline and `VolumeShareSlippageModel` of LEAN, whose coefficient is 0.1 unless
        /// told otherwise.
        case quadratic
    }

    /// What taking all of the volume costs, as a part of the price. Above 0, at most 0.5.
    public var coefficient: FixedDecimal
    public var curve: Curve

    /// Describes an impact.
    public init(coefficient: FixedDecimal, curve: Curve = .squareRoot) {
        self.coefficient = coefficient
        self.curve = curve
    }

    /// By what part of the price a taker fills worse, rounded up.
    ///
    /// - Parameters:
    ///   - quantity: What it takes and what was taken before. Not below 0.
    ///   - volume: What was traded in all. Not below 0.
    func part(taking quantity: FixedDecimal, of volume: FixedDecimal) -> FixedDecimal {
        guard quantity.isPositive else { return .zero }
        let share = quantity < volume ? FixedDecimal.quotient(quantity, volume, .up) : .one
        let height =
            switch curve {
            case .linear: share
            case .quadratic: FixedDecimal.product(share, share, .up)
            case .squareRoot: Self.root(of: share)
            }
        return FixedDecimal.product(coefficient, height, .up)
    }

    /// The square root of a share, 0 to 1, rounded up to the eighteenth digit.
    static func root(of share: FixedDecimal) -> FixedDecimal {
        // At most 10^36, which is far within 128 bits.
        let square = share.units * FixedDecimal.unitsPerOne
        guard square > 0 else { return .zero }
        // Newton's way down from above ends at the root's whole part.
        var root = FixedDecimal.unitsPerOne
        while true {
            let next = (root + square / root) / 2
            guard next < root else { break }
            root = next
        }
        return FixedDecimal(units: root * root < square ? root + 1 : root)
    }
}

import Glibc

/// The functions of mathematics that need the C library, and the distributions made of them.
///
/// This is the only file of the target that imports more than Trading: logarithm and exponential of the C library are
/// good to the last place, and have no state.
enum Mathematics {
    /// The natural logarithm of 1 + x, exact also for small x.
    static func log1p(_ x: Double) -> Double { Glibc.log1p(x) }

    /// eˣ − 1, exact also for small x.
    static func expm1(_ x: Double) -> Double { Glibc.expm1(x) }

    /// The natural logarithm.
    static func log(_ x: Double) -> Double { Glibc.log(x) }

    /// The density of the normal distribution.
    static func normalDensity(_ x: Double) -> Double {
        Glibc.exp(-x * x / 2) / (2 * Double.pi).squareRoot()
    }

    /// Where the normal distribution has `share` of itself below, 0 < share < 1: algorithm AS 241 of Wichura (1988), good
    /// to about 1e-16.
    static func normalQuantile(_ share: Double) -> Double {
        precondition(share > 0 && share < 1)
        let middle = share - 0.5
        if abs(middle) <= 0.425 {
            let r = 0.180625 - middle * middle
            return middle * polynomial(centralTop, r) / polynomial(centralBottom, r)
        }
        let tail = (-log(middle < 0 ? share : 1 - share)).squareRoot()
        let value =
            tail <= 5
            ? polynomial(nearTop, tail - 1.6) / polynomial(nearBottom, tail - 1.6)
            : polynomial(farTop, tail - 5) / polynomial(farBottom, tail - 5)
        return middle < 0 ? -value : value
    }

    /// How likely Student's t with so many degrees of freedom is at least as far from 0 as `t`.
    static func studentTails(_ t: Double, degreesOfFreedom freedom: Double) -> Double {
        let square = t * t
        guard square.isFinite else { return 0 }
        return incompleteBeta(freedom / (freedom + square), freedom / 2, 0.5)
    }

    /// The regularised incomplete beta function by its continued fraction, in Lentz's way (Numerical Recipes, 6.4).
    static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
        guard x > 0 else { return 0 }
        guard x < 1 else { return 1 }
        let logFactor =
            logGamma(a + b) - logGamma(a) - logGamma(b) + a * log(x) + b * log1p(-x)
        let factor = Glibc.exp(logFactor)
        // The fraction converges quickly on this side of its middle only.
        return x < (a + 1) / (a + b + 2)
            ? factor * betaFraction(x, a, b) / a : 1 - factor * betaFraction(1 - x, b, a) / b
    }

    private static func betaFraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
        let tiny = 1e-300
        func awayFromNought(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
        var c = 1.0
        var d = 1 / awayFromNought(1 - (a + b) * x / (a + 1))
        var fraction = d
        for step in 1...500 {
            let m = Double(step)
            let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
            d = 1 / awayFromNought(1 + even * d)
            c = awayFromNought(1 + even / c)
            fraction *= d * c
            let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
            d = 1 / awayFromNought(1 + odd * d)
            c = awayFromNought(1 + odd / c)
            fraction *= d * c
            if abs(d * c - 1) < 1e-15 { break }
        }
        return fraction
    }

    /// The logarithm of the gamma function for x > 0: Stirling's series, from 10 on; below it by recurrence.
    static func logGamma(_ x: Double) -> Double {
        var (shifted, product) = (x, 1.0)
        while shifted < 10 {
            product *= shifted
            shifted += 1
        }
        let inverse = 1 / (shifted * shifted)
        let series = polynomial(stirling, inverse) / shifted
        return (shifted - 0.5) * log(shifted) - shifted + 0.5 * log(2 * Double.pi) + series - log(product)
    }

    /// Coefficients from the constant on.
    private static func polynomial(_ coefficients: [Double], _ x: Double) -> Double {
        coefficients.reversed().reduce(0) { $0 * x + $1 }
    }

    private static let stirling: [Double] = [
        1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188, -691.0 / 360_360, 1.0 / 156,
    ]
    private static let centralTop: [Double] = [
        3.387_132_872_796_366_608_0, 1.331_416_678_917_843_774_5e+2, 1.971_590_950_306_551_442_7e+3,
        1.373_169_376_550_946_112_5e+4, 4.592_195_393_154_987_145_7e+4, 6.726_577_092_700_870_085_3e+4,
        3.343_057_558_358_812_810_5e+4, 2.509_080_928_730_122_672_7e+3,
    ]
    private static let centralBottom: [Double] = [
        1, 4.231_333_070_160_091_125_2e+1, 6.871_870_074_920_579_083_0e+2, 5.394_196_021_424_751_107_7e+3,
        2.121_379_430_158_659_586_7e+4, 3.930_789_580_009_271_061_0e+4, 2.872_908_573_572_194_267_4e+4,
        5.226_495_278_852_854_561_0e+3,
    ]
    private static let nearTop: [Double] = [
        1.423_437_110_749_683_577_34, 4.630_337_846_156_545_295_90, 5.769_497_221_460_691_405_50,
        3.647_848_324_763_204_605_04, 1.270_458_252_452_368_382_58, 2.417_807_251_774_506_117_70e-1,
        2.272_384_498_926_918_458_33e-2, 7.745_450_142_783_414_076_40e-4,
    ]
    private static let nearBottom: [Double] = [
        1, 2.053_191_626_637_758_821_87, 1.676_384_830_183_803_849_40, 6.897_673_349_851_000_045_50e-1,
        1.481_039_764_274_800_745_90e-1, 1.519_866_656_361_645_719_66e-2, 5.475_938_084_995_344_946_00e-4,
        1.050_750_071_644_416_843_24e-9,
    ]
    private static let farTop: [Double] = [
        6.657_904_643_501_103_777_20, 5.463_784_911_164_114_369_90, 1.784_826_539_917_291_335_80,
        2.965_605_718_285_048_912_30e-1, 2.653_218_952_657_612_309_30e-2, 1.242_660_947_388_078_438_60e-3,
        2.711_555_568_743_487_578_15e-5, 2.010_334_399_292_288_132_65e-7,
    ]
    private static let farBottom: [Double] = [
        1, 5.998_322_065_558_879_376_90e-1, 1.369_298_809_227_358_053_10e-1, 1.487_536_129_085_061_485_25e-2,
        7.868_691_311_456_132_591_00e-4, 1.846_318_317_510_054_681_80e-5, 1.421_511_758_316_445_888_70e-7,
        2.044_263_103_389_939_785_64e-15,
    ]
}

import Testing
import Trading

/// Whole numbers as decimal digits, lowest first, reckoned as at school: slow, and unlike what it checks.
private struct Digits: Comparable {
    var digits: [Int]

    init(_ magnitude: UInt128) {
        digits = String(magnitude).utf8.reversed().map { Int($0) - 0x30 }
    }

    private init(digits: [Int]) {
        self.digits = digits
        while self.digits.count > 1, self.digits.last == 0 { self.digits.removeLast() }
    }

    static func * (left: Self, right: Self) -> Self {
        var product = [Int](repeating: 0, count: left.digits.count + right.digits.count)
        for (place, digit) in left.digits.enumerated() {
            var carry = 0
            for (other, factor) in right.digits.enumerated() {
                let sum = product[place + other] + digit * factor + carry
                product[place + other] = sum % 10
                carry = sum / 10
            }
            product[place + right.digits.count] += carry
        }
        return Self(digits: product)
    }

    static func - (left: Self, right: Self) -> Self {
        var rest = left.digits
        for place in rest.indices {
            rest[place] -= place < right.digits.count ? right.digits[place] : 0
            if rest[place] < 0 {
                rest[place] += 10
                rest[place + 1] -= 1
            }
        }
        return Self(digits: rest)
    }

    static func < (left: Self, right: Self) -> Bool {
        guard left.digits.count == right.digits.count else { return left.digits.count < right.digits.count }
        for place in left.digits.indices.reversed() where left.digits[place] != right.digits[place] {
            return left.digits[place] < right.digits[place]
        }
        return false
    }
}

@Suite("Fixed decimal against an oracle")
struct FixedDecimalOracleTests {
    private static let one = Digits(UInt128(FixedDecimal.unitsPerOne))
    private static let roundings: [Rounding] = [.down, .up, .floor, .ceiling, .nearestEven]

    /// Whether `result` is `numerator ÷ divisor` under a rounding, by multiplying back.
    private static func isRight(
        _ result: Int128, _ numerator: Digits, _ divisor: Digits, isNegative: Bool, _ rounding: Rounding
    ) -> Bool {
        guard result == 0 || (result < 0) == isNegative else { return false }
        let back = Digits(result.magnitude) * divisor
        let isBelow = back <= numerator
        let miss = isBelow ? numerator - back : back - numerator
        if miss == Digits(0) { return true }
        switch rounding {
        case .down: return isBelow && miss < divisor
        case .up: return !isBelow && miss < divisor
        case .floor: return miss < divisor && isBelow != isNegative
        case .ceiling: return miss < divisor && isBelow == isNegative
        case .nearestEven:
            let double = miss * Digits(2)
            return double < divisor || (double == divisor && result % 2 == 0)
        }
    }

    private static func random(_ random: inout SplitMix64) -> FixedDecimal {
        let bits = Int.random(in: 1...126, using: &random)
        let high = UInt128(random.next()) << 64
        let units = Int128((high | UInt128(random.next())) >> UInt128(128 - bits))
        return FixedDecimal(units: random.chance(50) ? units : -units)
    }

    @Test func `products and quotients are right to the last digit, or out of range`() throws {
        var random = SplitMix64(seed: 9)
        var (inRange, outOfRange) = (0, 0)
        for _ in 0..<4_000 {
            let (left, right) = (Self.random(&random), Self.random(&random))
            let rounding = Self.roundings.randomElement(using: &random)!
            let isNegative = left.isNegative != right.isNegative
            let (a, b) = (Digits(left.units.magnitude), Digits(right.units.magnitude))
            let limit = Digits(UInt128(Int128.max)) * Self.one
            do throws(ArithmeticFault) {
                let product = try left.multiplied(by: right, rounding: rounding)
                #expect(Self.isRight(product.units, a * b, Self.one, isNegative: isNegative, rounding))
                inRange += 1
            } catch {
                #expect(error == .outOfRange && a * b > limit - Self.one)
                outOfRange += 1
            }
            do throws(ArithmeticFault) {
                let quotient = try left.divided(by: right, rounding: rounding)
                #expect(Self.isRight(quotient.units, a * Self.one, b, isNegative: isNegative, rounding))
            } catch {
                switch error {
                case .divisionByZero: #expect(right.isZero)
                case .outOfRange: #expect(a * Self.one > (Digits(UInt128(Int128.max)) * b) - b)
                }
            }
        }
        #expect(inRange > 500 && outOfRange > 500)
    }

    @Test func `a multiple of a step is one, on the right side and within a step`() throws {
        var random = SplitMix64(seed: 10)
        for _ in 0..<4_000 {
            let value = FixedDecimal(units: Self.random(&random).units >> 3)
            let step = FixedDecimal(units: 1 + Int128((Self.random(&random).units >> 40).magnitude))
            let rounding = Self.roundings.randomElement(using: &random)!
            let rounded = try value.rounded(toMultipleOf: step, rounding)
            #expect(rounded.isMultiple(of: step))
            let miss = try (rounded - value).magnitude
            #expect(miss <= step)
            switch rounding {
            case .down: #expect(rounded.units.magnitude <= value.units.magnitude)
            case .up: #expect(rounded.units.magnitude >= value.units.magnitude)
            case .floor: #expect(rounded <= value)
            case .ceiling: #expect(rounded >= value)
            case .nearestEven:
                #expect(try miss + miss <= step)
            }
        }
    }

    @Test func `it agrees with Python's decimal`() throws {
        for (left, right, word, product, quotient) in decimalVectors {
            let rounding = Self.roundings.first { "\($0)" == word }!
            #expect(
                try d(left).multiplied(by: d(right), rounding: rounding) == d(product),
                "\(left) × \(right) \(word)")
            #expect(
                try d(left).divided(by: d(right), rounding: rounding) == d(quotient),
                "\(left) ÷ \(right) \(word)")
        }
    }

    @Test func `text comes back for any value`() {
        var random = SplitMix64(seed: 11)
        for _ in 0..<4_000 {
            let value = Self.random(&random)
            #expect(FixedDecimal(value.description) == value)
        }
    }

    @Test func `text read where it stands is what the same text read byte by byte is`() {
        var random = SplitMix64(seed: 12)
        let letters = Array("0123456789012345678901234567890......-eE+ ".utf8)
        var numbers = 0
        for round in 0..<40_000 {
            // Short texts are numbers often enough; long ones reach the end of 64 bits.
            let length = Int(random.next() % 24)
            var text = (0..<length).map { _ in letters[Int(random.next() % UInt64(letters.count))] }
            if round % 2 == 0 {
                let point = Int(random.next() % 24)
                text = (0..<length).map { $0 == point ? 0x2E : 0x30 + UInt8(random.next() % 10) }
            }
            let slow = FixedDecimal(utf8: text.lazy.map { $0 })
            #expect(FixedDecimal(utf8: text.span) == slow, "\(String(decoding: text, as: UTF8.self))")
            if slow != nil { numbers += 1 }
        }
        #expect(numbers > 10_000, "too few of the texts were numbers")
    }

    @Test func `sums that do not fit throw and never wrap`() {
        let most = FixedDecimal(units: .max)
        #expect(throws: ArithmeticFault.outOfRange) { try most + FixedDecimal(units: 1) }
        #expect(throws: ArithmeticFault.outOfRange) { try FixedDecimal(units: .min) - FixedDecimal(units: 1) }
        #expect(throws: ArithmeticFault.outOfRange) { try FixedDecimal(units: .min).negated }
        #expect(throws: ArithmeticFault.divisionByZero) { try most.divided(by: .zero, rounding: .down) }
    }
}

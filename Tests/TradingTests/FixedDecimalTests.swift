import Testing
import Trading

@Suite("Fixed decimal")
struct FixedDecimalTests {
    @Test(
        "text comes back as it was written",
        arguments: ["0", "1", "-12.5", "0.00001", "99999999999999999999.999999999999999999"])
    func roundTrip(_ text: String) throws {
        #expect(try #require(FixedDecimal(text)).description == text)
    }

    @Test("the text is exact at every size, up to both ends of the range")
    func textAtEverySize() throws {
        var values: [Int128] = [0, .max, -.max, Int128(UInt64.max), Int128(UInt64.max) + 1]
        var power: Int128 = 1
        for _ in 0..<38 {
            values += [power, power - 1, power + 1, -power, power / 3]
            power *= 10
        }
        values += [
            Int128(UInt64.max) * FixedDecimal.unitsPerOne, 170 * FixedDecimal.unitsPerOne * 1_000_000_000,
        ]
        for units in values {
            let text = FixedDecimal(units: units).description
            // Written out in full by other means: all digits, the point, noughts at the end taken away.
            let digits = String(units.magnitude)
            let padded = String(repeating: "0", count: max(0, 19 - digits.count)) + digits
            var wanted = padded.dropLast(18) + "." + padded.suffix(18)
            while wanted.last == "0" { wanted.removeLast() }
            if wanted.last == "." { wanted.removeLast() }
            #expect(text == (units < 0 ? "-" : "") + wanted)
            #expect(FixedDecimal(text)?.units == units)
        }
    }

    @Test("an exponent is understood", arguments: [("1.0e-05", "0.00001"), ("1e2", "100"), ("12E+1", "120")])
    func exponent(_ text: String, _ plain: String) throws {
        #expect(FixedDecimal(text) == FixedDecimal(plain))
    }

    @Test(
        "what is no decimal is refused",
        arguments: [
            "", "-", ".5", "1.", "+1", " 1", "1 ", "01", "NaN", "1e", "0.0000000000000000001", "1e21",
        ])
    func refused(_ text: String) {
        #expect(FixedDecimal(text) == nil)
    }
}

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

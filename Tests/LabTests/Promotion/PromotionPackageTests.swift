import Testing
import Trading
import Wire

@testable import Lab

@Suite("Promotion package")
struct PromotionPackageTests {
    private let runtime = PromotionPackage.Runtime(
        profile: "python", name: "bare", stamp: "s1", python: "3.11", packages: ["numpy": "1.26"])

    private func package(
        _ parameters: String = #"{"fast":9,"slow":21}"#, state: JSONValue = .null,
        runtime: PromotionPackage.Runtime? = nil, hash: String = "ab"
    ) throws -> PromotionPackage {
        PromotionPackage(
            strategy: "s-1", version: "0123", parameters: try JSONParser.parse(parameters), state: state,
            runtime: runtime ?? self.runtime, backtest: "7",
            data: [
                .init(
                    series: "binance BTCUSDT 1m", start: Timestamp(milliseconds: 1),
                    end: Timestamp(milliseconds: 2), hash: hash)
            ])
    }

    @Test func `the order of parameters is of no matter, and every value is`() throws {
        let one = try package()
        #expect(one.hash.utf8.count == 64)
        #expect(try package(#"{"slow":21,"fast":9}"#).hash == one.hash)
        var others = [
            try package(#"{"fast":10,"slow":21}"#), try package(state: .integer(1)),
            try package(hash: "ac"),
        ]
        var newer = runtime
        newer.packages["numpy"] = "2.0"
        others.append(try package(runtime: newer))
        #expect(Set(others.map(\.hash) + [one.hash]).count == 5)
    }

    @Test func `a package comes back from its manifest under the same hash`() throws {
        let one = try package(state: .members(["weights": .array([.number("0.5")])]))
        let read = try PromotionPackage(manifest: JSONParser.parse(one.manifest.bytes))
        #expect(read == one)
    }

    @Test func `what differs is said in words`() throws {
        let one = try package()
        #expect(one.difference(inParameters: try JSONParser.parse(#"{"slow":21,"fast":9}"#)) == nil)
        #expect(
            one.difference(inParameters: try JSONParser.parse(#"{"fast":12,"slow":21}"#))
                == "fast is 12, the package has 9")
        var newer = runtime
        newer.packages["numpy"] = "2.0"
        #expect(runtime.difference(from: newer) == "numpy 2.0 in place of 1.26")
        #expect(runtime.difference(from: runtime) == nil)
        newer = runtime
        newer.stamp = "s2"
        #expect(runtime.difference(from: newer) != nil)
    }

    /// The value that FIPS 180-2 gives for "abc".
    @Test func `the hash is SHA-256`() {
        #expect(
            ContentHash.hexadecimal(of: Array("abc".utf8))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }
}

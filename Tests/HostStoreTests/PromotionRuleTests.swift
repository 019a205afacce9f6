import Lab
import Testing
import Trading
import Wire

@testable import Host

@Suite("Promotion rule")
struct PromotionRuleTests {
    private typealias Requirement = Configuration.Promotion.Requirement

    private func account(_ text: String) throws -> AccountSetup {
        try AccountSetup(
            JSONParser.parse(text), defaults: AccountSetup.defaults(.init())[0], isNew: true, venues: .init(),
            at: Timestamp(milliseconds: 0))
    }

    private func stage(
        _ requirement: Requirement, _ environment: String?, address: String? = nil
    ) throws -> PromotionStage? {
        var venues = Configuration.Venues()
        if let address { venues.binance = address }
        let members =
            environment.map { #","venue":"binance","environment":"\#($0)","currency":"USDT""# } ?? ""
        return PromotionRule(requirement: requirement, venues: venues)
            .stage(for: try account(#"{"id":"a","balance":"100"\#(members)}"#))
    }

    @Test func `real money takes only what was promoted to live, and a simulator anything`() throws {
        #expect(try stage(.realMoney, "live") == .live)
        #expect(try stage(.realMoney, "live", address: "https://proxy.example:8443/binance") == .live)
        for here in ["http://127.0.0.1:9000", "http://localhost:9000", "http://[::1]:9000"] {
            #expect(try stage(.realMoney, "live", address: here) == nil, "\(here)")
        }
        // What only looks like this machine is another.
        #expect(try stage(.realMoney, "live", address: "https://localhost.example.com") == .live)
        #expect(try stage(.realMoney, "testnet") == nil)
        #expect(try stage(.realMoney, nil) == nil)
    }

    @Test func `the other settings take in more and less`() throws {
        #expect(try stage(.nothing, "live") == nil)
        #expect(try stage(.exchanges, "live", address: "http://127.0.0.1:9000") == .live)
        #expect(try stage(.exchanges, "testnet") == .paper)
        #expect(try stage(.exchanges, nil) == nil)
        #expect(try stage(.everything, nil) == .paper)
    }
}

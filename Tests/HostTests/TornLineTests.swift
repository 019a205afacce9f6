import Host
import Testing
import Trading

extension HostTests {
    @Suite("A strategy that dies while it speaks") struct TornLineTests {
        @Test func `C1: an order whose line a death cut off is dropped, and the one before it honoured once`()
            async throws
        {
            try await HostFixture.run(settings: BadStrategyTests.settings) { fixture in
                let id = try await fixture.puppet("cut", BadStrategyTests.once)
                _ = try await fixture.host.start(id, options: StartOptions(), by: "ada")
                try await fixture.wait("its death", about: id) {
                    try await fixture.host.status(of: id).state == .stopped
                }
                try await fixture.waitForOrder(id, "whole") { $0.status != .pending }
                #expect(try await fixture.orders(id).map(\.request) == ["whole"])
            }
        }
    }
}

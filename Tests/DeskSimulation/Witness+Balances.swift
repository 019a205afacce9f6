import Exchanges
import Trading

/// R6: what venues hold against what the books say.
extension Witness {
    /// What the venue holds is what the books say and what is said to be external, to the last digit; and external is what
    /// came without a trade and nobody accepted.
    func balanceFlaws(_ desk: OrderDesk, _ snapshot: DeskSnapshot) -> [String] {
        var flaws: [String] = []
        for account in plan.accounts {
            // Not known is no wrong answer; that it gets known is looked at where all is handled.
            guard let seen = desk.reconciliation(of: account), !seen.isFirstSight else { continue }
            let truth = Dictionary(
                uniqueKeysWithValues: venue.balances(of: account).map { ($0.currency, $0.total) })
            for asset in World.assets {
                let holding = seen.holdings.first { $0.asset == asset }
                let external = holding?.external ?? .zero
                let should = sum(holding?.booked ?? .zero, external)
                let held = truth[asset] ?? .zero
                if should != held {
                    flaws.append("account \(account) should hold \(should) \(asset) and holds \(held)")
                }
                if !external.isZero, holding?.isBlocking != true {
                    flaws.append("\(external) \(asset) are external on \(account), and nothing is blocked")
                }
                guard plan.knowsAccounts else { continue }
                let unowned = snapshot.holdings[account]?[asset]?.unowned ?? .zero
                let accepted = asset == "USDT" ? difference(unowned, World.balance) : unowned
                let moved = venue.moved[account]?[asset] ?? .zero
                if sum(accepted, external) != moved {
                    flaws.append(
                        "\(moved) \(asset) moved on \(account): \(accepted) accepted, \(external) external")
                }
            }
        }
        return flaws
    }
}

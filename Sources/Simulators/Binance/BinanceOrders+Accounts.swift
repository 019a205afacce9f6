import Trading
import Wire

extension BinanceOrders {
    func account(_ request: BinanceRequest) throws(BinanceError) -> JSONValue {
        guard let account = request.account else { throw .missing("signature") }
        let leavesOut = request.text("omitZeroBalances") == "true"
        let zero = BinanceJSON.amount(.zero)
        let (maker, taker) = (core.makerFee, core.takerFee)
        func points(_ rate: FixedDecimal) -> JSONValue {
            .integer(rate.times(FixedDecimal(10_000)).units / FixedDecimal.unitsPerOne)
        }
        return .members([
            "makerCommission": points(maker), "takerCommission": points(taker),
            "buyerCommission": .integer(0),
            "sellerCommission": .integer(0),
            "commissionRates": .members([
                "maker": BinanceJSON.amount(maker), "taker": BinanceJSON.amount(taker), "buyer": zero,
                "seller": zero,
            ]),
            "canTrade": .bool(request.rights.contains(.trade)),
            "canWithdraw": .bool(request.rights.contains(.withdraw)),
            "canDeposit": .bool(true), "brokered": .bool(false), "requireSelfTradePrevention": .bool(false),
            "preventSor": .bool(false), "updateTime": request.shown(core.now), "accountType": .string("SPOT"),
            "balances": .array(
                core.books.balances(account).sorted { $0.key < $1.key }
                    .filter { !leavesOut || !$0.value.total.isZero }.map { Self.balance($0.key, $0.value) }),
            "permissions": .array([.string("SPOT")]), "uid": .integer(354_937_868),
        ])
    }

    private static func balance(_ asset: String, _ balance: MatchingAccount.Balance) -> JSONValue {
        .members([
            "asset": .string(asset), "free": BinanceJSON.amount(balance.total.minus(balance.locked)),
            "locked": BinanceJSON.amount(balance.locked),
        ])
    }

    /// What a key may do.
    func restrictions(_ request: BinanceRequest) throws(BinanceError) -> JSONValue {
        .members([
            "ipRestrict": .bool(false), "createTime": .integer(1_700_000_000_000),
            "enableReading": .bool(request.rights.contains(.read)),
            "enableSpotAndMarginTrading": .bool(request.rights.contains(.trade)),
            "enableWithdrawals": .bool(request.rights.contains(.withdraw)),
            "enableInternalTransfer": .bool(false),
            "permitsUniversalTransfer": .bool(false), "enableVanillaOptions": .bool(false),
            "enableFutures": .bool(false), "enableMargin": .bool(false),
        ])
    }

    func commission(_ request: BinanceRequest) throws(BinanceError) -> JSONValue {
        let symbol = try instrument(request).symbol
        func rates(_ maker: FixedDecimal, _ taker: FixedDecimal) -> JSONValue {
            .members([
                "maker": BinanceJSON.amount(maker), "taker": BinanceJSON.amount(taker),
                "buyer": BinanceJSON.amount(.zero), "seller": BinanceJSON.amount(.zero),
            ])
        }
        return .members([
            "symbol": .string(symbol), "standardCommission": rates(core.makerFee, core.takerFee),
            "specialCommission": rates(.zero, .zero), "taxCommission": rates(.zero, .zero),
            "discount": .members([
                "enabledForAccount": .bool(false), "enabledForSymbol": .bool(false),
                "discountAsset": .string("BNB"),
                "discount": BinanceJSON.amount(.zero),
            ]),
        ])
    }

    func orderLimits(_ request: BinanceRequest) throws(BinanceError) -> JSONValue {
        guard let account = request.account else { throw .missing("signature") }
        let counts = gate.orderCount(account)
        func row(_ interval: String, _ number: Int, _ limit: VenueSetting, _ count: Int) -> JSONValue {
            .members([
                "rateLimitType": .string("ORDERS"), "interval": .string(interval),
                "intervalNum": .integer(number),
                "limit": .integer(core.settings.integer(limit)), "count": .integer(count),
            ])
        }
        return .array([
            row("SECOND", 10, BinanceSettings.ordersPer10Seconds, counts.short),
            row("DAY", 1, BinanceSettings.ordersPerDay, counts.day),
        ])
    }
}

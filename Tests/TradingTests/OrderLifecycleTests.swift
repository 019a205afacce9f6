import Testing

@testable import Trading

@Suite("Order lifecycle")
struct OrderLifecycleTests {
    /// An order of 10 with 4 filled where that is possible, in every state.
    private static func order(_ status: OrderStatus) -> Order {
        let filled: FixedDecimal =
            switch status {
            case .partiallyFilled, .pendingCancel, .cancelled, .expired: d("4")
            case .filled: d("10")
            case .pending, .submitted, .open, .rejected, .denied, .unknown, .notPlaced: .zero
            }
        let isThere = status.isWorking || status == .filled || status == .cancelled || status == .expired
        return Order(
            intent: OrderIntent(
                id: OrderID(1), clientID: ClientOrderID("bp-x-1")!, strategy: "s", run: "r", account: "a",
                venue: "v",
                request: "1", origin: .strategy, terms: limit(.buy, "10", "100"), reservePrice: d("100"),
                createdAt: at(0)),
            status: status, quantity: d("10"), price: d("100"), filledQuantity: filled,
            filledNotional: FixedDecimal.product(filled, d("100"), .down), fee: .zero,
            venueOrderID: isThere ? "v1" : nil, reason: nil, cancelWanted: status == .pendingCancel,
            amendment: nil,
            venueFilledQuantity: filled, inferredQuantity: .zero, updatedAt: at(0))
    }

    private static func fill(_ quantity: String) -> OrderEvent {
        .filled(
            Fill(
                key: FillKey(venue: "v", account: "a", symbol: "BTCUSDT", trade: "t"), order: OrderID(1),
                strategy: "s", side: .buy, price: d("100"), quantity: d(quantity), fee: .zero,
                feeCurrency: "USDT",
                liquidity: .taker, time: at(1)), feeInQuote: .zero)
    }

    private static let events: [(name: String, event: OrderEvent)] = [
        ("sent", .sent), ("unsent", .unsent(reason: "x")), ("accepted", .accepted("v1")),
        ("rejected", .rejected(reason: "x")), ("lost", .outcomeUnknown(reason: "x")), ("absent", .absent),
        ("found", .foundOpen("v1", filled: .zero)), ("cancel?", .cancelWanted),
        ("refused", .cancelRefused(reason: "x")), ("cancelled", .cancelled(filled: nil, reason: nil)),
        ("expired", .expired(filled: nil, reason: nil)), ("all filled", .reportedFilled(d("10"))),
        ("part", fill("3")), ("rest", fill("10")),
        ("amend?", .amendSent(Amendment(quantity: d("12"), price: nil))),
        ("amended", .amended(Amendment(quantity: d("12"), price: nil))), ("kept", .amendRefused(reason: "x")),
    ]

    /// Every pair, thought through. `!` is an alarm, `?` asks for status or trades, `c` sends a cancel.
    ///
    /// pe su op pa pc fi ca re de ex un no: the states in the order of ``OrderStatus``.
    private static let table = """
        state      pe   su   op   pa   pc   fi   ca   re   de   ex   un   no
        sent       su   su   op   pa   pc   fi   ca   re   de   ex   un   no
        unsent     no   no   op   pa   pc   fi   ca   re   de   ex   un   no
        accepted   op   op   op   pa   pc   fi   ca   re!? de!  ex   op   op!
        rejected   re   re   re   re   re   fi!  ca   re   de!  ex   re   re
        lost       un   un   op   pa   pc   fi   ca   re   de   ex   un   no
        absent     no   no   un!  un!  un!  fi   ca   re   de   ex   no   no
        found      op   op   op   pa   pc   fi   ca   re!? de!  ex   op   op!
        cancel?    pe   su   pcc  pcc  pc   fi   ca   re   de   ex   un   no
        refused    pe   su   op   pa   pc?  fi   ca   re   de   ex   un   no
        cancelled  ca   ca   ca   ca   ca   fi   ca   re   de!  ex   ca   ca!
        expired    ex   ex   ex   ex   ex   fi   ca   re   de!  ex   ex   ex!
        all filled op?  op?  op?  pa?  pc?  fi   ca?  re!? de!? ex?  op?  op!?
        part       pa   pa   pa   pa   pc   fi!  pa?  pa!? pa!? pa?  pa   pa!
        rest       fi   fi   fi   fi!  fi!  fi!  fi!  fi!? fi!? fi!  fi   fi!
        amend?     pe   su   op   pa   pc   fi   ca   re   de   ex   un   no
        amended    op   op   op   pa   pc   fi   ca   re!  de!  ex   op   no!
        kept       pe   su   op   pa   pc   fi   ca   re   de   ex   un   no
        """

    private static let codes: [String: OrderStatus] = [
        "pe": .pending, "su": .submitted, "op": .open, "pa": .partiallyFilled, "pc": .pendingCancel,
        "fi": .filled,
        "ca": .cancelled, "re": .rejected, "de": .denied, "ex": .expired, "un": .unknown, "no": .notPlaced,
    ]

    @Test func `every event in every state does what the table says`() throws {
        let lines = Self.table.split(separator: "\n")
        #expect(lines.count == Self.events.count + 1)
        for (line, (name, event)) in zip(lines.dropFirst(), Self.events) {
            #expect(line.hasPrefix(name))
            let cells = line.dropFirst(11).split(separator: " ")
            #expect(cells.count == 12)
            for (status, cell) in zip(OrderStatus.allCases, cells) {
                var order = Self.order(status)
                let transition = order.handle(event, at: at(5))
                var told = Self.codes.first { $0.value == order.status }!.key
                if transition.sendsCancel { told += "c" }
                if transition.alarm != nil { told += "!" }
                if transition.asksStatus || transition.asksTrades { told += "?" }
                #expect(told == cell, "\(name) in \(status)")
            }
        }
    }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func `whatever comes in whatever order, quantities never fall and nothing ends without evidence`(
        _ seed: UInt64
    ) {
        var random = SplitMix64(seed: seed)
        var order = Order(intent: Self.order(.pending).intent)
        for step in 0..<150 {
            let before = order
            let (name, event) = Self.events.randomElement(using: &random)!
            let transition = order.handle(event, at: at(Int64(step)))
            #expect(order.filledQuantity >= before.filledQuantity)
            #expect(order.venueFilledQuantity >= before.venueFilledQuantity)
            #expect(transition.changed == (order != before))
            if order.filledQuantity > order.quantity { #expect(order.remainingQuantity == .zero) }
            if order.status == .unknown { #expect(order.reservedQuantity >= order.remainingQuantity) }
            if !before.status.isTerminal, order.status.isTerminal {
                let proofs = [
                    "unsent", "rejected", "absent", "cancelled", "expired", "part", "rest", "amended",
                ]
                #expect(proofs.contains(name), "\(name)")
            }
            // Twice the same is once, but for trades, whose ids the desk compares.
            if case .filled = event { continue }
            let after = order
            let again = order.handle(event, at: at(Int64(step)))
            #expect(order == after && !again.changed, "\(name) in \(before.status), seed \(seed)")
        }
    }

    @Test func `a client order id follows from strategy, run and number, and fits the strictest venue`()
        throws
    {
        let prefix = ClientOrderID.Prefix(strategy: "grid", run: "run-1")
        let id = ClientOrderID(prefix: prefix, order: OrderID(3_656_158_440_062_975))
        #expect(id.text.utf8.count == 36)
        #expect(ClientOrderID(id.text) == id)
        #expect(id.order == OrderID(3_656_158_440_062_975))
        #expect(
            id
                == ClientOrderID(
                    prefix: .init(strategy: "grid", run: "run-1"), order: OrderID(3_656_158_440_062_975)))
        let others = [("gri", "drun-1"), ("grid", "run-2"), ("grid2", "run-1")].map {
            ClientOrderID.Prefix(strategy: StrategyID($0.0), run: RunID($0.1))
        }
        #expect(!others.contains(prefix) && Set(others).count == 3)
        for text in ["", "a b", "ü", String(repeating: "a", count: 37)] {
            #expect(ClientOrderID(text) == nil)
        }
        for text in ["abc", "x-", "x-A", "x-12345678901"] { #expect(ClientOrderID(text)?.order == nil) }
    }
}

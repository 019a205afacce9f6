import Wire

extension Command {
    static let orders = Command(
        name: "orders", group: .watching, summary: "List a strategy's orders, or every open order.",
        operands: [
            Operand(
                name: "strategy", explanation: "Its id or name; without it, open orders of all.",
                count: .optional)
        ],
        options: [.limit(100)]
    ) { invocation in
        let listing = Listing(
            columns: [
                .time("TIME", "created_at"), .text("ID", "id"), .text("STRATEGY", "strategy"),
                .text("SYMBOL", "symbol"), .text("SIDE", "side"), .text("TYPE", "order_type"),
                .amount("QUANTITY", "quantity"), .amount("PRICE", "price"),
                .amount("FILLED", "filled_quantity"),
                .judged("STATUS") { Words.text($0["status"]) }, .text("REASON", "reason"),
            ], whenEmpty: invocation.operands.isEmpty ? "No open orders." : "No orders yet.")
        let server = try Server(invocation)
        let path =
            if let strategy = invocation.optionalOperand("strategy") {
                try await server.path(ofStrategy: strategy) + "/orders"
            } else {
                "/positions/orders"
            }
        let limit = try invocation.limit(otherwise: 100)
        listing.show(try await server.items(path, limit: limit), invocation)
    }

    static let ordersInDoubt = Command(
        name: "orders doubt", group: .watching,
        summary: "List orders of which the venue shows several that could be ours."
    ) { invocation in
        let orders = try await Server(invocation).items("/orders/ambiguous")
        guard !invocation.wantsJSON else { return Console.say(JSONValue.array(orders).text) }
        guard !orders.isEmpty else { return Console.say("No order is in doubt.") }
        for doubt in orders {
            let order = doubt["order"] ?? .null
            let candidates = (doubt["candidates"]?.arrayValue ?? []).map { Words.text($0) }
            Console.say(
                Console.harmless(
                    "Order \(Words.text(order["id"])) of \(Words.text(order["strategy"])), "
                        + "\(Words.text(order["side"])) \(Words.text(order["quantity"])) "
                        + "\(Words.text(order["symbol"])), may be: \(candidates.joined(separator: ", "))"))
        }
    }

    static let ordersSettle = Command(
        name: "orders settle", group: .trading,
        summary: "Say which of the venue's orders one of ours is, or that it was never placed.",
        operands: [Operand(name: "order", explanation: "Its id, as \"orders doubt\" lists it.")],
        options: [
            .value("as", "venue-order", "The venue's id of the order."),
            .flag("not-placed", "None of them: it never arrived."),
        ]
    ) { invocation in
        guard (invocation.value("as") != nil) != invocation.has("not-placed") else {
            throw CommandFailure.usage("orders settle: say either --as or --not-placed")
        }
        let answer = try await Server(invocation).post(
            "/orders/\(invocation.operand("order"))/settle",
            .object([.init("venue_order", invocation.value("as").map { .string($0) } ?? .null)]))
        invocation.show(answer, ["Order \(Words.text(answer["id"])) is \(Words.text(answer["status"]))."])
    }

    static let fills = Command(
        name: "fills", group: .watching, summary: "List a strategy's fills.",
        operands: [.strategy], options: [.limit(100)]
    ) { invocation in
        let listing = Listing(
            columns: [
                .time("TIME", "time"), .text("ID", "id"), .text("ORDER", "order"), .text("SYMBOL", "symbol"),
                .text("SIDE", "side"), .amount("QUANTITY", "quantity"), .amount("PRICE", "price"),
                .amount("FEE", "fee"), .text("IN", "fee_currency"), .text("LIQUIDITY", "liquidity"),
            ], whenEmpty: "No fills yet.")
        let server = try Server(invocation)
        let path = try await server.path(ofStrategy: invocation.operand("strategy"))
        let limit = try invocation.limit(otherwise: 100)
        listing.show(try await server.items(path + "/fills", limit: limit), invocation)
    }

    static let positions = Command(
        name: "positions", group: .watching, summary: "List every open position."
    ) { invocation in
        let listing = Listing(
            columns: [
                .text("STRATEGY", "strategy"), .text("ACCOUNT", "account"), .text("SYMBOL", "symbol"),
                .amount("QUANTITY", "quantity"), .amount("AVERAGE", "average_price"),
                .amount("LAST", "last_price"),
                .amount("REALISED", "realised_pnl"), .amount("UNREALISED", "unrealised_pnl"),
                .amount("FEES", "fees"), .text("IN", "currency"),
            ], whenEmpty: "No open positions.")
        listing.show(try await Server(invocation).items("/positions"), invocation)
    }

    static let profit = Command(
        name: "pnl", group: .watching, summary: "Show profit and loss: in total, by strategy, by instrument."
    ) { invocation in
        let profit = try await Server(invocation).get("/positions/pnl")
        guard !invocation.wantsJSON else { return Console.say(profit.text) }
        let amounts: [Listing.Column] = [
            .text("CURRENCY", "currency"), .amount("REALISED", "realised_pnl"),
            .amount("UNREALISED", "unrealised_pnl"), .amount("FEES", "fees"),
        ]
        let tables: [(String, [Listing.Column])] = [
            ("total", []), ("by_strategy", [.text("STRATEGY", "strategy")]),
            ("by_symbol", [.text("SYMBOL", "symbol")]),
        ]
        for (index, (name, first)) in tables.enumerated() {
            let rows = profit[name]?.arrayValue ?? []
            guard index == 0 || !rows.isEmpty else { continue }
            if index > 0 { Console.say("") }
            Listing(columns: first + amounts, whenEmpty: "Nothing was traded yet.").show(rows, invocation)
        }
    }
}

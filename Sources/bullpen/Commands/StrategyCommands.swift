import Wire

extension Command {
    static let list = Command(
        name: "list", group: .strategies, summary: "List the strategies.",
        options: [.limit(1000)]
    ) { invocation in
        let listing = Listing(
            columns: [
                .text("ID", "id"), .text("NAME", "name"), .text("OWNER", "owner"),
                .judged("STATE") { Words.text($0["status"]?["state"]) },
                Listing.Column(column: .right("P&L")) { profit($0["status"]) },
                .text("PROFILE", "profile"),
                Listing.Column(column: .left("WHY")) { why($0["status"]) },
            ], whenEmpty: "No strategies. Upload one: bullpen upload <path>, or begin with bullpen new.")
        let limit = try invocation.limit(otherwise: 1000)
        listing.show(try await Server(invocation).items("/strategies", limit: limit), invocation)
    }

    static let delete = Command(
        name: "delete", group: .strategies, summary: "Delete a strategy that is stopped and holds nothing.",
        operands: [.strategy], options: [.flag("yes", short: "y", "Do not ask.")]
    ) { invocation in
        let name = invocation.operand("strategy")
        guard invocation.has("yes") || Prompt.confirm("Delete \(name) with its log and versions?") else {
            throw CommandFailure(.error, "nothing was deleted; --yes deletes without asking")
        }
        let server = try Server(invocation)
        let answer = try await server.delete(try await server.path(ofStrategy: name))
        invocation.show(answer, ["\(name) is deleted."])
    }

    /// Why it stands still though nobody asked it to, in one line; how often it was refused something otherwise.
    private static func why(_ status: JSONValue?) -> String {
        let refused = status?["violations"]?.intValue ?? 0
        let count = refused == 0 ? "" : "refused \(refused) system call\(refused == 1 ? "" : "s")"
        let reason = Words.text(status?["reason"]).prefix { !$0.isNewline }
        switch Words.text(status?["state"]) {
        case "quarantined", "backing_off": break
        case "stopped"
        where !["-", "stopped by", "ended by itself", "it ended by"].contains { reason.hasPrefix($0) }:
            break
        default: return count
        }
        return reason.count > 100 ? reason.prefix(99) + "…" : String(reason)
    }

    /// Realised and unrealised together, as the host gives them; a dash before the first run.
    private static func profit(_ status: JSONValue?) -> String {
        let (realised, unrealised) = (
            Words.amount(status?["realised_pnl"]), Words.amount(status?["unrealised_pnl"])
        )
        let amount = unrealised == "-" || unrealised == "0" ? realised : "\(realised) (+ \(unrealised) open)"
        return status?["currency"]?.stringValue.map { "\(amount) \($0)" } ?? amount
    }
}

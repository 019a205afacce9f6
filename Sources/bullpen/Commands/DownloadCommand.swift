import Wire

extension Command {
    static let dataDownload = Command(
        name: "data download", group: .data, summary: "Fetch candles of a venue into the store.",
        details: """
            The host fetches them, page after page and the oldest first; what is there already is not fetched again, so that a
            download which was interrupted goes on where it stopped. Example: bullpen data download binance BTCUSDT 1m --from
            2026-01-01 --to 2026-02-01. Control-C leaves the host at it; --cancel ends a download.
            """,
        operands: [
            Operand(
                name: "venue",
                explanation: "binance, binance-testnet or coindcx; with --cancel, the download's id."),
            Operand(name: "symbol", explanation: "Such as BTCUSDT.", count: .optional),
            Operand(name: "resolution", explanation: "The length of candle, such as 1m.", count: .optional),
        ],
        options: [
            .value("from", "date", "The first day, in UTC, such as 2026-01-01; or milliseconds."),
            .value("to", "date", "The day behind the last; otherwise up to now."),
            .flag("cancel", "End the download of this id instead."),
            .flag("detach", "Say the id and do not wait."),
        ]
    ) { invocation in
        let server = try Server(invocation)
        guard !invocation.has("cancel") else {
            let id = invocation.operand("venue")
            let view = try await server.delete("/data/downloads/\(id.asPathPiece)")
            return invocation.show(view, ["Download \(id) is \(Words.text(view["state"]))."])
        }
        guard let symbol = invocation.optionalOperand("symbol"),
            let resolution = invocation.optionalOperand("resolution")
        else { throw CommandFailure.usage("data download: venue, symbol and resolution are needed") }
        guard let from = invocation.value("from") else {
            throw CommandFailure.usage("data download: --from is missing, such as --from 2026-01-01")
        }
        let begun = try await server.post(
            "/data/downloads",
            .members([
                "venue": .string(invocation.operand("venue")), "symbol": .string(symbol),
                "resolution": .string(resolution), "from": .string(from),
                "to": invocation.value("to").map { .string($0) },
            ]))
        if let doubt = begun["reason"]?.stringValue { Console.note(doubt) }
        guard !invocation.has("detach") else {
            return invocation.show(begun, ["Download \(Words.text(begun["id"])) is running."])
        }
        let end = try await follow(begun, server, DownloadBar(isOn: !invocation.wantsJSON))
        invocation.show(end, outcome(end))
        guard end["state"]?.stringValue == "done" else {
            var reason = Words.text(end["reason"])
            while reason.hasSuffix(".") { reason.removeLast() }
            throw CommandFailure(
                .error, "the download \(Words.text(end["state"])): \(reason); start it again to go on")
        }
    }

    /// Looks after a download until it has ended, and shows how far it is.
    private static func follow(
        _ begun: JSONValue, _ server: Server, _ bar: DownloadBar
    ) async throws -> JSONValue {
        var view = begun
        let path = "/data/downloads/\((begun["id"]?.stringValue ?? "").asPathPiece)"
        while view["state"]?.stringValue == "running" {
            bar.show(
                done: view["bars_done"]?.intValue ?? 0, of: view["bars_total"]?.intValue ?? 0,
                rate: view["bars_per_second"]?.intValue ?? 0, secondsLeft: view["seconds_left"]?.intValue)
            try await Task.sleep(for: .milliseconds(250))
            view = try await server.get(path)
        }
        bar.end()
        return view
    }

    private static func outcome(_ view: JSONValue) -> [String] {
        var line =
            "\(Words.text(view["venue"])) \(Words.text(view["symbol"])) \(Words.text(view["resolution"])): "
            + "\(Words.text(view["stored"])) candles fetched, \(Words.text(view["bars_done"])) of "
            + "\(Words.text(view["bars_total"])) bars known"
        if case .object(let counts)? = view["refused"], !counts.isEmpty {
            line +=
                "; refused: " + counts.map { "\($0.name) \(Words.text($0.value))" }.joined(separator: ", ")
        }
        return [line + "."]
    }
}

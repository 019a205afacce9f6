import Testing
import Wire

@testable import bullpen

@Suite struct `What lists and outlines say` {
    @Test func `settings are written as they are set, without what other columns show`() throws {
        let feed = try JSONParser.parse(
            #"{"settings":{"id":"btc","kind":"binance","symbols":["A"],"resolutions":["1m","1h"],"history":500,"files":[]}}"#
        )
        let column = Listing.Column.settings(without: ["id", "kind", "symbols"])
        #expect(column.text(feed) == "resolutions=1m,1h history=500")
        #expect(Listing.Column.settings(without: ["id"]).text(try JSONParser.parse("{}")) == "-")
        #expect(
            try KeyValue.object(["resolutions=1m,1h"], lists: ["resolutions"]).text
                == #"{"resolutions":["1m","1h"]}"#, "what is shown can be given back")
    }

    @Test func `an instant is a time in UTC, and a number a number`() throws {
        let value = try JSONParser.parse(
            #"{"since":1795251924968,"history":1795251924968,"counts":{"last_event":1795251924500},"time":5,"created_at":null}"#
        )
        #expect(
            Outline.lines(value) == [
                "since              2026-11-21 09:05:24 UTC", "history            1795251924968",
                "counts.last_event  2026-11-21 09:05:24 UTC", "time               5", "created_at         -",
            ])
    }

    @Test func `a list may be asked for with the word, and nothing else happens by it`() throws {
        let parser = ArgumentParser(commands: Command.all)
        for name in ["feeds", "accounts", "limits"] {
            guard case .run(let invocation) = try parser.parse([name, "list", "--json"]) else {
                Issue.record("\(name) list does not run")
                continue
            }
            #expect(invocation.command.name == name && invocation.wantsJSON)
        }
        #expect(throws: CommandFailure.self) { try parser.parse(["halt", "list"]) }
        guard case .run(let orders) = try parser.parse(["orders", "list"]) else {
            Issue.record("orders list does not run")
            return
        }
        #expect(orders.operands == ["list"], "a strategy may have this name")
    }
}

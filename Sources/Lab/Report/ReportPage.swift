/// A page that needs nothing but itself: styles inside, charts as SVG, no script, no network.
enum ReportPage {
    /// The page's bytes.
    static func document(title: String, _ body: HTMLText) -> [UInt8] {
        let page: HTMLText = """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>\(title)</title>
            <style>
            \(styles)
            </style>
            </head>
            <body>
            <main>
            \(body)
            <footer>Made by Bullpen. Past results say little about those to come.</footer>
            </main>
            </body>
            </html>

            """
        return Array(page.text.utf8)
    }

    /// A part of the page with a heading.
    static func section(_ title: String, _ body: HTMLText) -> HTMLText {
        "<section><h2>\(title)</h2>\(body)</section>\n"
    }

    /// A table; the first column is text, the others are numbers.
    static func table(_ heads: [String], _ rows: [[HTMLText]], className: String = "") -> HTMLText {
        let head: [HTMLText] = heads.map { "<th scope=\"col\">\($0)</th>" }
        let body: [HTMLText] = rows.map { row in
            let cells: [HTMLText] = row.map { "<td>\($0)</td>" }
            return "<tr>\(cells)</tr>\n"
        }
        return """
            <div class="wide"><table class="\(className)"><thead><tr>\(head)</tr></thead>
            <tbody>\(body)</tbody></table></div>

            """
    }

    /// A number that says by its colour, and its sign, which way it goes.
    static func signed(_ text: String, _ value: Double) -> HTMLText {
        value > 0
            ? "<span class=\"up\">\(text)</span>"
            : value < 0 ? "<span class=\"down\">\(text)</span>" : "\(text)"
    }

    private static let styles: HTMLText = """
        :root { color-scheme: light dark; --text: light-dark(#191d24, #e7eaef); --muted: light-dark(#59626f, #9aa4b2);
          --bg: light-dark(#ffffff, #0f1217); --line: light-dark(#e3e6eb, #2a313c); --soft: light-dark(#f5f6f8, #161a21);
          --accent: light-dark(#2a56d0, #86a9ff); --up: light-dark(#0a7347, #45cf93); --down: light-dark(#bf2a45, #ff7f8f);
          --second: light-dark(#b35c00, #f1b850); --third: light-dark(#7a3fc4, #c39bff); --fourth: light-dark(#0b7285, #5fd4e6); }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--bg); color: var(--text); font: 14px/1.45 system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
          font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
        main { max-width: 1080px; margin: 0 auto; padding: 28px 20px 40px; }
        h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 15px; margin: 0 0 8px; }
        p { margin: 0 0 8px; } section { margin-top: 30px; } .muted, footer { color: var(--muted); } footer { margin-top: 36px; font-size: 12px; }
        .warn { border-left: 4px solid var(--second); background: var(--soft); padding: 8px 12px; margin: 12px 0; white-space: pre-wrap; }
        .tiles { display: grid; grid-template-columns: repeat(4, 1fr); gap: 1px; background: var(--line); border: 1px solid var(--line);
          border-radius: 8px; overflow: hidden; margin-top: 16px; }
        .tiles div { background: var(--bg); padding: 10px 13px; } .tiles div > span { display: block; font-size: 12px; color: var(--muted); }
        .tiles b { font-size: 18px; font-weight: 620; white-space: nowrap; }
        .up { color: var(--up); } .down { color: var(--down); }
        .wide { overflow-x: auto; } .wide + p { margin-top: 10px; } @media (max-width: 640px) { .tiles { grid-template-columns: repeat(2, 1fr); } } table { border-collapse: collapse; width: 100%; font-size: 13px; }
        th { text-align: right; font-weight: 560; font-size: 12px; color: var(--muted); padding: 5px 9px; border-bottom: 1px solid var(--line); white-space: nowrap; }
        td { text-align: right; padding: 4px 9px; border-bottom: 1px solid var(--line); white-space: nowrap; }
        th:first-child, td:first-child { text-align: left; } td.words { white-space: normal; text-align: left; }
        .metrics td:last-child, .metrics th:last-child { text-align: left; white-space: normal; color: var(--muted); }
        .runs th, .runs td { white-space: normal; }
        .months td { border: 1px solid var(--bg); } .months td span { display: block; margin: -4px -9px; padding: 4px 9px; }
        .gain { background: color-mix(in srgb, var(--up) var(--strength), transparent); }
        .loss { background: color-mix(in srgb, var(--down) var(--strength), transparent); }
        svg { width: 100%; height: auto; display: block; font-size: 11px; } svg text { fill: var(--muted); }
        svg .grid { stroke: var(--line); stroke-width: 1; } svg .line { fill: none; stroke: var(--accent); stroke-width: 1.5; stroke-linejoin: round; }
        svg .area { fill: var(--accent); opacity: 0.12; } svg .fall { fill: var(--down); opacity: 0.16; } svg .fall-line { fill: none; stroke: var(--down); stroke-width: 1.2; }
        svg .band { fill: var(--muted); opacity: 0.22; } svg .buy { fill: var(--up); } svg .sell { fill: var(--down); }
        svg .c0 { stroke: var(--accent); } svg .c1 { stroke: var(--second); } svg .c2 { stroke: var(--third); } svg .c3 { stroke: var(--fourth); }
        svg .c4 { stroke: var(--up); } svg .c5 { stroke: var(--down); } svg .c6 { stroke: var(--muted); } svg .c7 { stroke: var(--text); }
        .legend { margin-top: 8px; display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: 12px; color: var(--muted); } .legend svg { display: inline-block; width: 22px; height: 8px; }
        .log { font: 12px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; white-space: pre-wrap; background: var(--soft); padding: 10px 12px; max-height: 340px; overflow: auto; }
        @media print { body { background: #fff; } section { break-inside: avoid; } .wide { overflow: visible; } .log { max-height: none; } }
        """
}

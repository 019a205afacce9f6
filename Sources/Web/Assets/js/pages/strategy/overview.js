// The overview of one strategy: its market, its equity, its log, what it holds and uses.

import { h, fill, patch } from "../../dom.js";
import { get, items, query } from "../../api.js";
import { profit, moneyText, number, when, sideText, panel, meter, facts, fault, skeleton } from "../../ui.js";
import { average, format, sign } from "../../decimal.js";
import { bytes, isAlive } from "../../words.js";
import { chart } from "../../charts.js";
import { logView } from "../../log.js";
import { refusalsPanel } from "./refusals.js";

export function overview(tab) {
    const { strategy, base, context } = tab;
    const price = chart("price", { emptyText: isAlive(strategy.status.state) ? "Waiting for the first candles…" : "Start the strategy to see its market here." });
    const equity = chart("equity", { emptyText: "The equity of its runs is drawn here." });
    tab.dispose(() => { price.dispose(); equity.dispose(); });
    let candles = [];
    let points = [];
    let fills = [];

    const symbolSelect = h("select", { "aria-label": "Instrument", class: "small-select", hidden: true });
    let symbol = strategy.config?.pair ?? null;
    symbolSelect.addEventListener("change", () => { symbol = symbolSelect.value; candles = []; loadCandles().catch(fault); });

    async function loadCandles(limit = 500) {
        const answer = items(await get(base + "/candles" + query({ symbol, limit }), { signal: context.signal }));
        const known = new Map(candles.map((one) => [one.time, one]));
        for (const one of answer) known.set(one.time, one);
        candles = [...known.values()].sort((a, b) => a.time - b.time).slice(-1500);
        price.setCandles(candles);
        price.setFills(fills.filter((one) => !symbol || one.symbol === symbol));
        drawAverage();
    }

    function drawAverage() {
        const mine = (strategy.status.position ?? []).find((one) => (!symbol || one.symbol === symbol) && sign(one.quantity) !== 0);
        price.setAverage(mine?.average_price ?? null);
    }

    const position = h("div", {});
    const usage = h("div", {});
    const recent = h("div", { class: "recent" });
    const log = logView({ short: true });
    log.add(tab.shared.log.slice(-200));
    requestAnimationFrame(() => log.bottom());

    function drawSide() {
        const { status } = strategy;
        const open = (status.position ?? []).filter((one) => sign(one.quantity) !== 0);
        patch(position, open.length ? open.map((one) => facts([
            ["Instrument", h("strong", {}, one.symbol)], ["Quantity", number(one.quantity, { sign: true })], ["Average price", h("span", { class: "num" }, average(one.average_price))],
            one.last_price ? ["Last price", number(one.last_price)] : null,
            ["Open P&L", profit(one.unrealised_pnl)], ["Realised, before fees", profit(one.realised_pnl)], ["Fees", moneyText(one.fees)],
        ])) : h("p", { class: "muted" }, isAlive(status.state) ? "Flat: it holds nothing now." : "Nothing held. Start it to trade."));
        const use = status.usage ?? {};
        const cores = strategy.config?.cpu_share ? Number(strategy.config.cpu_share) : 0.5;
        const cpu = tab.shared.cpu;
        patch(usage, isAlive(status.state) ? [
            meter("CPU", cpu === null ? 0 : cpu / cores, cpu === null ? `${(use.cpu_seconds ?? 0).toFixed(1)} s used` : `${(cpu * 100).toFixed(1)} % of ${Math.round(cores * 100)} %`),
            meter("Memory", use.memory_limit_bytes ? use.memory_bytes / use.memory_limit_bytes : 0, `${bytes(use.memory_bytes)} of ${bytes(use.memory_limit_bytes)}`),
            use.cpu_throttled_share > 0.005 ? meter("Held back", use.cpu_throttled_share, `${Math.round(use.cpu_throttled_share * 100)} % of the last minute`) : null,
            use.cpu_throttled_share > 0.25 ? h("p", { class: "hint" }, "It wants more than its share of processor. Compute less at each price, or set cpu_share in strategy.json.") : null,
            facts([["Lines in / out", h("span", { class: "num" }, `${format(use.lines_in ?? 0)} / ${format(use.lines_out ?? 0)}`)],
                ["Lines dropped", h("span", { class: use.lines_dropped ? "num down" : "num" }, format(use.lines_dropped ?? 0))],
                use.memory_peak_bytes ? ["Most memory", bytes(use.memory_peak_bytes)] : null,
                use.cpu_throttled_seconds ? ["Held back in all", `${Number(use.cpu_throttled_seconds).toFixed(1)} s`] : null,
                ["Profile", strategy.profile ?? "–"],
                status.start ? ["Started", `${status.start.door} in ${Number(status.start.milliseconds).toFixed(1)} ms`] : null,
                status.limits?.not_promised?.length ? ["Not promised here", status.limits.not_promised.join(", ")] : null,
                ...Object.entries(status.metrics ?? {}).map(([name, value]) => [name, h("span", { class: "num" }, average(value))])]),
        ] : use.cpu_seconds > 0 ? [
            facts([use.memory_peak_bytes ? ["Most memory", use.memory_limit_bytes ? `${bytes(use.memory_peak_bytes)} of ${bytes(use.memory_limit_bytes)}` : bytes(use.memory_peak_bytes)] : null,
                ["Processor time", `${Number(use.cpu_seconds).toFixed(1)} s`],
                use.cpu_throttled_seconds ? ["Held back in all", `${Number(use.cpu_throttled_seconds).toFixed(1)} s`] : null,
                ["Lines in / out", h("span", { class: "num" }, `${format(use.lines_in ?? 0)} / ${format(use.lines_out ?? 0)}`)]]),
            h("p", { class: "hint" }, "Of its last run."),
        ] : h("p", { class: "muted" }, "Measured while it runs."));
        patch(recent, fills.length ? h("ul", { class: "recent-list" }, [...fills].sort((a, b) => b.time - a.time).slice(0, 6).map((one) =>
            h("li", {}, when(one.time), sideText(one.side), h("span", { class: "num" }, format(one.quantity)), h("span", { class: "num" }, "@ " + format(one.price))))) : h("p", { class: "muted" }, "No fills yet."));
    }

    const refused = h("div", {});
    const drawRefusals = () => patch(refused, tab.shared.refusals ? refusalsPanel(tab.shared.refusals) : skeleton(2));

    drawSide();
    drawRefusals();
    tab.listen((type, data) => {
        if (type === "refusals") drawRefusals();
        if (type === "status") { drawSide(); drawAverage(); }
        if (type === "pnl" && data.equity !== undefined) {
            points.push({ time: data.time ?? Date.now(), equity: data.equity });
            points = points.slice(-3000);
            equity.setEquity(points);
        }
        if (type === "fill") {
            fills.push(data);
            price.setFills(fills.filter((one) => !symbol || one.symbol === symbol));
            drawSide();
        }
        if (type === "log") log.add([data]);
        if (type === "log-loaded") log.add(tab.shared.log.slice(-200));
        if (type === "again") loadCandles().catch(() => {});
    });
    const quiet = (error) => { if (error.name !== "AbortError" && error.status !== 404) fault(error); };
    get(base + "/fills?limit=200", { signal: context.signal }).then((answer) => {
        const known = new Set(fills.map((one) => one.id));
        fills = [...items(answer).filter((one) => !known.has(one.id)), ...fills];
        price.setFills(fills.filter((one) => !symbol || one.symbol === symbol));
        const symbols = [...new Set([symbol, ...fills.map((one) => one.symbol)].filter(Boolean))];
        symbolSelect.hidden = symbols.length < 2;
        fill(symbolSelect, symbols.map((one) => h("option", { value: one }, one)));
        drawSide();
    }).catch(quiet);
    get(base + "/equity", { signal: context.signal }).then((answer) => { points = [...items(answer), ...points]; equity.setEquity(points); }).catch(quiet);
    loadCandles().catch(quiet);
    const timer = setInterval(() => { if (!document.hidden && isAlive(strategy.status.state)) loadCandles(candles.length ? 5 : 500).catch(() => {}); }, 3000);
    tab.dispose(() => clearInterval(timer));

    return h("div", { class: "split" },
        h("div", { class: "stack" }, refused,
            panel(symbol ? `Price of ${symbol}` : "Price", price.element, { flush: true, actions: [symbolSelect] }),
            panel("Equity", equity.element, { flush: true }),
            panel("Log", log.element, { flush: true, actions: [h("a", { href: `#/strategies/${encodeURIComponent(strategy.id)}/log` }, "Open")] })),
        h("aside", { class: "stack" }, panel("Position", position), panel("Resources", usage), panel("Latest fills", recent),
            strategy.warnings?.length ? panel("Remarks", h("ul", { class: "bullets" }, strategy.warnings.map((one) => h("li", {}, one)))) : null));
}

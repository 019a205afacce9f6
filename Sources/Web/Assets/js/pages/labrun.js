// One run of the Lab: how it goes while it is under way, and all that came of it.

import { h, fill, icon } from "../dom.js";
import { get, remove } from "../api.js";
import { badge, button, callout, dataTable, empty, facts, fault, loading, meter, panel, stat } from "../ui.js";
import { format, plot } from "../decimal.js";
import { humanise, count, duration } from "../words.js";
import { runCharts } from "../labcharts.js";
import { bars, fixed, metricText, monthTable, part, plainTable, sumText, toned, utc } from "../labfigures.js";

const tones = { queued: "idle", running: "busy", completed: "good", cancelled: "warn", failed: "bad", interrupted: "warn" };
const headline = ["total_return", "annual_return", "sharpe", "max_drawdown", "trades", "win_rate", "profit_factor", "exposure"];

const groups = [
    ["Returns", ["final_equity", "net_profit", "total_return", "annual_return", "benchmark_return", "best_period", "worst_period", "positive_periods", "stability"]],
    ["Risk", ["volatility", "downside_deviation", "max_drawdown", "longest_drawdown_days", "ulcer_index", "value_at_risk", "conditional_value_at_risk", "tail_ratio"]],
    ["Return for risk", ["sharpe", "sortino", "calmar", "omega", "recovery_factor", "kelly", "correlation", "beta"]],
    ["Trades", ["trades", "win_rate", "profit_factor", "expectancy", "average_win", "average_loss", "payoff_ratio", "largest_win", "largest_loss", "average_trade_return", "sqn",
        "longest_winning_streak", "longest_losing_streak"]],
    ["Time and prices", ["exposure", "turnover", "fees", "average_trade_hours", "median_trade_hours", "longest_trade_hours", "average_mae", "largest_mae", "average_mfe"]],
];

/** Opens `#/lab/ID`; the id is the last part of the address. */
export async function open(context) {
    const id = context.parts[context.parts.length - 1];
    const path = "/lab/backtests/" + encodeURIComponent(id);
    const head = h("div", { class: "page-head" });
    const body = h("div", { class: "stack" });
    const waiting = h("div", {});
    fill(context.place, waiting);
    let charts = null;
    let shown = null;
    let asking = false;
    let hasFiles = false;
    context.dispose(() => charts?.dispose());

    const isUnderWay = (run) => run.state === "queued" || run.state === "running";

    function drawHead(run) {
        const files = hasFiles;
        // Head and body come together, so that nothing is pushed down.
        if (waiting.isConnected) fill(context.place, head, body);
        fill(head,
            h("a", { class: "button bare", href: "#/lab", title: "All backtests", "aria-label": "All backtests" }, icon("back")),
            h("div", { class: "head-title" }, h("h1", {}, h("span", { class: "crumb" }, "Backtest " + run.id), run.title || run.job.strategy), badge(humanise(run.state), tones[run.state] ?? "idle")),
            h("div", { class: "actions" },
                files ? h("a", { class: "button", href: path + "/report.html", download: `bullpen-backtest-${run.id}.html` }, icon("download"), "Report") : null,
                files ? h("a", { class: "button", href: path + "/trades.csv", download: `bullpen-trades-${run.id}.csv` }, icon("download"), "Trades") : null,
                files ? h("a", { class: "button", href: path + "/equity.csv", download: `bullpen-equity-${run.id}.csv` }, icon("download"), "Equity") : null,
                files ? h("a", { class: "button", href: "#/lab/compare/" + encodeURIComponent(run.id) }, "Compare") : null,
                run.state === "completed" ? h("a", { class: "button", href: `#/strategies/${encodeURIComponent(run.job.strategy)}/promotion` }, "Promotion") : null,
                isUnderWay(run) ? button("Cancel", { icon: "stop", onclick: async () => { await remove(path); await refresh(); } }) : null),
            h("p", { class: "lead" }, h("a", { href: "#/strategies/" + encodeURIComponent(run.job.strategy) }, run.job.strategy), " · ",
                run.job.series.map((one) => `${one.venue} ${one.symbol} ${one.resolution}`).join(", "), " · ", utc(run.job.start, { date: true }), " to ", utc(run.job.end, { date: true }),
                ` · capital ${format(run.job.capital)}`));
    }

    function drawProgress(run) {
        const { bars: done, total } = run.progress ?? { bars: 0, total: 0 };
        const words = run.state === "queued" ? "It waits for a free core." : `${format(done)} of ${format(total)} candles`;
        fill(body, panel(run.state === "queued" ? "Waiting" : "Running", meter("Candles answered", total > 0 ? done / total : 0, words)));
    }

    async function refresh() {
        if (asking || shown === "report") return;
        asking = true;
        try {
            const run = await get(path, { signal: context.signal });
            context.title(`Backtest ${run.id}`);
            if (isUnderWay(run)) {
                shown = "progress";
                drawHead(run);
                drawProgress(run);
                return;
            }
            await drawReport(run);
        } finally {
            asking = false;
        }
    }

    async function drawReport(run) {
        // A run that never began has nothing to tell but its cause.
        const report = run.result_hash === null ? null : await get(path + "/report", { signal: context.signal });
        shown = "report";
        hasFiles = report !== null;
        drawHead(run);
        const cause = run.cause ?? report?.cause;
        const trouble = cause ? callout(run.state === "failed" ? "bad" : "warn", run.state === "failed" ? "It failed" : "It ended before its time", h("pre", {}, cause)) : null;
        if (!report) {
            fill(body, trouble, h("section", { class: "panel" }, empty("There is no result", "This run ended before anything came of it.")));
            return;
        }
        charts?.dispose();
        charts = runCharts(report);
        fill(body, trouble, tiles(report), panel("Charts", charts.element, { flush: true }),
            h("div", { class: "halves" }, monthPanel(report), histogramPanel(report)),
            metricPanels(report), tradePanel(report),
            h("div", { class: "halves" }, drawdownPanel(report), chancePanel(report)),
            h("div", { class: "halves" }, regimePanel(report), settingsPanel(run, report)), logPanel(report));
        await charts.ready;
    }

    context.every(1000, () => { if (shown === "progress") refresh().catch(fault); });
    await loading(waiting, refresh, 8);
}

function tiles(report) {
    const byName = new Map(report.metrics.map((one) => [one.name, one]));
    return h("div", { class: "stats eight" }, headline.map((name) => {
        const one = byName.get(name);
        const text = metricText(one.value, one.unit);
        const note = name === "total_return" ? sumText(byName.get("net_profit").value, { sign: true }) : name === "trades" ? `${sumText(byName.get("fees").value)} in fees${report.funding?.payments ? `, ${sumText(-Number(report.funding.amount))} of them funding` : ""}` : name === "max_drawdown" ? `${fixed(byName.get("longest_drawdown_days").value, 1)} d at most` : null;
        const tile = stat(one.title, name.endsWith("_return") ? toned(text, one.value ?? 0) : text, note);
        tile.title = one.meaning;
        return tile;
    }));
}

function monthPanel(report) {
    return panel("Months", report.months.length ? monthTable(report.months, report.years) : empty("No months", "The run recorded no equity."), { flush: true });
}

function histogramPanel(report) {
    return panel("Returns of trades", report.histogram ? bars(report.histogram, "How many trades earned how much") : empty("No trades", "Nothing was opened and closed again."));
}

function metricPanels(report) {
    const byName = new Map(report.metrics.map((one) => [one.name, one]));
    const period = report.period.milliseconds % 86400000 === 0 ? "days" : report.period.milliseconds === 3600000 ? "hours" : report.period.milliseconds === 60000 ? "minutes" : `periods of ${duration(report.period.milliseconds)}`;
    return panel("Metrics", [
        h("p", { class: "hint" }, `Returns are of ${count(report.period.count, "period")} (${period}), a year having 365 days. What is not defined has a dash.`),
        h("div", { class: "metric-groups" }, groups.map(([title, names]) => h("div", {}, h("h3", {}, title), h("dl", { class: "metrics" }, names.map((name) => byName.get(name)).filter(Boolean)
            .map((one) => h("div", {}, h("dt", {}, one.title, h("small", {}, one.meaning)), h("dd", { class: "num" }, metricText(one.value, one.unit)))))))),
    ]);
}

function tradePanel(report) {
    const { items, total } = report.trades;
    const table = dataTable({
        label: "Trades", key: (one) => one.number, stamp: (one) => one.number, columns: [
            { label: "Entry", main: true, render: (one) => h("span", { class: "num" }, utc(one.entry_time)), sort: (one) => one.entry_time },
            { label: "Position", render: (one) => `${one.symbol} ${one.side}`, sort: (one) => one.symbol + one.side },
            { label: "Quantity", right: true, render: (one) => h("span", { class: "num" }, format(one.quantity)), sort: (one) => plot(one.quantity) },
            { label: "Price", right: true, render: (one) => h("span", { class: "num" }, format(one.entry_price)), sort: (one) => plot(one.entry_price) },
            { label: "Exit", render: (one) => h("span", { class: "num" }, utc(one.exit_time)), sort: (one) => one.exit_time },
            { label: "Exit price", right: true, render: (one) => h("span", { class: "num" }, format(one.exit_price)), sort: (one) => plot(one.exit_price) },
            { label: "Profit", right: true, render: (one) => toned(sumText(plot(one.profit), { sign: true }), plot(one.profit)), sort: (one) => plot(one.profit) },
            { label: "Return", right: true, render: (one) => toned(part(one.return, { sign: true }), one.return), sort: (one) => one.return },
            { label: "Duration", right: true, wide: true, render: (one) => h("span", { class: "num" }, duration(one.exit_time - one.entry_time)), sort: (one) => one.exit_time - one.entry_time },
            { label: "MAE", right: true, wide: true, render: (one) => h("span", { class: "num" }, part(one.mae)), sort: (one) => one.mae },
            { label: "MFE", right: true, wide: true, render: (one) => h("span", { class: "num" }, part(one.mfe)), sort: (one) => one.mfe },
        ],
        empty: () => empty("No trades", "The strategy opened and closed nothing."),
    });
    const all = items.map((one, index) => ({ ...one, number: index + 1 }));
    let limit = 100;
    const more = h("div", { class: "more-row" });
    const draw = () => {
        table.set(all.slice(0, limit));
        fill(more, limit < all.length ? button(`Show more of ${format(total)}`, { small: true, onclick: () => { limit += 400; draw(); } }) : total > all.length ? h("span", { class: "muted" }, `The first ${format(all.length)} of ${format(total)}; all are in the CSV.`) : null);
        more.hidden = more.childElementCount === 0;
    };
    draw();
    return h("section", { class: "panel flush cardy", "aria-label": "Trades" }, h("header", {}, h("h2", {}, "Trades"), h("div", { class: "actions" }, h("span", { class: "muted" }, format(total)))),
        h("div", { class: "body" }, table.element, more));
}

function drawdownPanel(report) {
    if (report.drawdowns.length === 0) return panel("Deepest drawdowns", empty("None", "The equity never fell below its peak."));
    return panel("Deepest drawdowns", plainTable("Deepest drawdowns", ["Depth", "From", "Lowest", "Recovered"],
        report.drawdowns.map((one) => [part(one.depth), utc(one.peak), utc(one.trough), one.recovery === null ? "not yet" : utc(one.recovery)])), { flush: true });
}

function chancePanel(report) {
    if (report.monte_carlo.length === 0) return panel("Chance", empty("No trades", "There is nothing to shuffle."));
    const names = { reshuffle: "in another order", resample: "drawn anew" };
    const row = (title, spread, text) => [title, text(spread.p5), text(spread.median), text(spread.p95)];
    return panel("Chance: the same trades otherwise", [
        plainTable("Outcomes of shuffled trades", ["", "5 %", "Median", "95 %"], report.monte_carlo.flatMap((one) => [
            row(`Final equity, ${names[one.method] ?? one.method}`, one.final_equity, sumText), row(`Maximum drawdown, ${names[one.method] ?? one.method}`, one.max_drawdown, part)])),
        h("div", { class: "notes" }, report.monte_carlo.map((one) => h("p", { class: "hint" },
            `${humanise(names[one.method] ?? one.method)}, ${format(one.runs)} times: ${part(one.loss_share)} ended below the capital, ${part(one.ruin_share)} lost everything, ${part(one.worse_drawdown_share)} fell at least as deep as this run.`))),
    ], { flush: true });
}

function regimePanel(report) {
    if (report.regimes.length === 0) return panel("In which market", empty("Not known", "Regimes need prices over at least 22 periods."));
    return panel("In which market", plainTable("By regime of the main instrument", ["Market", "Periods", "Mean return", "Sharpe", "Winning"],
        report.regimes.map((one) => [humanise(one.label), format(one.periods), toned(part(one.mean_return, { places: 3, sign: true }), one.mean_return), metricText(one.sharpe, "ratio"), part(one.win_rate)])), { flush: true });
}

function settingsPanel(run, report) {
    const { job } = report;
    const parameters = Object.entries(job.parameters ?? {});
    const hash = (text) => h("code", { title: text }, text.slice(0, 16) + "…");
    return panel("What was run", facts([
        ["Version", hash(job.version)], ...parameters.map(([name, value]) => [humanise(name), typeof value === "object" ? JSON.stringify(value) : String(value)]),
        ["Mode", job.mode], ["Warm-up", count(job.warm_up, "candle")], ["Seed", String(job.seed)],
        ...Object.entries(job.costs).filter(([, value]) => value !== null).map(([name, value]) => [humanise(name), humanise(String(value))]),
        ["Candles answered", format(report.bars)], ["Took", duration(report.milliseconds)],
        ...report.data_hashes.map((text, index) => [`Data of ${job.series[index]?.symbol ?? "series"}`, hash(text)]),
        run.result_hash ? ["Outcome", hash(run.result_hash)] : null,
    ]));
}

function logPanel(report) {
    if (report.log.length === 0) return null;
    return panel("Log", h("div", { class: "log short plain-log", tabindex: "0", role: "region", "aria-label": "Log" }, report.log.map((line) => h("div", {}, line))), { flush: true });
}

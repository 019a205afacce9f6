// Charts of the Lab over time: a run's price with entries and exits, its equity and drawdown, and several runs together.

import { h, fill } from "./dom.js";
import { loadCharts } from "./vendor.js";
import { colour, faint, options, plainLine, plainLines, credit, plainNote } from "./charts.js";

const seconds = (milliseconds) => Math.floor(milliseconds / 1000);

/** Points that the library takes: ascending, one for each second. */
function points(times, values, make = (value) => ({ value })) {
    const rows = [];
    for (let index = 0; index < times.length; index += 1) {
        const time = seconds(times[index]);
        if (rows.length && rows[rows.length - 1].time === time) rows.pop();
        rows.push({ time, ...make(values[index], index) });
    }
    return rows;
}

/**
 * A curve's values on a grid of equal steps, so that charts that stand below each other have one axis: at each step the last
 * value until its end, or with `lowest` the lowest within it. Steps before the curve's beginning are left out.
 */
function onGrid(grid, step, times, values, lowest = false) {
    const kept = { times: [], values: [] };
    let place = 0;
    let last = null;
    for (const start of grid) {
        let low = null;
        while (place < times.length && times[place] <= start + step) {
            last = values[place];
            low = low === null ? last : Math.min(low, last);
            place += 1;
        }
        if (last === null) continue;
        kept.times.push(start);
        kept.values.push(lowest && low !== null ? low : last);
    }
    return kept;
}

/** A grid over a span with so many steps as can be told apart. */
function gridOver(first, last, steps = 1500) {
    const step = Math.max(60000, Math.ceil((last - first) / steps / 60000) * 60000);
    return { step, times: Array.from({ length: Math.max(1, Math.ceil((last - first) / step)) }, (_, index) => first + index * step) };
}

const places = (values) => {
    const largest = Math.max(...values.map(Math.abs), 1e-9);
    return largest >= 1000 ? 2 : largest >= 1 ? 4 : 8;
};

const priceFormat = (digits) => ({ type: "price", precision: digits, minMove: 1 / 10 ** digits });

const utcTime = (time) => new Date(time * 1000).toISOString().slice(0, 16).replace("T", " ");

function utcTick(time, kind) {
    const at = new Date(time * 1000);
    const month = at.toLocaleString("en", { month: "short", timeZone: "UTC" });
    if (kind === 0) return String(at.getUTCFullYear());
    if (kind === 1) return month;
    if (kind === 2) return `${at.getUTCDate()} ${month}`;
    return at.toISOString().slice(11, 16);
}

/**
 * Charts one below the other that share their time. Each of `parts` is
 * `{ label, className, values, empty, add(chart, library) }`, where `add` makes its series and returns a function that
 * paints them. For the plain view `curves` has the values of several lines, and `plainLabel` says what is to be seen there.
 */
function together(parts, note) {
    const places = parts.map((one) => h("div", { class: `chart ${one.className ?? ""}` }, one.values.length === 0 ? h("div", { class: "chart-empty" }, one.empty) : null));
    const foot = h("div", { class: "credit" }, note, h("span", { class: "made-by" }));
    const figures = parts.map((one, index) => h("figure", { role: "img", "aria-label": one.label }, parts.length > 1 ? h("figcaption", { class: "chart-title" }, one.label) : null, places[index]));
    const element = h("div", { class: "charts" }, figures, foot);
    const made = [];
    const paints = [];
    let disposed = false;

    const paint = () => {
        for (const one of made) one.applyOptions({ ...options(), localization: { timeFormatter: utcTime } });
        for (const one of made) one.timeScale().applyOptions({ tickMarkFormatter: utcTick, minBarSpacing: 0.02 });
        // As wide as one another, so that times stand below each other.
        for (const one of made) one.priceScale("right").applyOptions({ minimumWidth: 78 });
        for (const work of paints) work();
    };
    const ready = loadCharts().then((library) => {
        fill(foot.lastElementChild, library ? credit() : plainNote());
        if (disposed) return;
        parts.forEach((one, index) => {
            if (one.values.length === 0) return;
            if (!library) {
                fill(places[index], one.curves ? plainLines(one.curves, runColours) : plainLine(one.values));
                if (one.plainLabel) fill(figures[index].querySelector("figcaption"), one.plainLabel);
                return;
            }
            const chart = library.createChart(places[index], options());
            made.push(chart);
            paints.push(one.add(chart, library));
        });
        paint();
        for (const one of made) one.timeScale().fitContent();
        share();
    });

    /** What is moved or made larger in one is in all. Only the one under the pointer leads: each tells of changes late. */
    function share() {
        let leader = null;
        for (const one of made) {
            for (const kind of ["pointerenter", "pointerdown"]) one.chartElement().addEventListener(kind, () => { leader = one; });
            one.timeScale().subscribeVisibleTimeRangeChange((range) => {
                if (one !== leader || disposed || range === null) return;
                for (const other of made) if (other !== one) other.timeScale().setVisibleRange(range);
            });
        }
    }

    window.addEventListener("themechange", paint);
    const system = matchMedia("(prefers-color-scheme: dark)");
    system.addEventListener("change", paint);
    return {
        element, ready,
        dispose() {
            disposed = true;
            window.removeEventListener("themechange", paint);
            system.removeEventListener("change", paint);
            for (const one of made.splice(0)) one.remove();
        },
    };
}

/** Where trades were entered and left, on the bars that were open then. */
function markers(trades, times) {
    const bar = (time) => {
        let [low, high] = [0, times.length - 1];
        while (low < high) {
            const middle = Math.ceil((low + high) / 2);
            if (times[middle] <= time) low = middle;
            else high = middle - 1;
        }
        return seconds(times[low]);
    };
    const size = trades.length <= 60 ? 1 : 0.4;
    const mark = (time, buy, text) => ({ time: bar(time), size, position: buy ? "belowBar" : "aboveBar", shape: buy ? "arrowUp" : "arrowDown", buy, text });
    const few = trades.length <= 20;
    return trades.flatMap((one) => {
        const long = one.side === "long";
        return [mark(one.entry_time, long, few ? `in ${one.quantity}` : ""), mark(one.exit_time, !long, few ? "out" : "")];
    }).sort((a, b) => a.time - b.time);
}

/** A run's three charts. */
export function runCharts(report) {
    const { equity: told, price } = report;
    const grid = price ? { step: price.bar, times: price.times } : gridOver(told.times[0], told.times[told.times.length - 1]);
    const equity = onGrid(grid.times, grid.step, told.times, told.values);
    equity.drawdowns = onGrid(grid.times, grid.step, told.times, told.drawdowns, true).values;
    const symbol = price?.series.symbol;
    const trades = (report.trades?.items ?? []).filter((one) => one.symbol === symbol);
    const parts = [{
        label: symbol ? `${symbol} with entries and exits` : "Price", plainLabel: symbol ? `${symbol}, closes` : null, values: price?.close ?? [], empty: "The prices of this run are no longer stored.",
        add(chart) {
            const digits = places(price.close);
            const series = chart.addCandlestickSeries({ borderVisible: false, priceFormat: priceFormat(digits) });
            series.setData(points(price.times, price.close, (close, index) => ({ open: price.open[index], high: price.high[index], low: price.low[index], close })));
            const marks = markers(trades, price.times);
            return () => {
                const [up, down] = [colour("--up"), colour("--down")];
                series.applyOptions({ upColor: up, downColor: down, wickUpColor: up, wickDownColor: down });
                series.setMarkers(marks.map(({ buy, ...one }) => ({ ...one, color: buy ? up : down })));
            };
        },
    }, {
        label: "Equity", className: "middle", values: equity.values, empty: "Nothing was recorded.",
        add(chart) {
            const series = chart.addAreaSeries({ lineWidth: 2, priceFormat: priceFormat(2) });
            series.setData(points(equity.times, equity.values));
            return () => {
                const accent = colour("--accent");
                series.applyOptions({ lineColor: accent, topColor: faint(accent, 0.28), bottomColor: faint(accent, 0.02) });
            };
        },
    }, {
        label: "Drawdown", className: "low", values: equity.drawdowns, empty: "Nothing was recorded.",
        add(chart) {
            const series = chart.addAreaSeries({ lineWidth: 1, invertFilledArea: true, priceFormat: { type: "custom", minMove: 0.0001, formatter: (value) => (value * 100).toFixed(1) + " %" } });
            series.setData(points(equity.times, equity.drawdowns));
            return () => {
                const down = colour("--down");
                series.applyOptions({ lineColor: down, topColor: faint(down, 0.25), bottomColor: faint(down, 0.25) });
            };
        },
    }];
    const legend = h("span", { class: "legend" }, h("span", { class: "up" }, "▲ bought"), h("span", { class: "down" }, "▼ sold"),
        report.trades.total > report.trades.items.length ? h("span", {}, `the first ${report.trades.items.length} of ${report.trades.total} trades`) : null, h("span", {}, "times in UTC"));
    return together(parts, legend);
}

/** The colours of runs that are drawn together, by their order. */
export const runColours = ["--accent", "--run-2", "--run-3", "--run-4", "--up", "--down", "--muted", "--text"];

/** The growth of several runs in one chart. */
export function growthChart(runs) {
    const ends = runs.flatMap((one) => [one.growth.times[0], one.growth.times[one.growth.times.length - 1]]);
    const grid = gridOver(Math.min(...ends), Math.max(...ends));
    const curves = runs.map((one) => onGrid(grid.times, grid.step, one.growth.times, one.growth.values));
    return together([{
        label: "Growth of the capital", values: runs.flatMap((one) => one.growth.values), curves: curves.map((one) => [...Array(grid.times.length - one.values.length).fill(null), ...one.values]), empty: "Nothing was recorded.",
        add(chart) {
            const lines = curves.map((curve) => {
                const series = chart.addLineSeries({ lineWidth: 2, priceLineVisible: false, priceFormat: priceFormat(3) });
                series.setData(points(curve.times, curve.values));
                return series;
            });
            return () => lines.forEach((series, index) => series.applyOptions({ color: colour(runColours[index]) }));
        },
    }], h("span", {}, "1 is the capital; times in UTC"));
}

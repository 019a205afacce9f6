// Charts: candles with the strategy's fills, and equity. Without the charts library a plain line is drawn.

import { h, fill } from "./dom.js";
import { plot, format } from "./decimal.js";
import { loadCharts } from "./vendor.js";

export const credit = () => h("a", { href: "https://www.tradingview.com/", target: "_blank", rel: "noopener" }, "Charts by TradingView");
export const plainNote = () => h("span", {}, "Plain view: the charts library is not installed. Run scripts/fetch-assets on the host.");

/** The colour that a custom property has now, as the chart library understands it. */
export function colour(name) {
    const probe = h("span", { css: { color: `var(${name})`, display: "none" } });
    document.body.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
}

export function faint(value, alpha) {
    return value.replace(/^rgb\(([^)]+)\)$/, `rgba($1, ${alpha})`);
}

const two = (number) => String(number).padStart(2, "0");

function localTime(seconds) {
    const date = new Date(seconds * 1000);
    return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

function tick(seconds, kind) {
    const date = new Date(seconds * 1000);
    const month = date.toLocaleString("en", { month: "short" });
    if (kind === 0) return String(date.getFullYear());
    if (kind === 1) return month;
    if (kind === 2) return `${date.getDate()} ${month}`;
    return `${two(date.getHours())}:${two(date.getMinutes())}` + (kind === 4 ? ":" + two(date.getSeconds()) : "");
}

export function options() {
    const [text, line] = [colour("--muted"), colour("--line")];
    return {
        autoSize: true,
        layout: { background: { color: "transparent" }, textColor: text, fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 11 },
        grid: { vertLines: { color: faint(line, 0.6) }, horzLines: { color: faint(line, 0.6) } },
        rightPriceScale: { borderColor: line },
        timeScale: { borderColor: line, timeVisible: true, secondsVisible: false, tickMarkFormatter: tick, rightOffset: 4 },
        localization: { timeFormatter: localTime },
        crosshair: { mode: 0 },
        handleScale: { axisPressedMouseMove: { price: false } },
    };
}

/** How many digits after the point these decimal strings have, at most eight. */
function placesOf(values) {
    return Math.min(8, Math.max(0, ...values.map((value) => (String(value ?? "").split(".")[1] ?? "").replace(/0+$/, "").length)));
}

function priceFormat(places) {
    return { type: "price", precision: places, minMove: 1 / 10 ** places };
}

/** Rows that the library takes: ascending, one per time, all numbers. */
function orderly(rows) {
    const byTime = new Map();
    for (const row of rows) if (Number.isFinite(row.time)) byTime.set(row.time, row);
    return [...byTime.values()].sort((a, b) => a.time - b.time);
}

/** A smooth-less line through points, scaled to its box. */
export const plainLine = (values, className) => plainLines([values], [], className);

/** Several lines in one box and on one scale, each with one value for the same moments, null where it has none. */
export function plainLines(curves, colours = [], className = "plain") {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("class", className);
    svg.setAttribute("viewBox", "0 0 100 100");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    let [low, high] = [Infinity, -Infinity];
    for (const values of curves) for (const value of values) if (value !== null) [low, high] = [Math.min(low, value), Math.max(high, value)];
    const span = high - low || 1;
    curves.forEach((values, number) => {
        const point = (value, index) => (value === null ? null : `${((index / Math.max(1, values.length - 1)) * 100).toFixed(2)} ${(96 - ((value - low) / span) * 92).toFixed(2)}`);
        const path = document.createElementNS(space, "path");
        path.setAttribute("d", "M" + values.map(point).filter((place) => place !== null).join("L"));
        if (colours[number]) path.style.stroke = `var(${colours[number]})`;
        svg.append(path);
    });
    return svg;
}

/**
 * A chart in two kinds: "price" takes candles, fills and an average price; "equity" takes points.
 *
 * `{ element, setCandles, setFills, setAverage, setEquity, dispose }`
 */
export function chart(kind, { emptyText }) {
    const canvas = h("div", { class: kind === "price" ? "chart" : "chart low" });
    const note = h("div", { class: "chart-empty" }, emptyText);
    const foot = h("div", { class: "credit" }, kind === "price" ? h("span", { class: "legend" }, h("span", { class: "up" }, "▲ bought"), h("span", { class: "down" }, "▼ sold")) : h("span", {}, "Realised and open, after fees"), h("span", { class: "made-by" }));
    const element = h("figure", { "aria-label": kind === "price" ? "Price with the strategy's fills" : "Equity over time", role: "img" }, canvas, foot);
    canvas.append(note);
    let library;
    let instance = null;
    let series = null;
    let volume = null;
    let average = null;
    let data = [];
    let volumes = [];
    let fills = [];
    let averagePrice = null;
    let places = 2;
    let fitted = false;
    let disposed = false;
    const drawn = { length: 0, first: null };
    const drawnVolumes = { length: 0, first: null };

    const ready = loadCharts().then((loaded) => {
        library = loaded;
        fill(foot.lastElementChild, loaded ? credit() : plainNote());
        if (!loaded && kind === "price") fill(foot.firstElementChild, "Closes of its candles");
        build();
    });

    function build() {
        if (disposed) return;
        if (!library || data.length === 0) {
            draw();
            return;
        }
        if (!instance) {
            instance = library.createChart(canvas, options());
            if (kind === "price") {
                series = instance.addCandlestickSeries({ borderVisible: false });
                volume = instance.addHistogramSeries({ priceScaleId: "", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false });
                volume.priceScale().applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
            } else {
                series = instance.addAreaSeries({ lineWidth: 2 });
            }
            paint();
        }
        draw();
    }

    function paint() {
        if (!instance) return;
        instance.applyOptions(options());
        const [up, down, accent] = [colour("--up"), colour("--down"), colour("--accent")];
        if (kind === "price") series.applyOptions({ upColor: up, downColor: down, wickUpColor: up, wickDownColor: down, priceFormat: priceFormat(places) });
        else series.applyOptions({ lineColor: accent, topColor: faint(accent, 0.28), bottomColor: faint(accent, 0.02), priceFormat: priceFormat(2) });
        volume?.applyOptions({ color: faint(colour("--muted"), 0.25) });
        average = null;
        draw();
    }

    function draw() {
        if (disposed) return;
        note.hidden = data.length > 0;
        if (data.length === 0) return;
        if (library === null) {
            const values = data.map((row) => row.close ?? row.value);
            fill(canvas, plainLine(values), h("span", { class: "chart-note top" }, format(Math.max(...values).toFixed(places))), h("span", { class: "chart-note" }, format(Math.min(...values).toFixed(places))));
            return;
        }
        if (!instance) return;
        put(series, data, drawn);
        if (volume) put(volume, volumes, drawnVolumes);
        if (kind === "price") {
            const [up, down] = [colour("--up"), colour("--down")];
            const times = data.map((row) => row.time);
            series.setMarkers(fills.map((one) => ({ ...one, time: barOf(times, one.time) })).filter((one) => one.time !== null).sort((a, b) => a.time - b.time)
                .map((one) => ({ time: one.time, position: one.buy ? "belowBar" : "aboveBar", shape: one.buy ? "arrowUp" : "arrowDown", color: one.buy ? up : down, text: fills.length <= 30 ? one.text : "" })));
            if (average) series.removePriceLine(average);
            average = averagePrice === null ? null : series.createPriceLine({ price: averagePrice, color: colour("--accent"), lineWidth: 1, lineStyle: 2, title: "average" });
        }
        if (!fitted) {
            fitted = true;
            const bars = Math.max(40, Math.round(canvas.clientWidth / 8));
            if (kind === "price" && data.length > bars) instance.timeScale().setVisibleLogicalRange({ from: data.length - bars, to: data.length + 3 });
            else instance.timeScale().fitContent();
        }
    }

    /** Gives a series its rows: the few new ones alone where it can, which keeps the user's view and costs nothing. */
    function put(target, rows, before) {
        const fresh = rows.length - before.length;
        if (before.length > 0 && before.first === rows[0]?.time && fresh >= 0 && fresh <= 5) {
            for (const row of rows.slice(before.length - 1)) target.update(row);
        } else target.setData(rows);
        before.length = rows.length;
        before.first = rows[0]?.time;
    }

    function barOf(times, time) {
        if (times.length === 0 || time < times[0]) return null;
        let [low, high] = [0, times.length - 1];
        while (low < high) {
            const middle = Math.ceil((low + high) / 2);
            if (times[middle] <= time) low = middle;
            else high = middle - 1;
        }
        return times[low];
    }

    window.addEventListener("themechange", paint);
    const system = matchMedia("(prefers-color-scheme: dark)");
    system.addEventListener("change", paint);

    return {
        element, ready,
        setCandles(candles) {
            places = Math.max(2, placesOf(candles.slice(-50).map((one) => one.close)));
            data = orderly(candles.map((one) => ({ time: Math.floor(one.time / 1000), open: plot(one.open), high: plot(one.high), low: plot(one.low), close: plot(one.close) })));
            volumes = orderly(candles.map((one) => ({ time: Math.floor(one.time / 1000), value: plot(one.volume) ?? 0 })));
            build();
        },
        setFills(list) {
            fills = list.map((one) => ({ time: Math.floor(one.time / 1000), buy: String(one.side).toUpperCase() === "BUY", text: String(one.quantity) }));
            draw();
        },
        setAverage(value) {
            averagePrice = value === null || value === undefined ? null : plot(value);
            draw();
        },
        setEquity(points) {
            data = orderly(points.map((one) => ({ time: Math.floor(one.time / 1000), value: plot(one.equity) })).filter((one) => one.value !== null));
            build();
        },
        dispose() {
            window.removeEventListener("themechange", paint);
            system.removeEventListener("change", paint);
            // Answers that are still under way may come later; they must not reach the library any more.
            disposed = true;
            instance?.remove();
            instance = null;
        },
    };
}

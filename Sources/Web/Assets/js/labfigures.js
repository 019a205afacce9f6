// Figures of the Lab as they are shown: metrics in their units, tables of months, bars.

import { h } from "./dom.js";
import { format } from "./decimal.js";

/** A number with so many digits behind the point, grouped, with a real minus sign. */
export function fixed(value, places, options = {}) {
    if (value === null || value === undefined || !Number.isFinite(value)) return "–";
    if (Math.abs(value) >= 1e15) return value.toExponential(3);
    return format(value.toFixed(places), { places, ...options });
}

/** 0.1234 → `12.34 %`. */
export function part(value, options = {}) {
    return value === null || value === undefined ? "–" : fixed(value * 100, options.places ?? 2, { sign: options.sign }) + " %";
}

/** Money of statistics: two places, or more when it is small. */
export function sumText(value, options = {}) {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    return fixed(value, size === 0 || size >= 1 ? 2 : size >= 0.01 ? 4 : 8, options);
}

/** A metric's value in its unit. */
export function metricText(value, unit) {
    if (value === null || value === undefined) return "–";
    if (unit === "money") return sumText(value);
    if (unit === "part") return part(value);
    if (unit === "count") return fixed(value, 0);
    if (unit === "days") return fixed(value, 1) + " d";
    if (unit === "hours") return value < 48 ? fixed(value, 1) + " h" : fixed(value / 24, 1) + " d";
    return fixed(value, 3);
}

/** A part of costs, given as a decimal: `0.0005` as `0.05 %`, with every digit that it has. */
const percent = (text) => {
    const number = Number(text) * 100;
    return `${Number(number.toPrecision(12))} %`;
};

/** Both fees; one figure where they are the same. */
export function feeText(costs) {
    const [maker, taker] = [percent(costs.maker_fee), percent(costs.taker_fee)];
    return maker === taker ? taker : `maker ${maker}, taker ${taker}`;
}

const impactCurves = { linear: "share of volume", square_root: "√(share of volume)", quadratic: "(share of volume)²" };

/** Each model of slippage that is on, with its parameters; they add up. */
export function slippageText(costs) {
    const models = [];
    if (Number(costs.slippage) > 0) models.push(`${percent(costs.slippage)} of the price`);
    if (costs.half_spread_ticks > 0) models.push(`half spread ${costs.half_spread_ticks} ${costs.half_spread_ticks === 1 ? "tick" : "ticks"}`);
    if (Number(costs.impact ?? 0) > 0) models.push(`impact ${percent(costs.impact)} × ${impactCurves[costs.impact_curve] ?? costs.impact_curve}`);
    return models.join(" + ") || "none";
}

/** A text that says by its colour which way its number goes; the sign says it too. */
export function toned(text, value) {
    return h("span", { class: "num " + (value > 0 ? "up" : value < 0 ? "down" : "flat") }, text);
}

const two = (number) => String(number).padStart(2, "0");

/** `2024-07-04 12:30`, UTC: what a backtest tells is in the market's time. */
export function utc(milliseconds, { date = false } = {}) {
    if (!Number.isFinite(milliseconds)) return "–";
    const at = new Date(milliseconds);
    const day = `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`;
    return date ? day : `${day} ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Years down, months across; the deeper a colour, the larger the return. */
export function monthTable(list, years) {
    const byYear = new Map();
    for (const one of list) {
        if (!byYear.has(one.year)) byYear.set(one.year, new Map());
        byYear.get(one.year).set(one.month, one.return);
    }
    const largest = Math.max(...list.map((one) => Math.abs(one.return ?? 0)), 1e-12);
    const cell = (value) => h("td", {
        class: "right " + (value > 0 ? "gain" : value < 0 ? "loss" : ""),
        css: value === undefined || value === null ? {} : { "--strength": `${Math.round(8 + (42 * Math.abs(value)) / largest)}%` },
    }, value === undefined ? "" : fixed(value * 100, 1));
    return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Returns by month, in percent" }, h("table", { class: "data months" },
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "%"), months.map((name) => h("th", { scope: "col", class: "right" }, name)), h("th", { scope: "col", class: "right" }, "Year"))),
        h("tbody", {}, years.map((one) => h("tr", {}, h("th", { scope: "row" }, String(one.year)), months.map((_, index) => cell(byYear.get(one.year)?.get(index + 1))),
            h("td", { class: "right" }, toned(fixed(one.return * 100, 1), one.return)))))));
}

/** Bars of equal width, each with its bounds and count for a pointer that rests on it. */
export function bars(histogram, label) {
    const space = "http://www.w3.org/2000/svg";
    const make = (name, attributes, ...children) => {
        const element = document.createElementNS(space, name);
        for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
        element.append(...children);
        return element;
    };
    const tallest = Math.max(1, ...histogram.counts);
    const each = 1000 / histogram.counts.length;
    const marks = histogram.counts.map((count, index) => {
        const low = histogram.lowest + histogram.width * index;
        const tall = (count / tallest) * 150;
        return make("rect", { class: low + histogram.width / 2 > 0 ? "gain" : "loss", x: index * each + 1, y: 152 - tall, width: Math.max(1, each - 2), height: tall },
            make("title", {}, `${part(low)} to ${part(low + histogram.width)}: ${count}`));
    });
    const svg = make("svg", { viewBox: "0 0 1000 154", preserveAspectRatio: "none", class: "bars", role: "img", "aria-label": label }, ...marks);
    const last = histogram.lowest + histogram.width * histogram.counts.length;
    return h("div", { class: "bars-box" }, svg, h("div", { class: "bars-scale" }, h("span", {}, part(histogram.lowest)), h("span", {}, part(last))));
}

/** A table of facts: `heads` names the columns, the first is text, the others are numbers. */
export function plainTable(label, heads, rows) {
    return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, h("table", { class: "data beside" },
        h("thead", {}, h("tr", {}, heads.map((head, index) => h("th", { scope: "col", class: index ? "right" : "" }, head)))),
        h("tbody", {}, rows.map((row) => h("tr", {}, row.map((value, index) => h("td", { class: index ? "right num" : "" }, value)))))));
}

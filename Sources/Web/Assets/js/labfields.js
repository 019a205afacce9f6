// Fields that the Lab's forms share: which candles, from when to when, and what a search may try of a parameter.

import { h, fill } from "./dom.js";
import { callout, field } from "./ui.js";
import { units, fromUnits } from "./decimal.js";

const DAY = 86400000;
const key = (one) => `${one.venue}|${one.symbol}|${one.resolution}`;
const dayText = (time) => new Date(time).toISOString().slice(0, 10);

/** A day of UTC as milliseconds; null when it is left empty. */
export function dayField(name, label, more = {}) {
    const item = field({ name, label, ...more });
    item.input.type = "date";
    const read = item.read;
    item.read = () => {
        const text = read();
        if (text === null) return null;
        const time = Date.parse(text + "T00:00:00Z");
        if (Number.isNaN(time)) throw new RangeError("Choose a day.");
        return time;
    };
    return item;
}

/** What is shown where there is nothing to try a strategy on. */
export function noCandles() {
    return callout("warn", "There are no candles yet", h("p", {}, "Download or import some first."),
        h("div", { class: "actions" }, h("a", { class: "button", href: "#/data", onclick: (event) => event.target.closest("dialog")?.close() }, "Market data")));
}

/**
 * Which stored series, and the days of it. `suit(algorithm)` chooses the series that a strategy names; `members(values)`
 * gives the members of a request.
 */
export function candleFields(stored) {
    const series = field({
        name: "series", label: "Candles", kind: "select", hint: " ",
        options: stored.map((one) => ({ value: key(one), label: `${one.venue} ${one.symbol} ${one.resolution} · ${one.candles.toLocaleString("en")} candles` })),
    });
    const start = dayField("start", "From (UTC)");
    const end = dayField("end", "Before (UTC)");
    const showSpan = () => {
        const one = stored.find((item) => key(item) === series.input.value);
        series.element.querySelector(".hint").textContent = one ? `From ${dayText(one.first)} to ${dayText(one.last)}${one.absent ? `, ${one.absent.toLocaleString("en")} candles absent` : ", without gaps"}.` : "";
        for (const item of [start, end]) {
            item.input.min = one ? dayText(one.first) : "";
            item.input.max = one ? dayText(one.last + DAY) : "";
        }
    };
    series.input.addEventListener("change", showSpan);
    return {
        fields: [series, start, end],
        suit(algorithm) {
            const usual = stored.find((one) => one.symbol === algorithm.symbol && one.resolution === algorithm.resolution) ?? stored.find((one) => one.symbol === algorithm.symbol) ?? stored[0];
            series.input.value = key(usual);
            showSpan();
        },
        members(values) {
            const [venue, symbol, resolution] = values.series.split("|");
            const members = { series: [{ venue, symbol, resolution }] };
            for (const name of ["start", "end"]) if (values[name] !== null) members[name] = values[name];
            return members;
        },
    };
}

// MARK: - What a search tries

/** So many values of a parameter are tried unless somebody says otherwise: seven times seven are soon done. */
const USUAL_VALUES = 7;

/** A step that makes about seven values, as a decimal text; a multiple of the author's own. */
function usualStep({ type, min, max, step }) {
    const [low, high] = [units(min), units(max)];
    const least = units(step ?? (type === "int" ? "1" : null)) ?? 0n;
    if (low === null || high === null || high <= low) return "1";
    const wanted = (high - low) / BigInt(USUAL_VALUES - 1);
    if (least > 0n) return fromUnits(((wanted + least - 1n) / least || 1n) * least);
    // Three digits are enough for a first look.
    const digits = 10n ** BigInt(Math.max(0, wanted.toString().length - 3));
    return fromUnits((wanted / digits) * digits || 1n);
}

/** How many values lie from `min` to `max`; null where one of them is no number. */
function valuesBetween(min, max, step) {
    const [low, high, width] = [units(min), units(max), units(step)];
    if (low === null || high === null || width === null || width <= 0n || high < low) return null;
    return Number((high - low) / width) + 1;
}

/** One parameter of a search: whether it is varied, and over what. */
function rangeRow(parameter, isOn, onchange) {
    const { name, type } = parameter;
    const isRange = type === "int" || type === "decimal";
    const hasRange = parameter.min !== undefined;
    const box = h("input", { type: "checkbox", checked: isOn || null });
    const small = (label, value) => h("input", { type: "text", class: "num", inputmode: "decimal", autocomplete: "off", value: value ?? "", placeholder: label, "aria-label": `${name}, ${label}`, oninput: () => { box.checked = true; onchange(); } });
    const inputs = isRange ? [small("from", parameter.min), small("to", parameter.max), ...(parameter.log ? [] : [small("step", hasRange ? usualStep(parameter) : "")])] : [];
    box.addEventListener("change", onchange);
    const fixed = type === "choice" ? parameter.choices.join(", ") : type === "bool" ? "true and false" : null;
    const number = (input, label) => {
        const text = input.value.trim().replace(/^\u2212/, "-");
        if (units(text) === null || (type === "int" && !/^-?\d+$/.test(text))) throw new RangeError(`${name}: ${label} must be a ${type === "int" ? "whole number" : "number"}.`);
        return text;
    };
    return {
        name,
        get isOn() { return box.checked; },
        element: h("div", { class: "range-row" }, h("label", { class: "range-name" }, box, h("span", {}, name)),
            isRange ? [inputs, parameter.log ? h("span", { class: "muted" }, "ten values, closer together where small") : null] : h("span", { class: "muted" }, fixed)),
        count() {
            if (type === "choice") return parameter.choices.length;
            if (type === "bool") return 2;
            return parameter.log ? 10 : valuesBetween(inputs[0].value.trim(), inputs[1].value.trim(), inputs[2].value.trim());
        },
        read() {
            if (type === "bool") return { type };
            if (type === "choice") return { type, choices: parameter.choices };
            const range = { type, min: number(inputs[0], "from"), max: number(inputs[1], "to") };
            if (parameter.log) range.log = true;
            else range.step = number(inputs[2], "step");
            if (type === "decimal" && typeof parameter.default === "string") range.text = true;
            return range;
        },
    };
}

/**
 * A field for the space of a search: `read` gives `{"fast": {"type": "int", "min": "5", …}}`. `suit(algorithm)` shows the
 * parameters of a strategy; `onchange(points)` tells how many points a grid has, null where that cannot be said.
 */
export function spaceField(onchange) {
    const list = h("div", { class: "range-rows" });
    const error = h("span", { class: "field-error", "aria-live": "polite" });
    const element = h("fieldset", { class: "field-group full" }, h("legend", {}, "Parameters to vary"), list, error);
    let rows = [];
    const tell = () => {
        const counts = rows.filter((row) => row.isOn).map((row) => row.count());
        onchange(counts.length === 0 || counts.includes(null) ? null : counts.reduce((product, count) => product * count, 1));
    };
    return {
        name: "space", element, input: list,
        suit(algorithm) {
            const able = algorithm.parameters.filter((one) => ["int", "decimal", "bool", "choice"].includes(one.type));
            // Those with a range come first, and two of them make a map.
            const ranged = able.filter((one) => one.min !== undefined);
            rows = [...ranged, ...able.filter((one) => one.min === undefined)].map((one) => rangeRow(one, ranged.slice(0, 2).includes(one), tell));
            fill(list, rows.length ? [h("div", { class: "range-row range-head", "aria-hidden": "true" }, ["", "From", "To", "Step"].map((text) => h("span", {}, text))), rows.map((row) => row.element)] : h("p", { class: "muted" }, "This strategy has no parameters that could be varied."));
            tell();
        },
        read() {
            const chosen = rows.filter((row) => row.isOn);
            if (element.hidden) return null;
            if (chosen.length === 0) throw new RangeError("Choose at least one parameter.");
            return Object.fromEntries(chosen.map((row) => [row.name, row.read()]));
        },
        clear() { error.textContent = ""; },
        fail(message) { error.textContent = message; },
    };
}

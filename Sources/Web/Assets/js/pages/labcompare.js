// Runs of the Lab side by side.

import { h, fill, icon } from "../dom.js";
import { get, items } from "../api.js";
import { button, callout, empty, loading, panel } from "../ui.js";
import { growthChart, runColours } from "../labcharts.js";
import { feeText, fixed, metricText, plainTable, slippageText, utc } from "../labfigures.js";

const MOST = 8;

/** Opens `#/lab/compare/A,B,…`: the ids are the last part of the address. */
export async function open(context) {
    const text = context.parts[context.parts.length - 1] ?? "";
    const chosen = text === "compare" ? [] : [...new Set(text.split(",").filter(Boolean))].slice(0, MOST);
    const head = h("div", { class: "page-head" }, h("a", { class: "button bare", href: "#/lab", title: "All backtests", "aria-label": "All backtests" }, icon("back")),
        h("h1", {}, "Comparison"), h("div", { class: "grow" }),
        chosen.length >= 2 ? h("a", { class: "button", href: `/lab/compare.html?ids=${chosen.map(encodeURIComponent).join(",")}`, download: "bullpen-comparison.html" }, icon("download"), "Report") : null,
        h("p", { class: "lead" }, "Runs side by side: what each earned and risked, how alike they were, and whether one is better by more than chance."));
    const body = h("div", { class: "stack" });
    fill(context.place, head, body);
    let chart = null;
    context.dispose(() => chart?.dispose());
    await loading(body, async () => {
        const [runs, answer] = await Promise.all([
            get("/lab/backtests?state=completed&limit=100", { signal: context.signal }),
            chosen.length >= 2 ? get("/lab/compare?ids=" + chosen.map(encodeURIComponent).join(","), { signal: context.signal }) : null,
        ]);
        const picker = pickerPanel(items(runs), chosen);
        if (!answer) return [picker];
        chart?.dispose();
        chart = growthChart(answer.runs);
        const names = answer.runs.map((run, index) => h("a", { class: "run-name", href: "#/lab/" + encodeURIComponent(run.id) },
            h("i", { class: "swatch", css: { background: `var(${runColours[index]})` } }), `${run.title || run.job.strategy} (${run.id})`));
        return [panel("Growth of the capital", chart.element, { flush: true }), figures(answer, names), chance(answer), settings(answer), picker];
    }, 8);
}

function figures(answer, names) {
    const rows = answer.metrics.filter((one) => one.values.some((value) => value !== null)).map((one) => [
        h("span", { title: one.meaning }, one.title),
        ...one.values.map((value) => (value !== null && value === one.best ? h("strong", { title: "the best of them" }, metricText(value, one.unit)) : metricText(value, one.unit)))]);
    return panel("Figures", plainTable("Figures of the runs", ["", ...names.map((name) => name.cloneNode(true))], rows), { flush: true });
}

function chance(answer) {
    const titles = new Map(answer.runs.map((run) => [run.id, `${run.title || run.job.strategy} (${run.id})`]));
    return panel("Likeness and chance", [
        plainTable("Pairs of runs", ["Pair", "Correlation", "Sharpe, second less first", "95 % of draws", "p"], answer.pairs.map((pair) => [
            `${titles.get(pair.first)} and ${titles.get(pair.second)}`, metricText(pair.correlation, "ratio"),
            fixed(pair.bootstrap?.difference, 4, { sign: true }), pair.bootstrap ? `${fixed(pair.bootstrap.low, 4)} to ${fixed(pair.bootstrap.high, 4)}` : "–", fixed(pair.bootstrap?.probability, 3)])),
        plainTable("Runs and holding their instrument", ["Beside holding", "Correlation", "Beta", "Return of holding"], (answer.holdings ?? []).map((one) => [
            `${titles.get(one.run)} and ${one.symbol ?? "its instrument"}`, metricText(one.correlation, "ratio"), metricText(one.beta, "ratio"), metricText(one.return, "part")])),
        h("div", { class: "notes" }, answer.pairs.map((pair) => h("p", { class: "hint" }, `${titles.get(pair.first)} and ${titles.get(pair.second)}: ${pair.verdict}`))),
    ], { flush: true });
}

function settings(answer) {
    const names = [...new Set(answer.runs.flatMap((run) => Object.keys(run.job.parameters ?? {})))];
    const text = (value) => (value === undefined || value === null ? "–" : typeof value === "object" ? JSON.stringify(value) : String(value));
    const words = (told) => h("span", { class: "words" }, told);
    return panel("What was run", plainTable("Settings of the runs", ["", ...answer.runs.map((run) => run.id)], [
        ["Strategy", ...answer.runs.map((run) => run.job.strategy)], ["Version", ...answer.runs.map((run) => h("code", { title: run.job.version }, run.job.version.slice(0, 12)))],
        ["Series", ...answer.runs.map((run) => run.job.series.map((one) => `${one.symbol} ${one.resolution}`).join(", "))],
        ["From", ...answer.runs.map((run) => utc(run.job.start, { date: true }))], ["To", ...answer.runs.map((run) => utc(run.job.end, { date: true }))],
        ...names.map((name) => [name, ...answer.runs.map((run) => text(run.job.parameters?.[name]))]),
        ["Fees", ...answer.runs.map((run) => words(feeText(run.job.costs)))], ["Slippage", ...answer.runs.map((run) => words(slippageText(run.job.costs)))],
    ]), { flush: true });
}

function pickerPanel(runs, chosen) {
    if (runs.length < 2) return h("section", { class: "panel" }, empty("Too few runs", "At least two backtests must have come to their end.", h("a", { class: "button", href: "#/lab" }, "See the backtests")));
    const boxes = runs.map((run) => {
        const box = h("input", { type: "checkbox", value: run.id, checked: chosen.includes(run.id) || null });
        return { box, element: h("label", { class: "pick" }, box, h("span", {}, `${run.id} · ${run.title || run.job.strategy}`), h("small", {}, run.job.series.map((one) => `${one.symbol} ${one.resolution}`).join(", "), " · ", utc(run.job.start, { date: true }))) };
    });
    const hint = h("p", { class: "hint", role: "status" }, `Choose two to ${MOST}.`);
    const go = button("Compare", {
        tone: "primary", onclick: () => {
            const ids = boxes.filter(({ box }) => box.checked).map(({ box }) => box.value);
            if (ids.length < 2 || ids.length > MOST) {
                hint.textContent = `Choose two to ${MOST}; ${ids.length} are chosen.`;
                return;
            }
            location.hash = "#/lab/compare/" + ids.map(encodeURIComponent).join(",");
        },
    });
    return panel("Runs to compare", [chosen.length === 1 ? callout("info", "Choose at least one more run.") : null, h("div", { class: "picks" }, boxes.map(({ element }) => element)), h("div", { class: "actions" }, go), hint]);
}


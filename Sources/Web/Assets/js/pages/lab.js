// The Lab: strategies to try out, the form for a backtest, and the runs with their progress.

import { h, fill, icon } from "../dom.js";
import { get, post, put, remove, items, follow } from "../api.js";
import { badge, button, choices, dataTable, dialog, empty, fault, field, form, notice, searchBox, confirm, skeleton, failureBox } from "../ui.js";
import { candleFields, noCandles } from "../labfields.js";
import { RawNumber } from "../decimal.js";
import { ago, count, humanise } from "../words.js";
import { isOperator, store } from "../store.js";

const statusTones = { lab: "idle", deployable: "busy", deployed: "good" };
const runTones = { queued: "idle", running: "busy", completed: "good", cancelled: "idle", failed: "bad", interrupted: "warn" };
const underWay = (run) => run.state === "queued" || run.state === "running";
const path = (algorithm, rest = "") => `/lab/algorithms/${encodeURIComponent(algorithm.id)}${rest}`;

/** A run's state as a badge. */
export const runBadge = (state) => badge(humanise(state ?? "unknown"), runTones[state] ?? "idle");

/** A part of a whole in percent with two places; a dash for what is missing. */
export function share(value) {
    return typeof value === "number" ? `${(value * 100).toFixed(2).replace("-", "−")} %` : "–";
}

const seriesText = (series) => (series ? `${series.venue} ${series.symbol} ${series.resolution}` : "–");

/** A bar for a run that is under way. */
function progressOf(run) {
    const { bars = 0, total = 0 } = run.progress ?? {};
    const part = total > 0 ? Math.min(1, bars / total) : 0;
    return h("div", { class: "run-progress" }, h("div", { class: "progress", role: "progressbar", "aria-label": `Run ${run.id}`, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(part * 100) },
        h("i", { css: { width: `${(part * 100).toFixed(1)}%` } })), h("span", { class: "sub num" }, total > 0 ? `${bars.toLocaleString("en")} of ${total.toLocaleString("en")}` : "waits"));
}

export async function open(context) {
    const { place } = context;
    let algorithms = [];
    let runs = [];
    let words = "";
    let filter = "all";
    const chosen = new Set();
    const names = () => new Map(algorithms.map((one) => [one.id, one.name]));

    // MARK: Strategies

    const strategies = dataTable({
        label: "Strategies", key: (one) => one.id,
        columns: [
            { label: "Strategy", main: true, sort: (one) => one.name.toLowerCase(), render: (one) => [h("a", { class: "name", href: "#/strategies/" + encodeURIComponent(one.id) }, one.name),
                h("span", { class: "sub" }, [one.symbol, one.resolution, isOperator() && one.owner !== store.user.name ? "by " + one.owner : null].filter(Boolean).join(" · "))] },
            { label: "Status", sort: (one) => one.status, render: (one) => badge(humanise(one.status), statusTones[one.status]) },
            { label: "Tags", wide: true, render: (one) => (one.tags.length ? one.tags.map((tag) => [badge(tag), " "]) : h("span", { class: "muted" }, "–")) },
            { label: "Versions", right: true, wide: true, sort: (one) => one.version_count, render: (one) => h("span", { class: "num" }, String(one.version_count)) },
            { label: "Runs", right: true, sort: (one) => one.runs, render: (one) => h("span", { class: "num" }, String(one.runs)) },
            { label: "", render: (one) => h("div", { class: "actions" },
                button("Backtest", { icon: "start", small: true, onclick: () => ask(one) }),
                button("", { icon: "edit", small: true, tone: "bare", title: `Notes and tags of ${one.name}`, onclick: () => edit(one) }),
                one.version_count > 1 ? button("", { icon: "file", small: true, tone: "bare", title: `What changed in ${one.name}`, onclick: () => showDiff(one) }) : null) },
        ],
        empty: () => empty("No strategies yet", "Upload one; then it can be tried out here on stored candles.", h("a", { class: "button primary", href: "#/upload" }, icon("upload"), "Upload a strategy")),
    });

    function edit(algorithm) {
        return dialog(`Notes on ${algorithm.name}`, (close) => {
            const tags = field({ name: "tags", label: "Tags", value: algorithm.tags.join(", "), hint: "Words with commas between, such as trend, btc." });
            const notes = field({ name: "notes", label: "Notes", kind: "area", rows: 8, value: algorithm.notes });
            return form({
                fields: [tags, notes], cancel: () => close(),
                async onsubmit(values) {
                    const list = (values.tags ?? "").split(",").map((one) => one.trim()).filter(Boolean);
                    await put(path(algorithm), { notes: values.notes ?? "", tags: list });
                    close(true);
                    await refresh();
                },
            }).element;
        }, { wide: true });
    }

    function showDiff(algorithm) {
        return dialog(`What changed in ${algorithm.name}`, () => {
            const box = h("div", {}, skeleton(4));
            get(path(algorithm, "/versions/diff"), { signal: context.signal }).then((diff) => {
                fill(box, h("p", { class: "muted" }, `From ${diff.from} to ${diff.to}; ${count(diff.unchanged, "file")} unchanged.`),
                    diff.files.length ? diff.files.map((file) => [h("h3", {}, `${file.path} `, badge(file.change, file.change === "removed" ? "bad" : "busy")),
                        file.text ? h("pre", { class: "diff", tabindex: "0" }, file.text.split("\n").map((line) => h("span", { class: line.startsWith("+") ? "up" : line.startsWith("-") ? "down" : "" }, line + "\n"))) : null,
                        file.note ? h("p", { class: "muted" }, file.note) : null]) : h("p", {}, "Nothing: both are the same."));
            }).catch((error) => fill(box, failureBox(error)));
            return box;
        }, { wide: true });
    }

    // MARK: The form

    function ask(algorithm) {
        return dialog(`Backtest ${algorithm.name}`, (close) => {
            const box = h("div", {}, skeleton(6));
            get("/data/series?limit=1000", { signal: context.signal }).then((list) => {
                fill(box, backtestForm(algorithm, items(list).filter((one) => one.candles > 0), close));
                box.querySelector("select, input")?.focus();
            }).catch((error) => fill(box, failureBox(error)));
            return box;
        }, { wide: true });
    }

    function backtestForm(algorithm, stored, close) {
        if (stored.length === 0) return noCandles();
        const candles = candleFields(stored);
        candles.suit(algorithm);
        const capital = field({ name: "capital", label: "Capital", kind: "decimal", value: "10000", hint: "In quote currency." });
        const fee = within(field({ name: "costs.taker_fee", label: "Fee", kind: "decimal", value: "0.1", unit: "%", hint: "Of the notional, for makers and takers." }), 0, 10, " %");
        const slippage = within(field({ name: "costs.slippage", label: "Slippage", kind: "decimal", value: "0", unit: "%", hint: "By which market and stop orders fill worse." }), 0, 10, " %");
        const makerFee = within(field({ name: "costs.maker_fee", label: "Fee of makers", kind: "decimal", unit: "%", placeholder: "the same", hint: "For what waited in the book." }), 0, 10, " %");
        const spread = within(field({ name: "costs.half_spread_ticks", label: "Half spread", kind: "number", value: "0", unit: "ticks", hint: "Market and stop orders fill worse by it besides." }), 0, 10000, " ticks");
        const impact = within(field({ name: "costs.impact", label: "Impact", kind: "decimal", value: "0", unit: "%", hint: "What taking all of a candle's volume costs besides." }), 0, 50, " %");
        const curve = field({ name: "costs.impact_curve", label: "Impact grows with the share", kind: "select", value: "square_root", options: [{ value: "square_root", label: "As its square root" }, { value: "linear", label: "Linearly" }, { value: "quadratic", label: "As its square" }] });
        const latency = within(field({ name: "costs.latency_ms", label: "Latency", kind: "number", value: "0", unit: "ms", hint: "Of an order on its way to the venue." }), 0, 86400000, " ms");
        const volume = within(field({ name: "costs.volume_share", label: "Fills at most", kind: "decimal", unit: "%", placeholder: "no bound", hint: "Of a candle's volume." }), 0, 100, " %", { above: true });
        const intrabar = field({ name: "costs.intrabar", label: "Stop and target in one candle", kind: "select", value: "pessimistic", options: [{ value: "pessimistic", label: "The worse first" }, { value: "by_direction", label: "By the candle's direction" }, { value: "optimistic", label: "The better first" }] });
        const market = field({ name: "costs.market_fill", label: "Market orders fill", kind: "select", value: "next_open", options: [{ value: "next_open", label: "At the next open" }, { value: "same_close", label: "At the close they answer" }] });
        const funding = within(field({ name: "costs.funding_rate", label: "Funding", kind: "decimal", unit: "%", placeholder: "none", hint: "Of perpetuals; longs pay it, or get it when below 0." }), -10, 10, " %");
        const fundingHours = field({ name: "costs.funding_hours", label: "Funding is paid", kind: "select", value: "8", options: [1, 2, 3, 4, 6, 8, 12, 24].map((hours) => ({ value: String(hours), label: hours === 1 ? "Every hour" : `Every ${hours} hours` })) });
        const mode = field({ name: "mode", label: "Mode", kind: "select", value: "batched", options: [{ value: "batched", label: "Batched: many candles a line, faster" }, { value: "strict", label: "Strict: one candle, one answer" }] });
        const warmUp = field({ name: "warm_up", label: "Candles of history", kind: "number", placeholder: String(algorithm.warm_up) });
        const seed = field({ name: "seed", label: "Seed", kind: "number", value: "1" });
        const title = field({ name: "title", label: "Title", placeholder: "to find it again" });
        const parameters = algorithm.parameters.map(parameterField);
        const costs = [makerFee, spread, impact, curve, volume, latency, intrabar, market, funding, fundingHours];
        const rest = [mode, warmUp, seed, title];
        const group = parameters.length
            ? h("fieldset", { class: "field-group" }, h("legend", {}, "Parameters"), h("div", { class: "two-up" }, parameters.map(({ item }) => item.element)))
            : h("p", { class: "muted full" }, "This strategy has no parameters of its own.");
        const folded = (title, list) => h("details", { class: "more-settings full" }, h("summary", {}, title), h("div", { class: "two-up" }, list.map((item) => item.element)));
        const part = (value) => (value === null ? null : percentPart(value));
        return form({
            fields: [...candles.fields, capital, fee, slippage, group, folded("Costs and fills: spread, impact, latency, funding", costs), folded("More: mode, history, seed", rest)],
            inner: [...parameters.map(({ item }) => item), ...costs, ...rest],
            submit: "Run the backtest", layout: "two", cancel: () => close(),
            async onsubmit(values) {
                const taker = part(values["costs.taker_fee"]) ?? "0";
                const costs = { maker_fee: part(values["costs.maker_fee"]) ?? taker, taker_fee: taker, slippage: part(values["costs.slippage"]) ?? "0", latency_ms: values["costs.latency_ms"] ?? 0, intrabar: values["costs.intrabar"], market_fill: values["costs.market_fill"] };
                if (values["costs.half_spread_ticks"]) costs.half_spread_ticks = values["costs.half_spread_ticks"];
                const most = part(values["costs.impact"]) ?? "0";
                if (Number(most) > 0) Object.assign(costs, { impact: most, impact_curve: values["costs.impact_curve"] });
                if (values["costs.volume_share"] !== null) costs.volume_share = part(values["costs.volume_share"]);
                if (values["costs.funding_rate"] !== null) Object.assign(costs, { funding_rate: part(values["costs.funding_rate"]), funding_hours: Number(values["costs.funding_hours"]) });
                const body = { ...candles.members(values), capital: values.capital ?? "10000", mode: values.mode, seed: values.seed ?? 1, costs };
                for (const name of ["warm_up", "title"]) if (values[name] !== null) body[name] = values[name];
                const own = Object.fromEntries(parameters.map(({ name, item }) => [name, values[item.name]]));
                if (parameters.length) body.parameters = own;
                const run = await post(path(algorithm, "/backtests"), body);
                notice(`Run ${run.id} waits for its turn.`, "good");
                close(true);
                take(run);
            },
        }).element;
    }

    // MARK: Runs

    const table = dataTable({
        label: "Backtests", key: (run) => run.id, link: (run) => "#/lab/" + run.id,
        columns: [
            { label: "", render: (run) => run.result_hash === null ? null : h("input", { type: "checkbox", "aria-label": `Compare run ${run.id}`, checked: chosen.has(run.id) || null, onchange: (event) => { if (event.target.checked) chosen.add(run.id); else chosen.delete(run.id); drawCompare(); } }) },
            { label: "Run", main: true, sort: (run) => Number(run.id), render: (run) => [h("a", { class: "name", href: "#/lab/" + run.id }, `${run.id} · ${names().get(run.job.strategy) ?? run.job.strategy}`), h("span", { class: "sub" }, [run.title, seriesText(run.job.series[0])].filter(Boolean).join(" · "))] },
            { label: "State", full: true, sort: (run) => run.state, render: (run) => [runBadge(run.state), underWay(run) ? progressOf(run) : run.cause ? h("span", { class: "sub", title: run.cause }, run.cause) : null] },
            { label: "Return", right: true, sort: (run) => run.summary?.total_return ?? null, render: (run) => h("span", { class: "num " + (run.summary?.total_return > 0 ? "up" : run.summary?.total_return < 0 ? "down" : "") }, share(run.summary?.total_return)) },
            { label: "Drawdown", right: true, sort: (run) => run.summary?.max_drawdown ?? null, render: (run) => h("span", { class: "num" }, share(run.summary?.max_drawdown)) },
            { label: "Trades", right: true, wide: true, sort: (run) => run.summary?.trades ?? null, render: (run) => h("span", { class: "num" }, run.summary?.trades ?? "–") },
            { label: "Parameters", wide: true, render: (run) => h("span", { class: "muted" }, Object.entries(run.job.parameters ?? {}).slice(0, 4).map(([name, value]) => `${name} ${value}`).join(", ") || "–") },
            { label: "Asked", right: true, wide: true, sort: (run) => run.created_at, render: (run) => h("span", { class: "num muted" }, ago(run.created_at)) },
            { label: "", render: (run) => h("div", { class: "actions" }, underWay(run)
                ? button("", { icon: "close", small: true, tone: "bare", title: `Cancel run ${run.id}`, onclick: async () => take(await remove("/lab/backtests/" + run.id)) })
                : [button("", { icon: "restart", small: true, tone: "bare", title: `Repeat run ${run.id}`, onclick: async () => take(await post(`/lab/backtests/${run.id}/repeat`)) }),
                    button("", { icon: "trash", small: true, tone: "bare", title: `Remove run ${run.id}`, onclick: () => forget(run) })]) },
        ],
        empty: () => runs.length === 0 ? empty("No backtests yet", "Choose a strategy above and press Backtest.") : empty("Nothing matches", "No run is like that.", button("Show all", { onclick: context.reload })),
    });
    const compare = h("div", { class: "compare-place" });

    function drawCompare() {
        for (const id of chosen) if (!runs.some((run) => run.id === id)) chosen.delete(id);
        fill(compare, chosen.size > 1 ? h("a", { class: "button primary small", href: "#/lab/compare/" + [...chosen].join(",") }, `Compare ${chosen.size} runs`) : null);
    }

    async function forget(run) {
        const gone = await confirm(`Remove run ${run.id}?`, h("p", {}, "Its figures, trades and log are removed. It can be run again as long as its strategy is there."), {
            submit: "Remove", tone: "danger", work: () => remove("/lab/backtests/" + run.id),
        });
        if (gone) await refresh();
    }

    /** Puts a run in its place in the list. What is older than what is known, as an answer behind an event, is passed over. */
    function take(run) {
        const index = runs.findIndex((one) => one.id === run.id);
        const stage = (one) => ({ queued: 0, running: 1 })[one.state] ?? 2;
        if (index >= 0 && stage(run) < stage(runs[index])) return;
        if (index >= 0) {
            runs[index] = run;
        } else {
            runs.unshift(run);
            const algorithm = algorithms.find((one) => one.id === run.job.strategy);
            if (algorithm) algorithm.runs += 1;
        }
        draw();
    }

    function draw() {
        strategies.set(algorithms.filter((one) => words === "" || [one.name, one.owner, one.symbol, one.id, ...one.tags].join(" ").toLowerCase().includes(words)));
        table.set(runs.filter((run) => (filter === "all" || (filter === "way" && underWay(run)) || (filter === "done" && run.state === "completed") || (filter === "bad" && ["failed", "cancelled", "interrupted"].includes(run.state)))
            && (words === "" || [run.title, run.job.strategy, names().get(run.job.strategy), seriesText(run.job.series[0])].join(" ").toLowerCase().includes(words))));
        drawCompare();
    }

    async function refresh() {
        const [first, second] = await Promise.all([get("/lab/algorithms?limit=1000", { signal: context.signal }), get("/lab/backtests?limit=200", { signal: context.signal })]);
        algorithms = items(first);
        runs = items(second);
        draw();
    }

    fill(place,
        h("div", { class: "page-head" }, h("h1", {}, "Lab"), h("div", { class: "grow" }), h("a", { class: "button", href: "#/upload" }, icon("upload"), "Upload"),
            h("p", { class: "lead" }, "Try strategies out on stored candles: the same sandbox, the same protocol and the same matching as live.")),
        h("div", { class: "stack" },
            h("section", { class: "panel flush cardy", "aria-label": "Strategies" }, h("header", {}, h("h2", {}, "Strategies"), h("div", { class: "grow" }), searchBox("Find", (text) => { words = text; draw(); })), h("div", { class: "body" }, strategies.element)),
            h("section", { class: "panel flush cardy", "aria-label": "Backtests" }, h("header", {}, h("h2", {}, "Backtests"),
                choices("Which runs", [{ value: "all", label: "All" }, { value: "way", label: "Under way" }, { value: "done", label: "Completed" }, { value: "bad", label: "Others" }], filter, (value) => { filter = value; draw(); }), h("div", { class: "grow" }), compare),
                h("div", { class: "body" }, table.element))));
    try {
        await refresh();
    } catch (error) {
        table.fail(error, context.reload);
        strategies.fail(error, context.reload);
        return;
    }
    const stream = follow("/lab/events", {
        onEvent(type, data) {
            if (type === "run") {
                take(data);
                return;
            }
            const run = runs.find((one) => one.id === data.id);
            if (!run || !underWay(run)) return;
            run.state = "running";
            run.progress = { bars: data.bars, total: data.total };
            draw();
        },
        onOpen(again) { if (again) refresh().catch(fault); },
    });
    context.dispose(() => stream.close());
}

/** Makes a field of numbers refuse what lies outside, in words of its own unit. `above`: the lower end itself too. */
export function within(item, low, high, unit, { above = false } = {}) {
    const read = item.read;
    item.read = () => {
        const value = read();
        if (value === null || (Number(value) <= high && (above ? Number(value) > low : Number(value) >= low))) return value;
        throw new RangeError(above ? `It must be above ${low} and at most ${high}${unit}.` : `It must be from ${low} to ${high}${unit}.`);
    };
    return item;
}

/** `0.1` percent as the part `0.001`, by moving the point. */
export function percentPart(text) {
    const negative = text.startsWith("-");
    const [whole, fraction = ""] = text.replace("-", "").split(".");
    const digits = whole.padStart(3, "0");
    const moved = `${digits.slice(0, -2)}.${digits.slice(-2)}${fraction}`.replace(/^0+(?=\d)/, "").replace(/\.?0+$/, "");
    return (negative ? "-" : "") + (moved === "" ? "0" : moved);
}

/** A field for a parameter by its type and range. */
export function parameterField(parameter) {
    const { name, type, about, min, max } = parameter;
    const usual = parameter.default;
    const range = min !== undefined ? `${min} to ${max}` : "";
    const hint = [about, range, typeof usual === "object" ? null : `usually ${usual}`].filter(Boolean).join(" · ");
    const common = { name: "parameters." + name, label: humanise(name), hint };
    if (type === "bool") return { name, item: field({ ...common, kind: "checkbox", value: usual }) };
    if (type === "choice") {
        const item = field({ ...common, kind: "select", value: usual, options: parameter.choices.map((value) => ({ value, label: String(value) })) });
        item.read = () => parameter.choices[item.input.selectedIndex];
        return { name, item };
    }
    if (type === "int" || type === "decimal") {
        const item = field({ ...common, kind: type === "int" ? "number" : "decimal", value: String(usual) });
        const read = item.read;
        item.read = () => {
            const value = read() ?? usual;
            if (min !== undefined && (Number(value) < Number(min) || Number(value) > Number(max))) throw new RangeError(`It must be from ${min} to ${max}.`);
            // A parameter keeps the kind that strategy.json gives it.
            return typeof usual === "string" ? String(value) : new RawNumber(String(value));
        };
        return { name, item };
    }
    if (type === "text") return { name, item: field({ ...common, value: usual }) };
    const item = field({ ...common, kind: "area", rows: 2, mono: true, value: JSON.stringify(usual), hint: "JSON" });
    const read = item.read;
    item.read = () => {
        try {
            return JSON.parse(read() ?? "null");
        } catch (error) {
            throw new RangeError("This is not JSON: " + error.message);
        }
    };
    return { name, item };
}

// Searches over parameters, walks forward, and checks: the list, the form that begins one, and one with its heat map.

import { h, fill, icon } from "../dom.js";
import { get, post, remove, items, follow } from "../api.js";
import { badge, button, callout, confirm, dataTable, dialog, empty, facts, failureBox, fault, field, form, moneyText, notice, panel, skeleton } from "../ui.js";
import { candleFields, noCandles, spaceField } from "../labfields.js";
import { percentPart, share, within } from "./lab.js";
import { utc } from "../labfigures.js";
import { plainLine } from "../charts.js";
import { money } from "../decimal.js";
import { ago, count, humanise } from "../words.js";

const kinds = { optimisation: "Search", walkforward: "Walk forward", lookahead: "Look-ahead check", startup: "Start-up check" };
const meanings = {
    optimisation: "Which parameters did best on these candles.", walkforward: "Search on a part, try the best on the next, and go on.",
    lookahead: "Whether it decides by candles it could not have.", startup: "How much history it needs before it may trade.",
};
const tones = { running: "busy", completed: "good", cancelled: "idle", failed: "bad" };
const verdicts = { clean: "good", peeks: "bad", unrepeatable: "bad", inconclusive: "warn" };
const stateBadge = (study) => badge(humanise(study.state), tones[study.state] ?? "idle");
const numberText = (value) => (typeof value === "number" ? value.toLocaleString("en", { maximumSignificantDigits: 6 }).replace("-", "−") : value ?? "–");
const pointText = (point) => Object.entries(point ?? {}).map(([name, value]) => `${name} ${value}`).join(", ") || "–";
const link = (study) => "#/studies/" + study.id;

/** What came of a study, in a few words. */
function short(study) {
    const result = study.result ?? {};
    if (study.cause) return study.cause;
    if (!study.result) return "–";
    if (study.kind === "optimisation") return result.best ? `${numberText(result.best.outcome.score)} at ${pointText(result.best.point)}` : "nothing has a score";
    if (study.kind === "walkforward") return `efficiency ${numberText(result.efficiency)}`;
    if (study.kind === "lookahead") return result.verdict;
    return result.words ?? "–";
}

function progress(study) {
    const part = study.total > 0 ? Math.min(1, study.done / study.total) : 0;
    return h("div", { class: "run-progress" }, h("div", { class: "progress", role: "progressbar", "aria-label": `${kinds[study.kind]} ${study.id}`, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(part * 100) },
        h("i", { css: { width: `${(part * 100).toFixed(1)}%` } })), h("span", { class: "sub num" }, `${study.done.toLocaleString("en")} of ${study.total.toLocaleString("en")} runs`));
}

export async function open(context) {
    return context.parts.length > 0 ? openOne(context, context.parts[0]) : openList(context);
}

// MARK: - The list

async function openList(context) {
    let studies = [];
    const table = dataTable({
        label: "Studies", key: (study) => study.id, link,
        columns: [
            { label: "Study", main: true, sort: (study) => Number(study.id), render: (study) => [h("a", { class: "name", href: link(study) }, `${study.id} · ${kinds[study.kind]}`), h("span", { class: "sub" }, [study.title, study.job.strategy].filter(Boolean).join(" · "))] },
            { label: "State", full: true, sort: (study) => study.state, render: (study) => [stateBadge(study), study.state === "running" ? progress(study) : null] },
            { label: "Result", grow: true, render: (study) => h("span", {}, short(study)) },
            { label: "Begun", right: true, wide: true, sort: (study) => study.created_at, render: (study) => h("span", { class: "num muted" }, ago(study.created_at)) },
            { label: "", render: (study) => h("div", { class: "actions" }, study.state === "running"
                ? button("", { icon: "close", small: true, tone: "bare", title: `Cancel study ${study.id}`, onclick: async () => { await remove("/lab/studies/" + study.id); await refresh(); } })
                : button("", { icon: "trash", small: true, tone: "bare", title: `Remove study ${study.id}`, onclick: () => forget(study) })) },
        ],
        empty: () => empty("No studies yet", "Search for parameters that do best, walk forward with them, or check that a strategy does not look ahead.", button("Begin one", { tone: "primary", onclick: () => ask(context) })),
    });

    async function refresh() {
        studies = items(await get("/lab/studies?limit=200", { signal: context.signal }));
        table.set(studies);
    }

    async function forget(study) {
        const gone = await confirm(`Remove study ${study.id}?`, h("p", {}, "Its points and figures are removed."), { submit: "Remove", tone: "danger", work: () => remove("/lab/studies/" + study.id) });
        if (gone) await refresh();
    }

    fill(context.place,
        h("div", { class: "page-head" }, h("h1", {}, "Studies"), h("div", { class: "grow" }), button("Begin one", { icon: "plus", tone: "primary", onclick: () => ask(context) }),
            h("p", { class: "lead" }, "Many backtests of one strategy: searches over parameters, walks forward, and checks that it decides by nothing it could not know.")),
        panel("All studies", table.element, { flush: true, cardy: true }));
    try {
        await refresh();
    } catch (error) {
        table.fail(error, context.reload);
        return;
    }
    context.every(1500, () => { if (studies.some((study) => study.state === "running")) refresh().catch(fault); });
}

// MARK: - The form

function ask(context) {
    return dialog("Begin a study", (close) => {
        const box = h("div", {}, skeleton(6));
        const { signal } = context;
        Promise.all([get("/lab/algorithms?limit=1000", { signal }), get("/data/series?limit=1000", { signal })]).then(([first, second]) => {
            const algorithms = items(first);
            const stored = items(second).filter((one) => one.candles > 0);
            fill(box, algorithms.length === 0 ? empty("No strategies yet", "Upload one first.", h("a", { class: "button primary", href: "#/upload", onclick: () => close() }, icon("upload"), "Upload a strategy"))
                : stored.length === 0 ? noCandles() : begin(algorithms, stored, close));
        }).catch((error) => fill(box, failureBox(error)));
        return box;
    }, { wide: true });
}

/** Figures of which more is better. */
const objectives = ["sharpe", "total_return", "sortino", "calmar", "omega", "profit_factor", "sqn", "win_rate"];

function begin(algorithms, stored, close) {
    const select = (name, label, options, hint) => field({ name, label, kind: "select", value: options[0].value, options, hint });
    const strategy = select("strategy", "Strategy", algorithms.map((one) => ({ value: one.id, label: one.name })));
    const kind = select("kind", "What to find out", Object.entries(kinds).map(([value, label]) => ({ value, label })), " ");
    const candles = candleFields(stored);
    const method = select("method", "Method", [{ value: "grid", label: "Grid: every combination" }, { value: "random", label: "Random points" }, { value: "optuna", label: "Optuna: learns where to look" }]);
    const points = field({ name: "points", label: "Points", kind: "number", placeholder: "100", hint: "So many are tried." });
    const objective = select("objective", "Look for the best", objectives.map((value) => ({ value, label: humanise(value) })));
    const inside = field({ name: "in_sample", label: "Search on", value: "30d", hint: "As in 30d or 12h." });
    const outside = field({ name: "out_of_sample", label: "Try on", value: "10d", hint: "The part behind it." });
    const fee = within(field({ name: "fee", label: "Fee", kind: "decimal", value: "0.1", unit: "%", hint: "Of the notional, for makers and takers." }), 0, 10, " %");
    const amount = h("p", { class: "hint full", role: "status" });
    const space = spaceField((count) => showAmount(count));
    const search = [objective, method, points];
    const windows = [inside, outside];
    const algorithm = () => algorithms.find((one) => one.id === strategy.input.value);
    const isSearch = () => kind.input.value === "optimisation" || kind.input.value === "walkforward";
    let grid = null;

    function showAmount(count = grid) {
        grid = count;
        const each = kind.input.value === "walkforward" ? " in each window" : "";
        amount.textContent = !isSearch() || method.input.value !== "grid" || grid === null ? "" : `${grid.toLocaleString("en")} backtests${each}.`;
    }
    const show = () => {
        for (const item of [...search, space]) item.element.hidden = !isSearch();
        for (const item of windows) item.element.hidden = kind.input.value !== "walkforward";
        points.element.hidden = !isSearch() || method.input.value === "grid";
        kind.element.querySelector(".hint").textContent = meanings[kind.input.value];
        showAmount();
    };
    const choose = () => {
        candles.suit(algorithm());
        space.suit(algorithm());
        show();
    };
    strategy.input.addEventListener("change", choose);
    kind.input.addEventListener("change", show);
    method.input.addEventListener("change", show);
    choose();
    return form({
        fields: [strategy, kind, ...candles.fields, fee, ...search, ...windows, space, amount],
        submit: "Begin", layout: "two", cancel: () => close(),
        async onsubmit(values) {
            const part = percentPart(values.fee ?? "0");
            const body = { strategy: values.strategy, ...candles.members(values), costs: { maker_fee: part, taker_fee: part } };
            if (isSearch()) {
                Object.assign(body, { method: values.method, objective: values.objective, space: values.space });
                if (values.method !== "grid" && values.points !== null) body.points = values.points;
            } else {
                body.check = values.kind;
            }
            if (values.kind === "walkforward") Object.assign(body, { in_sample: values.in_sample, out_of_sample: values.out_of_sample });
            const path = values.kind === "optimisation" ? "/lab/optimisations" : values.kind === "walkforward" ? "/lab/walkforwards" : "/lab/checks";
            const study = await post(path, body);
            close(true);
            location.hash = link(study);
            notice(`${kinds[study.kind]} ${study.id} is under way.`, "good");
        },
    }).element;
}

// MARK: - One

async function openOne(context, id) {
    const path = "/lab/studies/" + encodeURIComponent(id);
    let study = await get(path, { signal: context.signal });
    const head = h("div", {});
    const body = h("div", { class: "stack" });
    fill(context.place, head, body);
    let drawn = 0;
    const draw = async () => {
        drawn += 1;
        const mine = drawn;
        context.title(`${kinds[study.kind]} ${study.id}`);
        fill(head, h("div", { class: "page-head" }, h("a", { class: "button bare", href: "#/studies", "aria-label": "All studies" }, icon("back")), h("h1", {}, `${kinds[study.kind]} ${study.id}`), stateBadge(study), h("div", { class: "grow" }),
            study.state === "running" ? button("Cancel", { icon: "close", onclick: async () => { study = await remove(path); await draw(); } }) : null));
        const job = study.job;
        const series = job.series[0];
        const about = panel("About", facts([
            ["Strategy", h("a", { href: "#/strategies/" + encodeURIComponent(job.strategy) }, job.strategy)], ["Candles", `${series.venue} ${series.symbol} ${series.resolution}`],
            ["From", utc(job.start)], ["Before", utc(job.end)], ["Capital", money(job.capital)],
            study.plan.method ? ["Method", study.plan.points ? `${study.plan.method}, ${study.plan.points} points` : study.plan.method] : null,
            study.plan.objective ? ["Looks for", typeof study.plan.objective === "string" ? study.plan.objective : pointText(study.plan.objective)] : null,
        ]));
        const parts = [];
        if (study.state === "running") parts.unshift(panel("Progress", progress(study)));
        if (study.cause) parts.unshift(callout(study.state === "failed" ? "bad" : "warn", humanise(study.state), h("p", {}, study.cause === study.state ? `${study.done.toLocaleString("en")} of ${study.total.toLocaleString("en")} runs were done.` : study.cause)));
        if (study.result) parts.unshift(...outcome(study));
        const isSearch = study.kind === "optimisation" && study.done > 0 && study.state !== "running";
        const more = !isSearch ? [] : [Object.keys(study.plan.space).length > 1 ? heatMap(context, study) : null, pointTable(context, study)].filter(Boolean);
        // All of it comes together, so that nothing is pushed down.
        if (more.length > 0 && body.childElementCount === 0) fill(body, skeleton(8));
        await Promise.all(more.map((one) => one.ready));
        if (mine === drawn) fill(body, parts, more.map((one) => one.element), about);
    };
    await draw();
    if (study.state !== "running") return;
    const stream = follow(path + "/events", {
        onEvent(type, data) {
            study = type === "study" ? data : { ...study, done: data.done, total: data.total };
            draw().catch(fault);
            if (study.state !== "running") stream.close();
        },
    });
    context.dispose(() => stream.close());
}

/** A backtest of its own at a point of a search, with everything else as in the search. */
async function backtest(study, point) {
    const { job } = study;
    const body = { version: job.version, parameters: { ...job.parameters, ...point }, title: `study ${study.id}: ${pointText(point)}`.slice(0, 120) };
    for (const name of ["series", "start", "end", "warm_up", "capital", "mode", "costs", "seed"]) body[name] = job[name];
    const run = await post(`/lab/algorithms/${encodeURIComponent(job.strategy)}/backtests`, body);
    notice(`Run ${run.id} waits for its turn.`, "good");
    location.hash = "#/lab/" + run.id;
}

function outcome(study) {
    const result = study.result;
    if (study.kind === "optimisation") {
        if (!result.best) return [callout("warn", "Nothing has a score", h("p", {}, "At no point is the figure known, as when nothing was traded."))];
        const { point, outcome: best } = result.best;
        return [callout(best.score < 0 ? "info" : "good", `Best: ${numberText(best.score)}`, h("p", {}, pointText(point), ` · equity ${money(best.final_equity)}, ${best.trades} trades`), result.failed > 0 ? h("p", {}, `${count(result.failed, "point")} failed: the table says why.`) : null,
            h("div", { class: "actions" }, button("Backtest it", { icon: "start", small: true, tone: "primary", onclick: () => backtest(study, point) })))];
    }
    if (study.kind === "walkforward") {
        const table = dataTable({
            label: "Windows", key: (step) => step.window.out_start,
            columns: [
                { label: "Tried from", main: true, render: (step) => utc(step.window.out_start) }, { label: "Parameters", render: (step) => pointText(step.point) },
                { label: "Searched", right: true, render: (step) => h("span", { class: "num" }, numberText(step.in_sample.score)) },
                { label: "Equity", right: true, render: (step) => moneyText(step.out_of_sample.final_equity) },
                { label: "Trades", right: true, wide: true, render: (step) => h("span", { class: "num" }, String(step.out_of_sample.trades)) },
                { label: "Run", right: true, render: (step) => (step.run ? h("a", { href: "#/lab/" + encodeURIComponent(step.run) }, step.run) : "–") },
            ],
            empty: () => empty("No windows", "In none of them had a point a score."),
        });
        table.set(result.windows);
        const figures = result.figures ?? {};
        return [panel("On the tried parts together", [
            facts([["Efficiency", numberText(result.efficiency)], ["Windows that earned", `${result.profitable_windows} of ${result.windows.length}`],
                ["Return", share(figures.total_return)], ["Sharpe", numberText(figures.sharpe)], ["Largest drawdown", share(figures.max_drawdown)]]),
            result.equity.length > 1 ? h("div", { class: "chart" }, plainLine(result.equity.map((point) => Number(point[1])))) : null]),
        panel("Windows", table.element, { flush: true, cardy: true })];
    }
    if (study.kind === "lookahead") return [callout(verdicts[result.verdict] ?? "warn", humanise(result.verdict), h("p", {}, result.words))];
    return [callout(result.is_enough ? "good" : "bad", result.is_enough ? "History is enough" : "History is too little", h("p", {}, result.words)),
        panel("Amounts", h("ul", {}, result.rows.map((row) => h("li", {}, `${row.warm_up} candles: ${row.same ? "the same" : row.failure ?? "different from " + utc(row.difference.time) + " on"}`))))];
}

function pointTable(context, study) {
    const names = Object.keys(study.plan.space);
    const table = dataTable({
        label: "Points", key: (one) => JSON.stringify(one.point),
        columns: [
            { label: "Point", main: true, sort: (one) => one.point[names[0]], render: (one) => [h("span", { class: "name" }, pointText(one.point)), one.outcome.failure ? h("span", { class: "sub", title: one.outcome.failure }, one.outcome.failure.trim().split("\n").at(-1)) : null] },
            { label: "Score", right: true, sort: (one) => one.outcome.score ?? null, render: (one) => (one.outcome.failure ? badge("failed", "bad") : h("span", { class: "num" }, numberText(one.outcome.score))) },
            { label: "Equity", right: true, sort: (one) => Number(one.outcome.final_equity), render: (one) => moneyText(one.outcome.final_equity) },
            { label: "Sharpe", right: true, sort: (one) => one.outcome.figures.sharpe ?? null, render: (one) => h("span", { class: "num" }, numberText(one.outcome.figures.sharpe)) },
            { label: "Drawdown", right: true, sort: (one) => one.outcome.figures.max_drawdown ?? null, render: (one) => h("span", { class: "num" }, share(one.outcome.figures.max_drawdown)) },
            { label: "Trades", right: true, sort: (one) => one.outcome.trades, render: (one) => h("span", { class: "num" }, String(one.outcome.trades)) },
            { label: "", render: (one) => (one.outcome.failure ? null : h("div", { class: "actions" }, button("", { icon: "start", small: true, tone: "bare", title: `Backtest ${pointText(one.point)}`, onclick: () => backtest(study, one.point) }))) },
        ],
        empty: () => empty("No points", "None has come to its end."),
    });
    const ready = get(`/lab/optimisations/${study.id}/points?limit=200`, { signal: context.signal }).then((list) => table.set(items(list))).catch((error) => table.fail(error));
    return { element: panel("Best points", table.element, { flush: true, cardy: true }), ready };
}

/** A colour from the theme's bad through none to good, for a part from 0 to 1. */
const heat = (part) => `color-mix(in srgb, var(${part < 0.5 ? "--down" : "--up"}) ${Math.round(Math.abs(part - 0.5) * 90)}%, var(--surface))`;

function heatMap(context, study) {
    const names = Object.keys(study.plan.space);
    const select = (label, options) => h("select", { "aria-label": label, class: "small-select" }, options.map((one) => h("option", { value: one.value ?? one }, one.label ?? one)));
    const across = select("Across", names);
    const down = select("Down", names);
    down.selectedIndex = names.length - 1;
    const figure = select("Figure", [{ value: "", label: "score" }, "total_return", "sharpe", "sortino", "calmar", "max_drawdown", "profit_factor", "trades"]);
    const cell = select("Of the points in a cell", ["best", "mean", "worst"]);
    const box = h("div", { class: "scroll" }, skeleton(5));

    async function load() {
        const query = new URLSearchParams({ x: across.value, y: down.value, cell: cell.value });
        if (figure.value) query.set("figure", figure.value);
        try {
            const { map } = await get(`/lab/optimisations/${study.id}/heatmap?${query}`, { signal: context.signal });
            const known = map.cells.flat().filter((value) => value !== null);
            const [low, high] = [Math.min(...known), Math.max(...known)];
            const part = (value) => (high <= low ? 0.5 : figure.value === "max_drawdown" ? (high - value) / (high - low) : (value - low) / (high - low));
            fill(box, known.length === 0 ? h("p", { class: "muted" }, "No point has this figure.") : h("table", { class: "heat", "aria-label": `${figure.value || "score"} over ${across.value} and ${down.value}` },
                h("thead", {}, h("tr", {}, h("th", { scope: "col" }, `${down.value} \\ ${across.value}`), map.x.map((value) => h("th", { scope: "col" }, String(value))))),
                h("tbody", {}, map.cells.map((row, index) => h("tr", {}, h("th", { scope: "row" }, String(map.y[index])), row.map((value, column) => (value === null ? h("td", {}, "")
                    : h("td", { class: "num", css: { background: heat(part(value)) }, title: `${across.value} ${map.x[column]}, ${down.value} ${map.y[index]}: ${value}` }, numberText(Number(value.toPrecision(3)))))))))));
        } catch (error) {
            if (error?.name !== "AbortError") fill(box, failureBox(error, load));
        }
    }
    for (const one of [across, down, figure, cell]) one.addEventListener("change", load);
    const ready = load();
    const choice = (words, control) => h("label", { class: "heat-choice" }, h("span", {}, words), control);
    const controls = h("div", { class: "actions" }, choice("Across", across), choice("Down", down), choice("Figure", figure), choice("Of a cell the", cell));
    return { element: panel("Heat map", h("div", { class: "stack" }, controls, box)), ready };
}

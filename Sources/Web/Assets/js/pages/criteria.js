// What the gates to paper and to real money ask for: shown to everybody, changed by operators.

import { h } from "../dom.js";
import { ApiError, get, change } from "../api.js";
import { button, dialog, field, form, loading, notice, panel } from "../ui.js";
import { format, times } from "../decimal.js";
import { percentPart } from "./lab.js";
import { isOperator } from "../store.js";

/** Every criterion: what it looks at, in what its limit is said ("part" is shown in per cent), and a hint. */
export const criteria = {
    minimum_trades: ["Trades in the backtest, at least", "count", "Round trips; few of them prove nothing."],
    minimum_sharpe: ["Sharpe ratio of the backtest, at least", "ratio", "A year; from −10 to 10."],
    minimum_out_of_sample_sharpe: ["Sharpe ratio out of sample, at least", "ratio", "Of a walk forward: on candles that parameters were not chosen on."],
    minimum_return: ["Return of the backtest, at least", "part", "Of its capital."],
    maximum_drawdown: ["Drawdown of the backtest, at most", "part", "The deepest fall below a peak."],
    lookahead_check: ["Look-ahead check passed", null, "It decides by nothing that it could not know."],
    startup_check: ["Start-up check passed", null, "It has the history that it needs."],
    minimum_days_on_paper: ["Days on paper, at least", "days", "Of this version with these parameters."],
    minimum_paper_fills: ["Fills on paper, at least", "count", "Of this version with these parameters."],
    maximum_replay_differences: ["Orders that differ in a replay, at most", "count", "When a run of it was last told again."],
    position_limit: ["A limit on its position is set", null, "Position or exposure, on the page Limits."],
    daily_loss_limit: ["A limit on its loss in a day is set", null, "On the page Limits, or max_daily_loss in strategy.json."],
    stop_limit: ["A drawdown is set at which it is stopped", null, "On the page Limits."],
    reviews: ["Operators who approve, at least", "count", "Who neither uploaded the version nor own the strategy, and none refuses."],
};
const gates = [["paper", "From the Lab to paper", "Play money."], ["live", "From paper to live", "Real money. Only an operator takes a version through."]];
const word = (kind) => criteria[kind]?.[0] ?? kind;

function limitText({ kind, limit }) {
    if (limit === null || limit === undefined) return h("span", { class: "muted" }, "yes");
    return h("span", { class: "num" }, criteria[kind]?.[1] === "part" ? `${format(times(limit, "100"))} %` : format(limit));
}

export async function open(context) {
    const body = h("div", {});
    context.place.append(h("div", { class: "page-head" }, h("h1", {}, "Promotion criteria"),
        h("p", { class: "lead" }, "What a version must show before it trades with play money, and before it trades with real money. How one stands is on its page, under Promotion.")), body);

    async function load() {
        const found = await get("/lab/criteria", { signal: context.signal });
        return h("div", { class: "halves" }, gates.map(([stage, title, about]) => {
            const list = found[stage] ?? [];
            const rows = list.map((one) => h("tr", {}, h("td", { class: "main" }, word(one.kind), h("span", { class: "sub" }, criteria[one.kind]?.[2] ?? "")), h("td", { class: "right" }, limitText(one))));
            return panel(title, rows.length ? h("table", { class: "data criteria", "aria-label": title }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Criterion"), h("th", { scope: "col", class: "right" }, "Wanted"))), h("tbody", {}, rows))
                : h("p", { class: "muted" }, "This gate asks for nothing: every version may pass. " + about), {
                flush: rows.length > 0,
                actions: isOperator() ? [button("Edit", { icon: "edit", small: true, onclick: () => edit(stage, title, list) })] : null,
            });
        }));
    }

    function edit(stage, title, list) {
        const limits = new Map(list.map((one) => [one.kind, one.limit ?? null]));
        const rows = [...new Set([...Object.keys(criteria), ...limits.keys()])].map((kind) => {
            const [, unit, hint] = criteria[kind] ?? [kind, "ratio", ""];
            const isPart = unit === "part";
            const limit = limits.get(kind);
            const item = field({
                name: kind, label: word(kind), hint, kind: unit === null ? "checkbox" : "decimal", unit: isPart ? "%" : undefined, placeholder: unit === null ? undefined : "not asked for",
                value: unit === null ? limits.has(kind) : limit === null || limit === undefined ? "" : isPart ? times(limit, "100") : limit,
            });
            return { kind, item, isPart, isCheck: unit === null };
        });
        return dialog(title, (close) => form({
            fields: rows.map(({ item }) => item), submit: "Save", layout: "two", cancel: () => close(),
            async onsubmit(values) {
                const wanted = rows.filter(({ kind, isCheck }) => (isCheck ? values[kind] : values[kind] !== null));
                const sent = wanted.map(({ kind, isCheck, isPart }) => (isCheck ? { kind } : { kind, limit: isPart ? percentPart(values[kind]) : values[kind] }));
                try {
                    await change("/lab/criteria", { [stage]: sent });
                } catch (error) {
                    throw beside(error, stage, wanted);
                }
                notice("The criteria are changed; they hold from now on.", "good");
                close(true);
                await loading(body, load);
            },
        }).element, { wide: true });
    }
    await loading(body, load, 8);
}

/** The same refusal, naming the field of the form instead of a place in the list, as in `live[2].limit`. */
function beside(error, stage, wanted) {
    const place = error instanceof ApiError ? new RegExp(`^${stage}\\[(\\d+)\\]`).exec(error.field ?? "") : null;
    const row = place ? wanted[Number(place[1])] : null;
    if (!row) return error;
    error.field = row.kind;
    const words = error.message.slice(error.message.indexOf(" ") + 1);
    error.message = `It ${words}${row.isPart ? ", where 1 is 100 %" : ""}.`;
    return error;
}

// Limits: what orders may do, for the whole host, per account and per strategy. The operator may change them.

import { h, fill } from "../dom.js";
import { get, change, items } from "../api.js";
import { panel, field, form, facts, notice, empty, loading, badge, dialog, button } from "../ui.js";
import { humanise } from "../words.js";
import { format } from "../decimal.js";
import { isOperator } from "../store.js";

/** The limits that this page knows: words, kind of input, unit. Others are shown by their own names. */
const known = {
    order_notional: ["Largest order", "decimal", "", "Value of one order in its quote currency."],
    position_notional: ["Largest position", "decimal", "", "Value held or short in one instrument."],
    open_positions: ["Open positions", "number", "", "How many instruments may be held at once."],
    open_orders: ["Open orders", "number", "", "How many may wait at once."],
    orders_per_minute: ["Orders a minute", "number", "", "More are denied until the minute is over."],
    price_distance: ["Distance from last price", "decimal", "", "As a fraction: 0.05 is 5 %."],
    daily_loss: ["Daily loss", "decimal", "", "Since midnight; beyond it risk may only be reduced."],
    daily_loss_fraction: ["Daily loss, fraction", "decimal", "", "Of the equity at midnight: 0.05 is 5 %."],
    leverage: ["Leverage", "decimal", "×", "Exposure over equity."],
    self_trade_prevention: ["No trades with itself", "checkbox", "", "Deny an order that would meet a standing order of the same account."],
    instruments: ["Instruments", "list", "", "Separated by commas; empty allows all."],
};

const word = (name) => known[name]?.[0] ?? humanise(name);

function show(name, value) {
    if (value === null || value === undefined) return h("span", { class: "muted" }, "no limit");
    if (Array.isArray(value)) return value.length ? value.join(", ") : h("span", { class: "muted" }, "all");
    if (typeof value === "boolean") return value ? "yes" : "no";
    return h("span", { class: "num" }, format(value) + (known[name]?.[2] ? " " + known[name][2] : ""));
}

/** The body of a change: `{"global": …}`, or the same under the account's or the strategy's id. */
function body(scope, changed) {
    const [kind, id] = [scope.split(":")[0], scope.slice(scope.indexOf(":") + 1)];
    return kind === "global" ? { global: changed } : { [kind === "account" ? "accounts" : "strategies"]: { [id]: changed } };
}

/** Whether at least one limit is set. */
function hasAny(limits) {
    return Object.values(limits ?? {}).some((value) => value !== null && value !== undefined);
}

export async function open(context) {
    const { place } = context;
    const all = h("div", { class: "stack" });
    fill(place, h("div", { class: "page-head" }, h("h1", {}, "Limits"), h("p", { class: "lead" }, "Every order is checked against all three before it leaves: the host's limits, its account's, and its strategy's. The tightest one counts; a denial says which.")), all);
    let names = new Map();
    const wanted = context.parts[0] === "strategy" ? context.parts[1] : null;

    async function load() {
        const [limits, strategies] = await Promise.all([get("/limits", { signal: context.signal }), get("/strategies?limit=500", { signal: context.signal })]);
        names = new Map(items(strategies).map((one) => [one.id, one.name]));
        const scopes = [{ scope: "global", title: "Whole host", limits: limits.global ?? {} }];
        for (const [id, values] of Object.entries(limits.accounts ?? {})) scopes.push({ scope: "account:" + id, title: `Account ${id}`, limits: values });
        const own = limits.strategies ?? {};
        for (const [id, values] of Object.entries(own)) if (hasAny(values)) scopes.push({ scope: "strategy:" + id, title: names.get(id) ?? id, limits: values });
        const rest = [...names].filter(([id]) => !hasAny(own[id]));
        if (wanted && rest.some(([id]) => id === wanted)) setTimeout(() => edit({ scope: "strategy:" + wanted, title: names.get(wanted), limits: {} }, limits.global), 0);
        return [h("div", { class: "cards" }, scopes.map((one) => card(one, limits.global ?? {}))),
            isOperator() && rest.length ? panel("Limits for one more strategy", [h("p", { class: "muted" }, "These strategies have no limits of their own; the host's and their account's hold."),
                h("div", { class: "actions" }, rest.slice(0, 30).map(([id, name]) => button(name, { icon: "plus", small: true, onclick: () => edit({ scope: "strategy:" + id, title: name, limits: {} }, limits.global) })))]) : null];
    }

    function card(one, global) {
        const kind = one.scope.split(":")[0];
        const entries = Object.entries(one.limits).filter(([, value]) => kind === "global" || (value !== null && value !== undefined));
        return panel(one.title, entries.length ? facts(entries.map(([name, value]) => [word(name), show(name, value)])) : empty("No own limits", "What holds above holds here."),
            { actions: [badge(kind === "global" ? "global" : kind), isOperator() ? button("Edit", { icon: "edit", small: true, onclick: () => edit(one, global) }) : null].filter(Boolean) });
    }

    function edit(one, global) {
        const values = { ...Object.fromEntries([...Object.keys(known), ...Object.keys(global ?? {})].map((name) => [name, null])), ...one.limits };
        return dialog(`Limits: ${one.title}`, (close) => {
            const fields = Object.entries(values).map(([name, value]) => {
                const [, kind, unit, hint] = known[name] ?? [name, Array.isArray(value) ? "list" : typeof value === "boolean" ? "checkbox" : typeof value === "number" ? "number" : "decimal", "", ""];
                const item = field({ name, label: word(name), kind: kind === "list" ? "text" : kind, unit, hint, placeholder: kind === "list" ? "all" : "no limit", value: Array.isArray(value) ? value.join(", ") : value ?? "" });
                if (kind === "list") {
                    const read = item.read;
                    item.read = () => { const text = read(); return text === null ? null : text.split(/[\s,]+/).filter(Boolean); };
                }
                return item;
            });
            return form({
                fields, submit: "Save limits", layout: "two", cancel: () => close(),
                async onsubmit(typed) {
                    const changed = Object.fromEntries(Object.entries(typed).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(one.limits[name] ?? null)));
                    if (Object.keys(changed).length) {
                        await change("/limits", body(one.scope, changed));
                        notice("Limits are changed; they hold for the next order.", "good");
                    }
                    close(true);
                    await loading(all, load);
                },
            }).element;
        }, { wide: true });
    }
    await loading(all, load, 8);
}

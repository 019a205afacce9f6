// Limits: what orders may do, for the whole host, per venue, account and strategy. The operator may change them.

import { h, fill } from "../dom.js";
import { get, post, change, items } from "../api.js";
import { panel, field, form, facts, notice, empty, loading, badge, confirm, dialog, button } from "../ui.js";
import { humanise } from "../words.js";
import { format, money, percent, times } from "../decimal.js";
import { isOperator } from "../store.js";

/** Limits that the host takes as fractions; they are shown in percent. */
const fractions = new Set(["price_distance", "daily_loss_fraction", "drawdown"]);

/** The limits that this page knows: words, kind of input, unit. Others are shown by their own names. */
const known = {
    order_notional: ["Largest order", "decimal", "", "Value of one order in its quote currency."],
    position_notional: ["Largest position", "decimal", "", "Value held or short in one instrument."],
    exposure: ["Exposure", "decimal", "", "Worst-case value of all positions together, open orders included."],
    open_positions: ["Open positions", "number", "", "How many instruments may be held at once."],
    open_orders: ["Open orders", "number", "", "How many may wait at once."],
    orders_per_minute: ["Orders a minute", "number", "", "More are denied until the minute is over."],
    price_distance: ["Distance from last price", "decimal", "", "As a fraction: 0.05 is 5 %."],
    daily_loss: ["Daily loss", "decimal", "", "Since midnight; beyond it risk may only be reduced."],
    daily_loss_fraction: ["Daily loss, fraction", "decimal", "", "Of the equity at midnight: 0.05 is 5 %."],
    drawdown: ["Drawdown", "decimal", "", "Fall from the peak of equity, as a fraction of it; beyond it risk may only be reduced."],
    order_to_trade: ["Orders for each trade", "decimal", "", "More are denied, once enough were sent to tell."],
    leverage: ["Leverage", "decimal", "×", "Exposure over equity."],
    self_trade_prevention: ["No trades with itself", "checkbox", "", "Deny an order that would meet a standing order of the same account."],
    instruments: ["Instruments", "list", "", "Separated by commas; empty allows all."],
};

const word = (name) => known[name]?.[0] ?? humanise(name);

function show(name, value) {
    const kind = known[name]?.[1];
    if (kind === "list" && !value?.length) return h("span", { class: "muted" }, "all");
    if (value === null || value === undefined) return h("span", { class: "muted" }, "no limit");
    if (Array.isArray(value)) return value.join(", ");
    if (typeof value === "boolean") return value ? "yes" : "no";
    if (fractions.has(name)) return h("span", { class: "num" }, format(times(value, "100")) + " %");
    return h("span", { class: "num" }, format(value) + (known[name]?.[2] ? " " + known[name][2] : ""));
}

/** Under which name the limits of a kind of scope stand. */
const lists = { venue: "venues", account: "accounts", strategy: "strategies" };

/** The body of a change: `{"global": …}`, or the same under the venue's, the account's or the strategy's id. */
function body(scope, changed) {
    const [kind, id] = [scope.split(":")[0], scope.slice(scope.indexOf(":") + 1)];
    return kind === "global" ? { global: changed } : { [lists[kind]]: { [id]: changed } };
}

/** Whether at least one limit is set. */
function hasAny(limits) {
    return Object.values(limits ?? {}).some((value) => value !== null && value !== undefined);
}

export async function open(context) {
    const { place } = context;
    const all = h("div", { class: "stack" });
    fill(place, h("div", { class: "page-head" }, h("h1", {}, "Limits"), h("p", { class: "lead" }, "Every order is checked against all four before it leaves: the host's limits, its venue's, its account's, and its strategy's. The tightest one counts; a denial says which.")), all);
    let names = new Map();
    const wanted = context.parts[0] === "strategy" ? context.parts[1] : null;

    async function load() {
        const [limits, strategies] = await Promise.all([get("/limits", { signal: context.signal }), get("/strategies?limit=500", { signal: context.signal })]);
        names = new Map(items(strategies).map((one) => [one.id, one.name]));
        const scopes = [{ scope: "global", title: "Whole host", limits: limits.global ?? {} }];
        for (const [id, values] of Object.entries(limits.venues ?? {})) if (hasAny(values)) scopes.push({ scope: "venue:" + id, title: `Venue ${id}`, limits: values });
        for (const [id, values] of Object.entries(limits.accounts ?? {})) scopes.push({ scope: "account:" + id, title: `Account ${id}`, limits: values });
        const own = limits.strategies ?? {};
        for (const [id, values] of Object.entries(own)) if (hasAny(values)) scopes.push({ scope: "strategy:" + id, title: names.get(id) ?? id, limits: values });
        const rest = [...names].filter(([id]) => !hasAny(own[id]));
        if (wanted && rest.some(([id]) => id === wanted)) setTimeout(() => edit({ scope: "strategy:" + wanted, title: names.get(wanted), limits: {} }, limits.global), 0);
        for (const one of scopes) one.drawdown = (limits.drawdowns ?? []).find((fall) => fall.scope === one.scope);
        const venues = ["paper", "binance", "binance-testnet", "coindcx", "coinspot"].filter((id) => !hasAny(limits.venues?.[id]));
        return [h("div", { class: "cards" }, scopes.map((one) => card(one, limits.global ?? {}))),
            isOperator() ? panel("Limits for all accounts at a venue", h("div", { class: "actions" }, venues.map((id) => button(id, { icon: "plus", small: true, onclick: () => edit({ scope: "venue:" + id, title: `Venue ${id}`, limits: {} }, limits.global) })))) : null,
            isOperator() && rest.length ? panel("Limits for one more strategy", [h("p", { class: "muted" }, "These strategies have no limits of their own; the host's and their account's hold."),
                h("div", { class: "actions" }, rest.slice(0, 30).map(([id, name]) => button(name, { icon: "plus", small: true, onclick: () => edit({ scope: "strategy:" + id, title: name, limits: {} }, limits.global) })))]) : null];
    }

    function card(one, global) {
        const kind = one.scope.split(":")[0];
        const entries = Object.entries(one.limits).filter(([, value]) => kind === "global" || (value !== null && value !== undefined));
        const fall = one.drawdown;
        const fallen = fall ? [
            ["Fallen from its peak", h("span", { class: "num" + (fall.passed ? " down" : "") }, `${money(fall.fallen)} of ${money(fall.peak)} (${format(percent(fall.fallen, fall.peak))} %)`)],
            isOperator() ? ["", button("Begin the peak anew", { small: true, onclick: () => begin(one) })] : null,
        ] : [];
        return panel(one.title, entries.length ? facts([...entries.map(([name, value]) => [h("span", { title: known[name]?.[3] || null }, word(name)), show(name, value)]), ...fallen]) : empty("No own limits", "What holds above holds here."),
            { actions: [badge(kind === "global" ? "global" : kind), isOperator() ? button("Edit", { icon: "edit", small: true, onclick: () => edit(one, global) }) : null].filter(Boolean) });
    }

    function begin(one) {
        return confirm(`Begin the peak anew: ${one.title}?`, h("p", {}, "Its drawdown counts from the equity of now. Where it had passed its limit, positions may be opened again."), {
            submit: "Begin anew",
            async work() {
                await post("/limits/peak", { scope: one.scope });
                notice("The peak begins anew.", "good");
                await loading(all, load);
            },
        });
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

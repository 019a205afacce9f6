// Accounts: where orders go and what may be spent.

import { h, fill } from "../dom.js";
import { get, post, change, items, query } from "../api.js";
import { panel, facts, badge, field, form, dialog, confirm, button, notice, empty, loading, moneyText, number, when } from "../ui.js";
import { humanise } from "../words.js";
import { store, isOperator } from "../store.js";
import { askHalt, haltOf, haltWords } from "../halts.js";

const hints = {
    fee_rate: "A fraction: 0.001 is 0.1 %.", maker_fee: "A fraction: 0.001 is 0.1 %.", taker_fee: "A fraction: 0.001 is 0.1 %.",
    slippage: "How much worse market orders fill, as a fraction.", maintenance: "Equity over exposure below which it is liquidated.",
    worth: "What one of its currency counts for in limits over several accounts.",
    market_allowance: "Set aside beyond the last price for a market order, as a fraction.",
};

/** What is shown elsewhere on the card, and what an account keeps for good. */
const shown = new Set(["id", "venue", "environment", "kind", "currency", "leverage", "since"]);
const fixed = new Set([...shown, "balance"]);

/** Inputs for what the host says can be changed, typed by the values that are there. */
function settingFields(settings) {
    return Object.entries(settings ?? {}).filter(([name, value]) => !fixed.has(name) && (value === null || typeof value !== "object")).map(([name, value]) => field({
        name, label: humanise(name), hint: hints[name], value: value ?? "",
        kind: typeof value === "boolean" ? "checkbox" : typeof value === "number" ? "number" : /^-?\d+(\.\d+)?$/.test(String(value)) ? "decimal" : "text",
    }));
}

export async function open(context) {
    const { place } = context;
    const body = h("div", {});
    fill(place, h("div", { class: "page-head" }, h("h1", {}, "Accounts"), h("div", { class: "grow" }),
        isOperator() ? button("New exchange account", { icon: "plus", onclick: addExchange }) : null,
        isOperator() ? button("New paper account", { icon: "plus", onclick: add }) : null), body);

    async function load() {
        const list = items(await get("/accounts" + query({ limit: 200 }), { signal: context.signal }));
        if (list.length === 0) return h("section", { class: "panel" }, empty("No accounts", "Strategies need an account to trade on. A paper account trades simulated money at real prices."));
        const states = isOperator() ? items(await get("/reconciliation?limit=200", { signal: context.signal })) : [];
        return h("div", { class: "stack" }, h("div", { class: "cards" }, list.map(card)), states.length ? reconciliation(states) : null);
    }

    function setting(one, name, value) {
        if (name === "balance") return [one.environment ? "For strategies" : "Starting balance", h("span", {}, moneyText(value), " ", one.currency)];
        if (name === "worth") return [h("span", { title: hints.worth }, `One ${one.currency} in shared limits`), number(value)];
        return [h("span", { title: hints[name] }, humanise(name)), typeof value === "boolean" ? (value ? "yes" : "no") : number(value)];
    }

    function card(one) {
        const settings = Object.entries(one.settings ?? {}).filter(([name, value]) => !shown.has(name) && value !== null && typeof value !== "object");
        const [halt, venue] = [haltOf("account:" + one.id), "venue:" + (one.venue ?? "paper")];
        const doing = isOperator() ? h("div", { class: "actions" },
            button(halt ? "Resume" : "Halt", { icon: "halt", small: true, onclick: () => askHalt("account:" + one.id) }),
            button(haltOf(venue) ? "Resume venue" : "Halt venue", { small: true, title: `Every account at ${venue.slice(6)}`, onclick: () => askHalt(venue) }),
            button("Edit", { icon: "edit", small: true, onclick: () => edit(one) })) : null;
        return panel(one.id, [facts([
            halt ? ["Halted", haltWords(halt)] : null,
            haltOf(venue) ? ["Venue halted", haltWords(haltOf(venue))] : null,
            ["Equity", h("strong", {}, moneyText(one.equity), " ", one.currency)], ["Free", h("span", {}, moneyText(one.available), " ", one.currency)],
            ...(one.balances ?? []).map((balance) => [`Holds ${balance.currency}`, number(balance.total)]),
            one.kind === "margin" ? ["Leverage", h("span", { class: "num" }, one.leverage + " ×")] : null,
            ...settings.map(([name, value]) => setting(one, name, value)),
        ]), doing], { actions: [badge([one.venue ?? "paper", one.environment].filter(Boolean).join(" "), one.environment === "live" ? "bad" : "busy"), badge(one.kind ?? "spot")] });
    }

    /** What is unknown and since when, and where venue and books differ. */
    function reconciliation(states) {
        return h("section", { class: "stack", "aria-label": "Venue and books" }, h("h2", {}, "Venue and books"), h("div", { class: "cards" }, states.map(standing)));
    }

    function standing(one) {
        const external = one.balances.filter((row) => row.external !== "0");
        const rows = [
            ["Asked", one.last_began === null ? "not yet" : h("span", {}, when(one.last_began), ` in ${one.last_milliseconds} ms`)],
            one.gap ? ["News", `broken: ${one.gap}`] : null,
            one.merging ? ["News", "what was missed is being asked for"] : null,
            one.away ? ["Venue", h("span", {}, `may not be asked: ${one.away}`, one.away_until === null ? null : [", until ", when(one.away_until)])] : null,
            ...one.orders.map((question) => [`Order ${question.order.id}`, h("span", {}, `${humanise(question.unknown)} unknown since `, when(question.since), `: ${question.doing}`,
                question.candidates.length ? ` (${question.candidates.join(", ")})` : "")]),
            one.first_sight ? ["Balances", "seen for the first time: taken as they are"] : null,
            one.balances_fault ? ["Balances", `not known: ${one.balances_fault}`] : null,
            ...one.balances.filter((row) => row.state !== "agrees" || row.external !== "0").map((row) => [row.state === "undecided" ? `${row.asset} (undecided)` : `EXTERNAL ${row.asset}`,
                h("span", {}, number(row.difference), " = ", number(row.venue), " there, ", number(row.booked), " here", row.since === null ? null : [", since ", when(row.since)], row.blocking ? "; entries are denied" : "")]),
        ].filter(Boolean);
        return panel(one.account, facts(rows), {
            actions: [badge(one.agrees ? "agrees" : one.under_way ? "being asked" : "differs or unknown", one.agrees ? "good" : one.under_way ? "busy" : "bad"),
                button("Ask now", { small: true, onclick: () => ask(one) }), external.length ? button("Accept", { small: true, onclick: () => accept(one, external) }) : null].filter(Boolean),
        });
    }

    const path = (one) => `/accounts/${encodeURIComponent(one.account)}/reconcile`;

    async function ask(one) {
        const answer = await post(path(one), {});
        notice(answer.agrees ? `${one.account} agrees with its venue.` : `${one.account} does not agree with its venue.`, answer.agrees ? "good" : "bad");
        await loading(body, load);
    }

    function accept(one, external) {
        const expected = external.map((row) => ({ asset: row.asset, amount: row.external }));
        const words = expected.map((row) => `${row.amount} ${row.asset}`).join(", ");
        return confirm(`Accept on ${one.account}`, `Books ${words} as external, so that venue and books agree again. Positions of strategies stay as they are.`, {
            submit: "Book it",
            async work() {
                await post(path(one), { accept: true, expected });
                notice(`Booked as external: ${words}.`, "good");
                loading(body, load);
            },
        });
    }

    const finish = (close, text) => {
        notice(text, "good");
        close(true);
        return loading(body, load);
    };
    const leverageField = (value) => field({ name: "leverage", label: "Highest leverage", kind: "decimal", value, unit: "×", hint: "Exposure over equity at most." });

    function edit(one) {
        const fields = [...(one.kind === "margin" ? [leverageField(one.leverage)] : []), ...settingFields(one.settings)];
        return dialog(`Account ${one.id}`, (close) => (fields.length === 0 ? empty("Nothing to change", "The host offers no settings for this account.") : form({
            fields, submit: "Save", layout: "two", cancel: () => close(),
            async onsubmit(values) {
                const before = { ...one.settings, leverage: one.leverage };
                const changed = Object.fromEntries(Object.entries(values).filter(([name, value]) => value !== null && String(value) !== String(before[name])));
                if (Object.keys(changed).length) await change("/accounts/" + encodeURIComponent(one.id), changed);
                await finish(close, "The account is changed.");
            },
        }).element), { wide: true });
    }

    function add() {
        const kind = field({
            name: "kind", label: "Kind", kind: "select", value: "spot",
            options: [{ value: "spot", label: "Spot: no shorts, no leverage" }, { value: "margin", label: "Linear margin: shorts and leverage" }],
        });
        const leverage = leverageField("3");
        leverage.element.hidden = true;
        kind.input.addEventListener("change", () => { leverage.element.hidden = kind.input.value !== "margin"; });
        return dialog("New paper account", (close) => form({
            fields: [field({ name: "id", label: "Name", required: true, placeholder: "paper-2", hint: "Letters, digits and dashes." }), kind,
                field({ name: "currency", label: "Currency", value: "USDT", required: true }), field({ name: "balance", label: "Starting balance", kind: "decimal", value: "100000", required: true }), leverage],
            submit: "Make the account", layout: "two", cancel: () => close(),
            async onsubmit(values) {
                if (values.kind !== "margin") delete values.leverage;
                await post("/accounts", values);
                await finish(close, "The account is made.");
            },
        }).element, { wide: true });
    }

    function addExchange() {
        return dialog("New exchange account", (close) => form({
            fields: [field({ name: "id", label: "Name", required: true, placeholder: "binance-1", hint: "Letters, digits and dashes." }),
                field({ name: "venue", label: "Exchange", kind: "select", value: "binance", options: [{ value: "binance", label: "Binance spot" }, { value: "coindcx", label: "CoinDCX spot: live only" }, { value: "coinspot", label: "CoinSpot: live only" }] }),
                field({ name: "environment", label: "Environment", kind: "select", value: "testnet", options: [{ value: "testnet", label: "Test network: play money" }, { value: "live", label: "Live: real money" }] }),
                field({ name: "currency", label: "Currency", value: "USDT", required: true }),
                field({ name: "balance", label: "For strategies", kind: "decimal", required: true, hint: "How much of the account strategies may share." })],
            submit: "Make the account", layout: "two", cancel: () => close(),
            async onsubmit(values) {
                // Only Binance has a test network; the others' accounts are what their name says.
                if (values.venue !== "binance") values.environment = "live";
                await post("/accounts", values);
                await finish(close, "The account is made. It trades once it has an active credential.");
            },
        }).element, { wide: true });
    }
    await loading(body, load);
    const halts = () => JSON.stringify((store.halt?.halts ?? []).filter((one) => /^(account|venue):/.test(one.scope)));
    let drawn = halts();
    context.on("halt", () => {
        if (halts() === drawn) return;
        drawn = halts();
        loading(body, load);
    });
}

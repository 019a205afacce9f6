// The log of one strategy, and its signals, orders, stops and fills: a page is loaded, what is new comes live.

import { h } from "../../dom.js";
import { get, post, items, query } from "../../api.js";
import { badge, moneyText, number, when, sideText, orderBadge, dataTable, empty, button, notice, dialog, field, form } from "../../ui.js";
import { average, units, format, times } from "../../decimal.js";
import { isAlive, humanise } from "../../words.js";
import { logView } from "../../log.js";
import { storyButton } from "../../story.js";
import { bracketColumns } from "../../brackets.js";

export function logTab(tab) {
    const view = logView();
    view.add(tab.shared.log);
    tab.listen((type, data) => {
        if (type === "log") view.add([data]);
        if (type === "log-loaded") view.add(tab.shared.log);
    });
    const key = (event) => {
        if (event.key === "f" && !event.ctrlKey && !event.metaKey && !event.target.closest("input, textarea, dialog")) view.toggle();
    };
    document.addEventListener("keydown", key);
    tab.dispose(() => document.removeEventListener("keydown", key));
    return h("section", { class: "panel flush", "aria-label": "Log" }, h("div", { class: "body" }, view.element));
}

/** A list of one kind of event: loads a page, adds what comes live, loads older ones on demand. */
function liveTable(tab, { path, event, table, key, title }) {
    const known = new Map();
    let next = null;
    const more = h("div", { class: "more-row", hidden: true }, button("Load older", { small: true, onclick: () => load(next) }));
    const draw = () => {
        table.set([...known.values()].sort((a, b) => (b.updated_at ?? b.time ?? b.created_at ?? 0) - (a.updated_at ?? a.time ?? a.created_at ?? 0)));
        more.hidden = !next;
    };
    async function load(after) {
        const answer = await get(`${tab.base}/${path}` + query({ limit: 100, after }), { signal: tab.context.signal });
        for (const one of items(answer)) if (!known.has(String(key(one)))) known.set(String(key(one)), one);
        next = answer.next ?? null;
        draw();
    }
    const first = () => load(null).catch((error) => { if (error.name !== "AbortError") table.fail(error, first); });
    tab.listen((type, data) => {
        if (type === event) {
            known.set(String(key(data)), { ...known.get(String(key(data))), ...data });
            draw();
        } else if (type === "again") {
            known.clear();
            first();
        }
    });
    first();
    return h("section", { class: "panel flush cardy", "aria-label": title }, h("div", { class: "body" }, table.element, more));
}

export function signalsTab(tab) {
    const direction = (one) => one.direction ?? (one.source === "strategy" ? "out" : "in");
    const table = dataTable({
        label: "Signals", key: (one) => one.id,
        columns: [
            { label: "Time", main: true, render: (one) => when(one.time), sort: (one) => one.time },
            { label: "Direction", render: (one) => badge(direction(one) === "out" ? "from strategy" : "to strategy", direction(one) === "out" ? "busy" : "idle") },
            { label: "Action", render: (one) => h("strong", {}, one.action ?? "–"), sort: (one) => one.action },
            { label: "Instrument", render: (one) => one.symbol ?? "–" },
            { label: "Data", grow: true, render: (one) => h("code", {}, one.data && Object.keys(one.data).length ? JSON.stringify(one.data) : "–") },
        ],
        empty: () => empty("No signals yet", "Signals that the strategy gives, and those that are sent to it, are listed here. Send one to try its on_signal.", button("Send a signal", { icon: "signal", onclick: () => sendSignal(tab) })),
    });
    return h("div", { class: "stack" }, h("div", { class: "actions end" }, button("Send a signal", { icon: "signal", small: true, onclick: () => sendSignal(tab) })),
        liveTable(tab, { path: "signals", event: "signal", table, key: (one) => one.id, title: "Signals" }));
}

export function sendSignal(tab) {
    return dialog("Send a signal", (close) => {
        const action = field({ name: "action", label: "Action", value: "BUY", required: true, hint: "What the strategy's on_signal gets as signal['action']." });
        const data = field({ name: "data", label: "More, as JSON", kind: "area", rows: 4, mono: true, value: '{ "quantity": "0.01" }', hint: "Put amounts in quotes, so that they stay exact." });
        return form({
            fields: [action, data], submit: "Send", cancel: () => close(),
            async onsubmit(values) {
                let more = {};
                if (values.data?.trim()) {
                    try {
                        more = JSON.parse(values.data);
                    } catch (error) {
                        data.fail("This is not JSON: " + error.message);
                        return;
                    }
                    if (more === null || typeof more !== "object" || Array.isArray(more)) {
                        data.fail("Write an object: { … }");
                        return;
                    }
                }
                await post(`${tab.base}/signals`, { action: values.action, ...more });
                notice("The signal is on its way.", "good");
                close(true);
            },
        }).element;
    });
}

export function ordersTab(tab) {
    const table = dataTable({
        label: "Orders", key: (one) => one.id,
        columns: [
            { label: "Time", main: true, render: (one) => when(one.updated_at ?? one.created_at), sort: (one) => one.updated_at },
            { label: "Instrument", render: (one) => one.symbol, sort: (one) => one.symbol },
            { label: "Side", render: (one) => sideText(one.side), sort: (one) => one.side },
            { label: "Type", render: (one) => [humanise(one.order_type ?? "market"), one.time_in_force ? h("span", { class: "muted" }, " " + one.time_in_force.toUpperCase()) : null, one.reduce_only ? badge("reduce only") : null, one.post_only ? badge("post only") : null] },
            { label: "Quantity", right: true, render: (one) => number(one.quantity), sort: (one) => units(one.quantity) },
            { label: "Price", right: true, render: (one) => number(one.price ?? one.stop_price), sort: (one) => units(one.price) },
            { label: "Filled", right: true, flash: true, render: (one) => h("span", { class: "num" }, format(one.filled_quantity ?? "0"), one.average_price ? h("span", { class: "muted" }, " @ " + average(one.average_price)) : null) },
            { label: "Status", flash: true, full: true, sort: (one) => one.status, render: (one) => [orderBadge(one.status), one.reason ? h("span", { class: "sub reason", title: one.reason }, one.reason) : null] },
            { label: "", right: true, render: (one) => storyButton(one.id) },
        ],
        empty: () => empty("No orders yet", isAlive(tab.strategy.status.state) ? "The strategy has not asked for one. Its log says what it is thinking." : "Start the strategy; what it orders is listed here, also what is denied and why.", isAlive(tab.strategy.status.state) ? [] : button("Start", { icon: "start", tone: "primary", onclick: tab.start })),
    });
    return liveTable(tab, { path: "orders", event: "order", table, key: (one) => one.id, title: "Orders" });
}

export function bracketsTab(tab) {
    const table = dataTable({
        label: "Stop-losses and take-profits", key: (one) => one.id, columns: bracketColumns(),
        empty: () => empty("Nothing is held", "Stop-losses and take-profits that come with its orders are held by the host and listed here. They work also while the strategy does not run."),
    });
    return liveTable(tab, { path: "brackets", event: "bracket", table, key: (one) => one.id, title: "Stop-losses and take-profits" });
}

export function fillsTab(tab) {
    const table = dataTable({
        label: "Fills", key: (one) => one.id,
        columns: [
            { label: "Time", main: true, render: (one) => when(one.time), sort: (one) => one.time },
            { label: "Instrument", render: (one) => one.symbol, sort: (one) => one.symbol },
            { label: "Side", render: (one) => sideText(one.side), sort: (one) => one.side },
            { label: "Quantity", right: true, render: (one) => number(one.quantity), sort: (one) => units(one.quantity) },
            { label: "Price", right: true, render: (one) => number(one.price), sort: (one) => units(one.price) },
            { label: "Value", right: true, render: (one) => moneyText(times(one.quantity, one.price)) },
            { label: "Fee", right: true, render: (one) => h("span", { class: "num" }, format(one.fee), h("span", { class: "muted" }, " " + (one.fee_currency ?? ""))) },
            { label: "Liquidity", render: (one) => one.liquidity ?? "–" },
            { label: "Order", wide: true, render: (one) => h("code", { class: "muted" }, String(one.order ?? "–")) },
        ],
        empty: () => empty("No fills yet", "Every fill of its orders is listed here with its price and fee."),
    });
    return liveTable(tab, { path: "fills", event: "fill", table, key: (one) => one.id, title: "Fills" });
}

// What is halted and what is being closed, as every page shows it at its top, and the ways to halt and to resume.

import { h, icon } from "./dom.js";
import { post } from "./api.js";
import { badge, confirm, dataTable, field, notice, number, panel } from "./ui.js";
import { ago, humanise } from "./words.js";
import { store, setHalt, isOperator } from "./store.js";

/** The halt of a scope (`all`, `venue:ID`, `account:ID`, `strategy:ID`), or nothing. */
export const haltOf = (scope) => (store.halt?.halts ?? []).find((one) => one.scope === scope);

/** Who halted, when and why. */
export const haltWords = (halt) => `By ${halt.by}, ${ago(halt.since)}.${halt.reason ? " Reason: " + halt.reason : ""}`;

/** `account paper` or `venue binance`; nothing for everything and for strategies. */
const part = (scope) => (/^(account|venue):/.test(scope) ? scope.replace(":", " ") : null);
const capital = (words) => words[0].toUpperCase() + words.slice(1);

/** One bar for everything, a venue or an account that is halted, and the table of what is being closed. */
export function haltPanels() {
    const bars = (store.halt?.halts ?? []).filter((one) => one.scope === "all" || part(one.scope)).map((halt) => {
        const name = part(halt.scope);
        return h("div", { class: "halt-bar", role: "alert" }, icon("halt"),
            h("div", { class: "grow" }, h("strong", {}, name ? `${capital(name)} is halted. ` : "Trading is halted. "), "New orders are denied; cancels still pass. ", haltWords(halt)),
            isOperator() ? h("button", { class: "button", type: "button", onclick: () => askResume(halt.scope) }, name ? "Let it trade again" : "Resume trading") : null);
    });
    return [...bars, closings()];
}

const tones = { cancelling: "busy", closing: "busy", waiting: "warn", closed: "good", dust: "idle", stuck: "bad" };

function closings() {
    const flatten = store.halt?.flatten;
    if (!flatten?.items?.length) return null;
    const table = dataTable({
        label: "Positions being closed", key: (one) => [one.strategy, one.account, one.symbol].join("/"),
        columns: [
            { label: "Account", main: true, render: (one) => one.account, sort: (one) => one.account },
            { label: "Instrument", render: (one) => h("strong", {}, one.symbol), sort: (one) => one.symbol },
            { label: "Strategy", wide: true, render: (one) => one.strategy, sort: (one) => one.strategy },
            { label: "State", render: (one) => badge(humanise(one.state), tones[one.state]), sort: (one) => one.state },
            { label: "Left", right: true, render: (one) => number(one.quantity, { sign: true }) },
            { label: "Orders", render: (one) => one.orders.map((order) => `${order.id} ${humanise(order.status).toLowerCase()}`).join(", ") },
            { label: "Why", full: true, render: (one) => one.reason ?? "" },
        ],
    });
    table.set(flatten.items);
    const ended = flatten.items.length - flatten.left;
    const words = flatten.done ? (flatten.stuck ? `Given up: ${flatten.stuck} of ${flatten.items.length}` : "All positions are closed") : `Closing positions: ${ended} of ${flatten.items.length} done`;
    return panel(words, table.element, {
        flush: true,
        actions: flatten.stuck && isOperator() ? h("button", { class: "button small", type: "button", onclick: tryAgain }, "Try again") : null,
    });
}

/** Flattens once more what is halted and was given up. */
async function tryAgain() {
    const stuck = store.halt.flatten.items.filter((one) => one.state === "stuck");
    const scopes = new Set(stuck.map((one) => ["all", "venue:" + one.venue, "account:" + one.account, "strategy:" + one.strategy].find(haltOf)).filter(Boolean));
    for (const scope of scopes) setHalt(await post("/halt", { scope, flatten: true }));
}

/** Asks before everything, a venue or an account is halted. */
export function askHalt(scope = "all") {
    const name = part(scope);
    if (haltOf(scope)) return askResume(scope);
    const reason = field({ name: "reason", label: "Reason (optional)", placeholder: "For the audit trail", autocomplete: "off" });
    const flatten = field({ name: "flatten", label: name ? "Also cancel its orders and close its positions" : "Also cancel all orders and close all positions", kind: "checkbox", hint: "Without it open orders and positions stay as they are." });
    const what = name ? `Every new order on ${name} is denied at once, whichever strategy asks.` : "Every new order of every strategy is denied at once.";
    return confirm(name ? `Halt ${name}?` : "Stop all trading now?", [h("p", {}, what + " Strategies keep running and keep seeing prices; cancels still pass."), h("p", {}, "You can resume at any time.")], {
        submit: name ? "Halt it" : "Stop all trading", tone: "danger", fields: [reason, flatten],
        async work(values) {
            const body = { scope, flatten: values.flatten };
            if (values.reason) body.reason = values.reason;
            setHalt(await post("/halt", body));
            notice(name ? `${capital(name)} is halted.` : "Trading is halted.", "bad");
        },
    });
}

/** Asks before trading goes on. */
export function askResume(scope = "all") {
    const name = part(scope);
    return confirm(name ? `Let ${name} trade again?` : "Resume trading?", h("p", {}, "Strategies may place orders again from now on, within their limits."), {
        submit: name ? "Let it trade again" : "Resume trading",
        async work() {
            setHalt(await post("/resume", { scope }));
            notice(name ? `${capital(name)} may trade again.` : "Trading goes on.", "good");
        },
    });
}

// Open orders of all strategies, and the stop-losses and take-profits that the host holds for them.

import { h, fill } from "../dom.js";
import { get, post, items } from "../api.js";
import { dataTable, empty, number, when, sideText, orderBadge, searchBox, stat, button, confirm } from "../ui.js";
import { bracketColumns } from "../brackets.js";
import { isOperator } from "../store.js";
import { units, format, times, sum, money } from "../decimal.js";
import { humanise } from "../words.js";
import { storyButton } from "../story.js";

export async function open(context) {
    const { place } = context;
    let names = new Map();
    let all = null; // Not known yet.
    let words = "";
    const strip = h("div", { class: "stats" });
    const table = dataTable({
        label: "Open orders", key: (one) => one.id, link: (one) => `#/strategies/${encodeURIComponent(one.strategy)}/orders`,
        columns: [
            { label: "Strategy", main: true, render: (one) => h("a", { class: "name", href: `#/strategies/${encodeURIComponent(one.strategy)}/orders` }, names.get(one.strategy) ?? one.strategy), sort: (one) => names.get(one.strategy) ?? one.strategy },
            { label: "Instrument", render: (one) => h("strong", {}, one.symbol), sort: (one) => one.symbol },
            { label: "Side", render: (one) => sideText(one.side), sort: (one) => one.side },
            { label: "Type", render: (one) => [humanise(one.order_type ?? ""), h("span", { class: "muted" }, one.time_in_force ? " " + one.time_in_force.toUpperCase() : "")] },
            { label: "Quantity", right: true, render: (one) => number(one.quantity), sort: (one) => units(one.quantity) },
            { label: "Price", right: true, render: (one) => number(one.price ?? one.stop_price), sort: (one) => units(one.price ?? one.stop_price) },
            { label: "Filled", right: true, flash: true, render: (one) => number(one.filled_quantity ?? "0") },
            { label: "Status", flash: true, render: (one) => orderBadge(one.status), sort: (one) => one.status },
            { label: "Since", right: true, wide: true, render: (one) => when(one.created_at), sort: (one) => one.created_at },
            { label: "", right: true, render: (one) => storyButton(one.id) },
        ],
        empty: () => (all.length ? empty("Nothing matches", "No open order holds these words.") : empty("No open orders", "Limit and stop orders that wait in the market are listed here until they fill, expire or are cancelled.", h("a", { class: "button", href: "#/strategies" }, "See the strategies"))),
    });

    const nameColumn = { label: "Strategy", main: true, render: (one) => h("a", { class: "name", href: `#/strategies/${encodeURIComponent(one.strategy)}/brackets` }, names.get(one.strategy) ?? one.strategy), sort: (one) => names.get(one.strategy) ?? one.strategy };
    const takeAway = (one) => confirm("Take this stop away?", h("p", {}, `${one.quantity} ${one.symbol} of ${names.get(one.strategy) ?? one.strategy} will be protected no longer. The position stays.`), {
        submit: "Take it away", tone: "danger",
        async work() {
            await post(`/brackets/${encodeURIComponent(one.id)}/cancel`, {});
            await refresh();
        },
    });
    const held = dataTable({
        label: "Held stops", key: (one) => one.id,
        columns: [...bracketColumns([nameColumn]),
            ...(isOperator() ? [{ label: "", render: (one) => h("div", { class: "actions" }, button("Take away", { small: true, tone: "bare quiet-danger", onclick: () => takeAway(one) })) }] : [])],
        empty: () => empty("Nothing is held", "Stop-losses and take-profits that strategies ask for with their orders are held here, also while their strategies do not run."),
    });

    function draw() {
        if (!all) return;
        table.set(all.filter((one) => words === "" || [names.get(one.strategy), one.strategy, one.symbol, one.side, one.status].join(" ").toLowerCase().includes(words)));
        const value = (side) => money(sum(...all.filter((one) => String(one.side).toUpperCase() === side).map((one) => times(one.quantity, one.price ?? one.stop_price))));
        fill(strip, stat("Open orders", format(all.length)), stat("To buy", value("BUY"), "at their prices"), stat("To sell", value("SELL"), "at their prices"),
            stat("Unknown", format(all.filter((one) => one.status === "unknown").length), "being asked for again"));
    }
    fill(strip, ["Open orders", "To buy", "To sell", "Unknown"].map((label) => stat(label, "–")));

    async function refresh() {
        const [orders, brackets] = await Promise.all([get("/positions/orders?limit=500", { signal: context.signal }), get("/brackets?limit=500", { signal: context.signal })]);
        all = items(orders);
        held.set(items(brackets));
        draw();
    }
    fill(place, h("div", { class: "page-head" }, h("h1", {}, "Open orders")),
        h("div", { class: "stack" }, strip, h("section", { class: "panel flush cardy", "aria-label": "Open orders" },
            h("header", {}, h("div", { class: "grow" }), searchBox("Find an order", (text) => { words = text; draw(); })), h("div", { class: "body" }, table.element)),
            h("section", { class: "panel flush cardy", "aria-label": "Held stops" }, h("header", {}, h("h2", {}, "Held stops")), h("div", { class: "body" }, held.element))));
    get("/strategies?limit=500", { signal: context.signal }).then((answer) => { names = new Map(items(answer).map((one) => [one.id, one.name])); draw(); }).catch(() => {});
    let timer = null;
    const soon = () => { timer ??= setTimeout(() => { timer = null; refresh().catch(() => {}); }, 700); };
    context.dispose(() => clearTimeout(timer));
    for (const topic of ["order", "fill", "bracket", "opened"]) context.on(topic, soon);
    context.every(5000, soon);
    try {
        await refresh();
    } catch (error) {
        for (const one of [table, held]) one.fail(error, context.reload);
    }
}

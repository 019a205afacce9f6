// Positions and P&L over all strategies.

import { h, fill } from "../dom.js";
import { get, items } from "../api.js";
import { dataTable, empty, number, profit, moneyText, panel, stat } from "../ui.js";
import { average, units, minus, money, sum, times } from "../decimal.js";

export async function open(context) {
    const { place } = context;
    let names = new Map();
    const strip = h("div", { class: "stats" }, ["P&L", "Realised", "Open", "Fees"].map((label) => stat(label, "–")));
    const strategyLink = (id) => h("a", { class: "name", href: "#/strategies/" + encodeURIComponent(id) }, names.get(id) ?? id);
    // The host tells what was realised and the fees apart; here, as everywhere on these pages, it is after fees.
    const realised = (one) => minus(one.realised_pnl, one.fees);
    const positions = dataTable({
        label: "Open positions", key: (one) => [one.strategy, one.account, one.symbol].join("/"), link: (one) => "#/strategies/" + encodeURIComponent(one.strategy),
        columns: [
            { label: "Strategy", main: true, render: (one) => strategyLink(one.strategy), sort: (one) => names.get(one.strategy) ?? one.strategy },
            { label: "Instrument", render: (one) => h("strong", {}, one.symbol), sort: (one) => one.symbol },
            { label: "Account", wide: true, render: (one) => one.account, sort: (one) => one.account },
            { label: "Quantity", right: true, flash: true, render: (one) => number(one.quantity, { sign: true }), sort: (one) => units(one.quantity) },
            { label: "Average", right: true, render: (one) => h("span", { class: "num" }, average(one.average_price)) },
            { label: "Last", right: true, flash: true, render: (one) => number(one.last_price) },
            { label: "Value", right: true, wide: true, render: (one) => moneyText(times(one.quantity, one.last_price)), sort: (one) => units(times(one.quantity, one.last_price)) },
            { label: "Open P&L", right: true, flash: true, render: (one) => profit(one.unrealised_pnl), sort: (one) => units(one.unrealised_pnl) },
            { label: "Realised", right: true, render: (one) => profit(realised(one)), sort: (one) => units(realised(one)) },
            { label: "Fees", right: true, wide: true, render: (one) => moneyText(one.fees) },
        ],
        empty: () => empty("Nothing is held", "When a strategy buys or sells, its position appears here, valued at the last price.", h("a", { class: "button", href: "#/strategies" }, "See the strategies")),
    });
    const total = (one) => sum(realised(one), one.unrealised_pnl);
    const split = (label, name, id) => dataTable({
        label, key: (one) => `${id(one)}/${one.currency}`, columns: [
            { label: name, main: true, render: (one) => (one.strategy ? strategyLink(one.strategy) : h("strong", {}, one.symbol)), sort: (one) => id(one) },
            { label: "Currency", wide: true, render: (one) => h("span", { class: "muted" }, one.currency ?? "") },
            { label: "Realised", right: true, render: (one) => profit(realised(one)), sort: (one) => units(realised(one)) },
            { label: "Open", right: true, render: (one) => profit(one.unrealised_pnl), sort: (one) => units(one.unrealised_pnl) },
            { label: "Fees", right: true, wide: true, render: (one) => moneyText(one.fees) },
            { label: "Total", right: true, flash: true, render: (one) => profit(total(one)), sort: (one) => units(total(one)) },
        ], empty: () => empty("No P&L yet", "It is a sum over fills; there are none."), order: { index: 5, down: true },
    });
    const byStrategy = split("P&L by strategy", "Strategy", (one) => one.strategy);
    const bySymbol = split("P&L by instrument", "Instrument", (one) => one.symbol);

    async function refresh() {
        const [held, pnl] = await Promise.all([get("/positions?limit=500", { signal: context.signal }), get("/positions/pnl", { signal: context.signal })]);
        positions.set(items(held).filter((one) => units(one.quantity) !== 0n));
        byStrategy.set(pnl.by_strategy ?? []);
        bySymbol.set(pnl.by_symbol ?? []);
        const totals = (pnl.total ?? []).length ? pnl.total : [{ currency: "", realised_pnl: "0", unrealised_pnl: "0", fees: "0" }];
        fill(strip, totals.flatMap((one) => [
            stat(`P&L ${one.currency}`, profit(total(one)), "realised and open"), stat(`Realised ${one.currency}`, profit(realised(one)), "after fees"),
            stat(`Open ${one.currency}`, profit(one.unrealised_pnl), "at last prices"), stat(`Fees ${one.currency}`, money(one.fees), "paid so far")]));
    }

    fill(place, h("div", { class: "page-head" }, h("h1", {}, "Positions & P&L")),
        h("div", { class: "stack" }, strip,
            h("section", { class: "panel flush cardy", "aria-label": "Open positions" }, h("header", {}, h("h2", {}, "Open positions")), h("div", { class: "body" }, positions.element)),
            h("div", { class: "halves" }, panel("By strategy", byStrategy.element, { flush: true }), panel("By instrument", bySymbol.element, { flush: true }))));
    get("/strategies?limit=500", { signal: context.signal }).then((answer) => { names = new Map(items(answer).map((one) => [one.id, one.name])); return refresh(); }).catch(() => {});
    let timer = null;
    const soon = () => { timer ??= setTimeout(() => { timer = null; refresh().catch(() => {}); }, 1000); };
    context.dispose(() => clearTimeout(timer));
    for (const topic of ["fill", "position", "pnl", "opened"]) context.on(topic, soon);
    context.every(5000, soon);
    try {
        await refresh();
    } catch (error) {
        for (const table of [positions, byStrategy, bySymbol]) table.fail(error, context.reload);
    }
}

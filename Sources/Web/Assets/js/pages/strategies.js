// The list of strategies: what runs, what it earns, and what needs attention.

import { h, fill, icon } from "../dom.js";
import { get, post, items } from "../api.js";
import { stateBadge, profit, moneyText, dataTable, empty, stat, button, notice, searchBox, choices } from "../ui.js";
import { sum, units, money, sign } from "../decimal.js";
import { ago, bytes, count, isAlive, trouble } from "../words.js";
import { isOperator, store } from "../store.js";
import { askStart, askStop } from "./start.js";

const pnl = (status) => sum(status?.realised_pnl, status?.unrealised_pnl);

function positionText(status) {
    const open = (status?.position ?? []).filter((one) => sign(one.quantity) !== 0);
    if (open.length === 0) return h("span", { class: "muted" }, "–");
    return open.slice(0, 2).map((one, index) => h("span", { class: "num" }, (index ? ", " : "") + one.quantity + " " + one.symbol))
        .concat(open.length > 2 ? [` +${open.length - 2}`] : []);
}

export async function open(context) {
    const { place } = context;
    let all = [];
    let words = "";
    let filter = "all";
    const strip = h("div", { class: "stats" });
    
    const link = (strategy) => "#/strategies/" + encodeURIComponent(strategy.id);

    const columns = [
        {
            label: "Strategy", main: true, sort: (one) => one.name.toLowerCase(),
            render: (one) => [h("a", { class: "name", href: link(one) }, one.name), h("span", { class: "sub" },
                [one.config?.pair, one.config?.resolution, isOperator() && one.owner !== store.user.name ? "by " + one.owner : null].filter(Boolean).join(" · ") || one.kind)],
        },
        { label: "State", full: true, sort: (one) => one.status?.state, render: (one) => [stateBadge(one.status?.state), trouble(one.status) ? h("span", { class: "sub", title: one.status.reason }, trouble(one.status)) : one.status?.violations && isAlive(one.status.state) ? h("span", { class: "sub" }, `refused ${count(one.status.violations, "call")}`) : null] },
        { label: "Account", wide: true, sort: (one) => one.status?.account, render: (one) => isAlive(one.status?.state) ? [one.status.account ?? "–", h("span", { class: "sub" }, one.status.feed ?? "")] : h("span", { class: "muted" }, "–") },
        { label: "Position", full: true, render: (one) => positionText(one.status), flash: true },
        { label: "Equity", right: true, sort: (one) => units(one.status?.equity), render: (one) => moneyText(one.status?.equity), flash: true },
        { label: "P&L", right: true, sort: (one) => units(pnl(one.status)), render: (one) => one.status?.account ? profit(pnl(one.status)) : h("span", { class: "muted" }, "–"), flash: true },
        { label: "Memory", right: true, wide: true, sort: (one) => one.status?.usage?.memory_bytes, render: (one) => h("span", { class: "num muted" }, isAlive(one.status?.state) ? bytes(one.status?.usage?.memory_bytes) : "–") },
        { label: "Since", right: true, wide: true, sort: (one) => one.status?.since, render: (one) => h("span", { class: "num muted" }, ago(one.status?.since ?? one.created_at)) },
        { label: "", render: (one) => rowActions(one) },
    ];
    const table = dataTable({
        columns, key: (one) => one.id, label: "Strategies", link,
        stamp: (one) => (Date.now() - (one.status?.since ?? 0) > 60000 ? one.status : undefined),
        empty: () => all.length === 0
            ? empty("No strategies yet", "Upload a Python file or a zip with strategy.json. It is checked at once, then runs confined, first on the paper account.", h("a", { class: "button primary", href: "#/upload" }, icon("upload"), "Upload a strategy"))
            : empty("Nothing matches", "No strategy has this name and state.", button("Show all", { onclick: context.reload })),
    });

    function rowActions(strategy) {
        const state = strategy.status?.state;
        const id = strategy.id;
        const find = () => all.find((one) => one.id === id);
        const act = (name, title, work) => button("", { icon: name, title: `${title} ${strategy.name}`, tone: "bare", small: true, onclick: work });
        const buttons = [];
        if (!isAlive(state)) buttons.push(act("start", "Start", async () => { if (await askStart(find())) refresh(); }));
        if (state === "running") buttons.push(act("pause", "Pause", () => command(id, "pause")));
        if (state === "paused") buttons.push(act("start", "Resume", () => command(id, "resume")));
        if (isAlive(state) && state !== "stopping") buttons.push(act("stop", "Stop", async () => { if (await askStop(find())) refresh(); }));
        return h("div", { class: "actions" }, buttons);
    }

    async function command(id, verb) {
        await post(`/strategies/${encodeURIComponent(id)}/${verb}`);
        notice(verb === "pause" ? "Paused: it may not trade until it is resumed." : "Resumed.", "good");
        await refresh();
    }

    function draw() {
        const shown = all.filter((one) => {
            const state = one.status?.state;
            const kept = filter === "all" || (filter === "alive" && isAlive(state)) || (filter === "trouble" && ["quarantined", "backing_off"].includes(state)) || (filter === "stopped" && !isAlive(state));
            return kept && (words === "" || [one.name, one.owner, one.config?.pair, one.id].join(" ").toLowerCase().includes(words));
        });
        table.set(shown);
        const running = all.filter((one) => isAlive(one.status?.state));
        const held = all.filter((one) => one.status?.state === "quarantined").length;
        fill(strip, stat("Running", `${running.length} of ${all.length}`, held ? `${held} in quarantine` : "none in quarantine"),
            amounts("Equity at work", running, (one) => one.status?.equity, (value) => money(value), "running now"),
            amounts("P&L", all, (one) => pnl(one.status), profit, "in all"),
            amounts("Realised", all, (one) => one.status?.realised_pnl, profit, "after fees"),
            amounts("Open", all, (one) => one.status?.unrealised_pnl, profit, "at last prices"));
    }

    /** A figure summed for each currency apart: the most used one large, the others in the note. */
    function amounts(label, list, value, show, note) {
        const byCurrency = new Map();
        for (const one of list) {
            if (!one.status?.account) continue;
            const currency = one.status.currency ?? "";
            byCurrency.set(currency, [...(byCurrency.get(currency) ?? []), value(one)]);
        }
        const [first, ...others] = [...byCurrency].sort((a, b) => b[1].length - a[1].length).map(([currency, values]) => [currency, sum(...values)]);
        if (!first) return stat(label, show("0"), note);
        return stat(label, show(first[1]), others.length ? [first[0], ...others.map(([currency, value]) => [" · ", show(value), " " + currency])] : `${first[0]} ${note}`);
    }

    async function refresh() {
        all = items(await get("/strategies?limit=500", { signal: context.signal }));
        draw();
        return undefined;
    }

    let drawing = null;
    const soon = () => { drawing ??= setTimeout(() => { drawing = null; draw(); }, all.length > 40 ? 1000 : 250); };
    context.dispose(() => clearTimeout(drawing));
    context.on("status", (event) => {
        const found = all.find((one) => one.id === event.strategy);
        if (!found) {
            refresh().catch(() => {});
            return;
        }
        const { strategy, ...status } = event;
        found.status = { ...found.status, ...status };
        soon();
    });
    context.on("pnl", (event) => {
        const found = all.find((one) => one.id === event.strategy);
        if (found) {
            const { strategy, time, ...status } = event;
            found.status = { ...found.status, ...status };
            soon();
        }
    });
    context.on("strategy", () => refresh().catch(() => {}));
    context.on("opened", (again) => { if (again) refresh().catch(() => {}); });
    context.every(20000, () => refresh().catch(() => {}));

    fill(place,
        h("div", { class: "page-head" }, h("h1", {}, "Strategies"), h("div", { class: "grow" }),
            h("a", { class: "button primary", href: "#/upload", "aria-keyshortcuts": "u" }, icon("upload"), "Upload")),
        h("div", { class: "stack" }, strip,
            h("section", { class: "panel flush cardy" },
                h("header", {}, choices("Which strategies", [{ value: "all", label: "All" }, { value: "alive", label: "Running" }, { value: "trouble", label: "In trouble" }, { value: "stopped", label: "Not running" }], filter, (value) => { filter = value; draw(); }),
                    h("div", { class: "grow" }), searchBox("Find a strategy", (text) => { words = text; draw(); })),
                h("div", { class: "body" }, table.element))));
    fill(strip, ["Running", "Equity at work", "P&L", "Realised", "Open"].map((label) => stat(label, "–")));
    try {
        await refresh();
    } catch (error) {
        table.fail(error, context.reload);
    }
}

// One strategy: its state with the cause in words, charts, log, signals, orders, fills, code and settings, all live.

import { h, fill, icon, patch } from "../dom.js";
import { get, post, follow, items, query } from "../api.js";
import { stateBadge, badge, profit, moneyText, number, when, sideText, orderBadge, dataTable, empty, stat, button, notice, callout, panel, meter, facts, fault, dialog, confirm, field, form, copyable, loading, announce } from "../ui.js";
import { average, sum, units, money, format, times, sign, percent } from "../decimal.js";
import { ago, bytes, duration, isAlive, stateWord, humanise, clock, count, trouble } from "../words.js";
import { chart } from "../charts.js";
import { logView } from "../log.js";
import { codeView } from "../code.js";
import { zip } from "../zip.js";
import { storyButton } from "../story.js";
import { askStart, askStop, askDelete } from "./start.js";
import { configFacts, bundleForm, problemBox } from "./upload.js";
import { haltOf, haltWords } from "../halts.js";
import { store, isOperator, setHalt } from "../store.js";
import { bracketColumns } from "../brackets.js";
import { promotionTab, runsTab } from "../promotion.js";

const tabs = [
    ["overview", "Overview"], ["log", "Log"], ["signals", "Signals"], ["orders", "Orders"], ["brackets", "Stops"], ["fills", "Fills"], ["runs", "Runs"], ["promotion", "Promotion"], ["code", "Code"], ["settings", "Settings"],
];

export async function open(context) {
    const { place } = context;
    const id = context.parts[0];
    const base = "/strategies/" + encodeURIComponent(id);
    const strategy = await get(base, { signal: context.signal });
    strategy.status ??= {};
    context.title(strategy.name);

    const shared = { strategy, base, context, log: [], listeners: new Set(), cpu: null, lastUsage: null, candles: [], fills: [], equity: [], refusals: [], refusalsSeen: null };
    const say = (type, data) => { for (const listener of [...shared.listeners]) listener(type, data); };

    const headTitle = h("div", { class: "head-title" });
    const headActions = h("div", { class: "actions" });
    const head = h("div", { class: "page-head" }, headTitle, headActions);
    const haltPlace = h("div", { class: "cause-place" });
    const cause = h("div", { class: "cause-place" });
    const strip = h("div", { class: "stats" });
    const tabBar = h("nav", { class: "tabs", "aria-label": "Parts of this strategy" });
    const body = h("div", { class: "tab-body" });
    fill(place, head, haltPlace, cause, strip, tabBar, body);

    let lastState = strategy.status.state;
    function drawHead() {
        const { status } = strategy;
        const state = status.state;
        const act = (label, name, verb, tone) => button(label, { icon: name, tone, onclick: async () => {
            await post(`${base}/${verb}`);
            notice(`${label}: ${strategy.name}`, "good");
            await refreshStatus();
        } });
        const buttons = [];
        if (!isAlive(state)) buttons.push(button(state === "quarantined" ? "Start again" : "Start", { icon: "start", tone: "primary", onclick: start }));
        if (state === "running") buttons.push(act("Pause", "pause", "pause"));
        if (state === "paused") buttons.push(act("Resume", "start", "resume", "primary"));
        if (isAlive(state) && state !== "stopping") {
            buttons.push(act("Restart", "restart", "restart"));
            buttons.push(button("Stop", { icon: "stop", tone: "quiet-danger", onclick: async () => { if (await askStop(strategy)) await refreshStatus(); } }));
        }
        buttons.push(button("", { icon: "more", title: "More", onclick: openMore }));
        patch(headTitle, h("h1", {}, h("a", { class: "crumb", href: "#/strategies", "aria-label": "Back to all strategies" }, icon("back")), h("span", {}, strategy.name)), stateBadge(state),
            h("span", { class: "muted" }, [strategy.config?.pair, strategy.config?.resolution, isAlive(state) ? `${status.account ?? "paper"} on ${status.feed ?? "simulated"}` : null].filter(Boolean).join(" · ")));
        // The buttons depend on the state alone; they are kept while it lasts, and the focus with them.
        if (headActions.dataset.state !== String(state)) {
            headActions.dataset.state = String(state);
            fill(headActions, buttons);
        }
    }

    function drawCause() {
        const { status } = strategy;
        const halt = halted();
        const shared = haltOf("account:" + status.account);
        const venue = haltOf("venue:" + status.venue);
        patch(haltPlace, halt ? callout("bad", "This strategy is halted", h("p", {}, "Its orders are denied. " + haltWords(halt))) : null,
            shared ? callout("bad", `Its account, ${status.account}, is halted`, h("p", {}, "Its orders are denied. " + haltWords(shared))) : null,
            venue ? callout("bad", `Its venue, ${status.venue}, is halted`, h("p", {}, "Its orders are denied. " + haltWords(venue))) : null);
        const reason = status.reason ? String(status.reason) : "";
        const [line, ...rest] = reason.split("\n");
        // The host says what happened, then what it has to do with a limit or a rule.
        const [first, ...hints] = capital(line).replace(/^Forbidden system call: ([^:]*\)): /, "Killed for a forbidden system call, $1; ").split("; ");
        const details = [hints.map((one) => h("p", {}, withCode(sentence(one)))), rest.length ? h("pre", { tabindex: "0" }, rest.join("\n")) : null];
        if (status.state === "quarantined") {
            patch(cause, callout("bad", first || "In quarantine", details, h("p", {}, "It stays down until somebody starts it again. Mend it, upload a new version, then start it.")));
        } else if (status.state === "backing_off") {
            const left = status.next_start ? Math.max(0, status.next_start - Date.now()) : null;
            patch(cause, callout("warn", first || "It ended by itself", details, h("p", {}, left === null ? "It will be started again." : `It is started again in ${duration(left)}.`, status.restarts ? ` ${count(status.restarts, "restart")} so far.` : "")));
        } else if (reason && status.state === "stopped") {
            patch(cause, callout(trouble(status) ? "warn" : "info", first, details));
        } else if (status.state === "paused") {
            patch(cause, callout("warn", "Paused", h("p", {}, (reason ? reason + ". " : "") + "Its process is kept, but it may not trade until it is resumed.")));
        } else if (reason && ["starting", "stopping"].includes(status.state)) {
            patch(cause, callout("info", first, details));
        } else patch(cause);
    }

    function drawStrip() {
        const { status } = strategy;
        const open = (status.position ?? []).filter((one) => sign(one.quantity) !== 0);
        const total = sum(status.realised_pnl, status.unrealised_pnl);
        const share = status.capital ? percent(total, status.capital) : null;
        const isUp = ["running", "paused", "ready"].includes(status.state);
        const known = status.equity !== null && status.equity !== undefined;
        patch(strip,
            stat("Equity", known ? money(status.equity) : "–", status.capital ? `of ${money(status.capital)} capital` : "no run yet"),
            stat("P&L", known ? profit(total) : "–", share === null ? "\u00a0" : format(share, { places: 2, sign: true }) + " %"),
            stat("Realised", known ? profit(status.realised_pnl) : "–", "after fees"),
            stat("Open", known ? profit(status.unrealised_pnl) : "–", "at the last price"),
            stat("Position", open.length ? h("span", { class: "num" }, format(open[0].quantity, { sign: true })) : "flat", open.length ? `${open[0].symbol} at ${average(open[0].average_price)}${open.length > 1 ? ` and ${open.length - 1} more` : ""}` : strategy.config?.pair ?? "\u00a0"),
            stat(isUp ? "Up" : "Since", status.since ? (isUp ? duration(Date.now() - status.since) : ago(status.since)) : "–", `${count(status.restarts ?? 0, "restart")}${status.pid ? ` · pid ${status.pid}` : ""}`));
    }

    function drawAll() {
        drawHead();
        drawCause();
        drawStrip();
    }

    async function start() {
        if (await askStart(strategy)) await refreshStatus();
    }

    function openMore() {
        dialog(strategy.name, (close) => h("div", { class: "side-list" },
            entry("upload", "Upload a new version", () => { close(); location.hash = `#/upload?for=${encodeURIComponent(id)}`; }),
            entry("signal", "Send it a signal…", () => { close(); sendSignal(shared); }),
            entry("copy", "Copy its id", () => { close(); navigator.clipboard.writeText(id).then(() => notice("Copied.", "good"), fault); }),
            halted() ? (isOperator() ? entry("halt", "Let it trade again", () => { close(); resumeOne().catch(fault); }) : null)
                : entry("halt", "Halt only this strategy…", () => { close(); haltOne(); }, "quiet-danger"),
            entry("trash", "Delete…", async () => { close(); if (await askDelete(strategy)) location.hash = "#/strategies"; }, "quiet-danger")));
        function entry(name, label, work, tone = "") {
            return h("button", { class: `button bare ${tone}`, type: "button", onclick: work }, icon(name), label);
        }
    }

    const scope = "strategy:" + id;
    const halted = () => haltOf(scope);

    function haltOne() {
        return confirm(`Halt ${strategy.name}?`, h("p", {}, "Its new orders are denied at once; it keeps running. Others go on trading."), {
            submit: "Halt it", tone: "danger", fields: [field({ name: "flatten", label: "Also cancel its orders and close its positions", kind: "checkbox" })],
            async work(values) { setHalt(await post("/halt", { scope, flatten: values.flatten })); },
        });
    }

    async function resumeOne() {
        setHalt(await post("/resume", { scope }));
        notice(`${strategy.name} may trade again.`, "good");
    }

    function takeStatus(status) {
        const usage = status.usage;
        if (usage && Number.isFinite(usage.cpu_seconds)) {
            const now = Date.now();
            const before = shared.lastUsage;
            if (before && usage.cpu_seconds >= before.cpu && now - before.at >= 900) {
                shared.cpu = (usage.cpu_seconds - before.cpu) / ((now - before.at) / 1000);
                shared.lastUsage = { cpu: usage.cpu_seconds, at: now };
            } else if (!before || usage.cpu_seconds < before.cpu) {
                shared.lastUsage = { cpu: usage.cpu_seconds, at: now };
                shared.cpu = null;
            }
        }
        strategy.status = { ...strategy.status, ...status };
        if (strategy.status.state !== lastState) {
            lastState = strategy.status.state;
            announce(`${strategy.name}: ${stateWord(lastState).word}. ${strategy.status.reason ?? ""}`);
        }
        drawAll();
        say("status", strategy.status);
        const seen = `${strategy.status.run} ${strategy.status.violations}`;
        if (seen !== shared.refusalsSeen) {
            shared.refusalsSeen = seen;
            loadRefusals().catch((error) => { if (error.name !== "AbortError" && error.status !== 404) fault(error); });
        }
    }

    async function loadRefusals() {
        shared.refusals = items(await get(base + "/violations", { signal: context.signal }));
        say("refusals");
    }

    async function refreshStatus() {
        takeStatus(await get(base + "/status", { signal: context.signal }));
    }

    function takeEvent(type, data) {
        if (type === "status") takeStatus(data);
        else if (type === "pnl") {
            const { time, ...status } = data;
            takeStatus(status);
            say(type, data);
        } else if (type === "position") {
            const others = (strategy.status.position ?? []).filter((one) => one.symbol !== data.symbol);
            takeStatus({ position: [...others, data] });
        } else {
            if (type === "log") {
                shared.log.push(data);
                if (shared.log.length > 5000) shared.log.splice(0, 1000);
            }
            say(type, data);
        }
    }

    takeStatus(strategy.status);
    context.on("halt", drawAll);
    const stream = follow(base + "/events", {
        onEvent: takeEvent,
        onOpen(again) {
            if (!again) return;
            refreshStatus().then(() => say("again")).catch((error) => { if (error.status === 404) context.reload(); });
            catchUp().catch(() => {}); // The next reconnect tries again.
        },
    });
    context.dispose(() => stream.close());
    context.every(1000, () => { drawStrip(); if (strategy.status.state === "backing_off") drawCause(); });
    context.every(10000, () => refreshStatus().catch(() => {}));

    function takeLines(lines) {
        const seen = new Set(shared.log.map((line) => line.seq));
        shared.log = [...lines.filter((line) => !seen.has(line.seq)), ...shared.log].sort((a, b) => a.seq - b.seq);
        say("log-loaded");
    }

    let loadedTo = 0; // The last line that came by request and not by stream, which may have holes after it.
    async function catchUp() {
        const answer = items(await get(base + "/logs" + query({ limit: loadedTo ? 1000 : 500, after: loadedTo || null }), { signal: context.signal }));
        loadedTo = answer.at(-1)?.seq ?? loadedTo;
        takeLines(answer);
    }
    catchUp().catch((error) => { if (error.name !== "AbortError") fault(error); });

    let shown = null;
    function showTab(parts) {
        const name = tabs.some(([path]) => path === parts[1]) ? parts[1] : "overview";
        if (shown?.name === name && shown.rest === parts.slice(2).join("/")) return;
        shown?.stop();
        fill(tabBar, tabs.map(([path, label]) => h("a", { href: `#/strategies/${encodeURIComponent(id)}${path === "overview" ? "" : "/" + path}`, "aria-current": path === name ? "page" : null }, label)));
        const disposals = [];
        shown = { name, rest: parts.slice(2).join("/"), stop: () => { for (const work of disposals.splice(0)) work(); } };
        const tab = {
            ...shared, shared, parts: parts.slice(2),
            dispose: (work) => disposals.push(work),
            listen(work) {
                shared.listeners.add(work);
                disposals.push(() => shared.listeners.delete(work));
            },
            start,
        };
        const fresh = h("div", { class: "tab-body" });
        body.replaceChildren(fresh);
        fill(fresh, builders[name](tab));
        tabBar.querySelector('[aria-current="page"]')?.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    showTab(context.parts);
    context.dispose(() => shown?.stop());
    context.handle((parts) => {
        if (parts[0] !== id) return false;
        showTab(parts);
        return true;
    });
}

const builders = { overview, log: logTab, signals: signalsTab, orders: ordersTab, brackets: bracketsTab, fills: fillsTab, runs: runsTab, promotion: promotionTab, code: codeTab, settings: settingsTab };

// MARK: - Overview

function overview(tab) {
    const { strategy, base, context } = tab;
    const price = chart("price", { emptyText: isAlive(strategy.status.state) ? "Waiting for the first candles…" : "Start the strategy to see its market here." });
    const equity = chart("equity", { emptyText: "The equity of its runs is drawn here." });
    tab.dispose(() => { price.dispose(); equity.dispose(); });
    let candles = [];
    let points = [];
    let fills = [];

    const symbolSelect = h("select", { "aria-label": "Instrument", class: "small-select", hidden: true });
    let symbol = strategy.config?.pair ?? null;
    symbolSelect.addEventListener("change", () => { symbol = symbolSelect.value; candles = []; loadCandles().catch(fault); });

    async function loadCandles(limit = 500) {
        const answer = items(await get(base + "/candles" + query({ symbol, limit }), { signal: context.signal }));
        const known = new Map(candles.map((one) => [one.time, one]));
        for (const one of answer) known.set(one.time, one);
        candles = [...known.values()].sort((a, b) => a.time - b.time).slice(-1500);
        price.setCandles(candles);
        price.setFills(fills.filter((one) => !symbol || one.symbol === symbol));
        drawAverage();
    }

    function drawAverage() {
        const mine = (strategy.status.position ?? []).find((one) => (!symbol || one.symbol === symbol) && sign(one.quantity) !== 0);
        price.setAverage(mine?.average_price ?? null);
    }

    const position = h("div", {});
    const usage = h("div", {});
    const recent = h("div", { class: "recent" });
    const log = logView({ short: true });
    log.add(tab.shared.log.slice(-200));
    requestAnimationFrame(() => log.bottom());

    function drawSide() {
        const { status } = strategy;
        const open = (status.position ?? []).filter((one) => sign(one.quantity) !== 0);
        patch(position, open.length ? open.map((one) => facts([
            ["Instrument", h("strong", {}, one.symbol)], ["Quantity", number(one.quantity, { sign: true })], ["Average price", h("span", { class: "num" }, average(one.average_price))],
            one.last_price ? ["Last price", number(one.last_price)] : null,
            ["Open P&L", profit(one.unrealised_pnl)], ["Realised", profit(one.realised_pnl)], ["Fees", moneyText(one.fees)],
        ])) : h("p", { class: "muted" }, isAlive(status.state) ? "Flat: it holds nothing now." : "Nothing held. Start it to trade."));
        const use = status.usage ?? {};
        const cores = strategy.config?.cpu_share ? Number(strategy.config.cpu_share) : 0.5;
        const cpu = tab.shared.cpu;
        patch(usage, isAlive(status.state) ? [
            meter("CPU", cpu === null ? 0 : cpu / cores, cpu === null ? `${(use.cpu_seconds ?? 0).toFixed(1)} s used` : `${(cpu * 100).toFixed(1)} % of ${Math.round(cores * 100)} %`),
            meter("Memory", use.memory_limit_bytes ? use.memory_bytes / use.memory_limit_bytes : 0, `${bytes(use.memory_bytes)} of ${bytes(use.memory_limit_bytes)}`),
            use.cpu_throttled_share > 0.005 ? meter("Held back", use.cpu_throttled_share, `${Math.round(use.cpu_throttled_share * 100)} % of the last minute`) : null,
            use.cpu_throttled_share > 0.25 ? h("p", { class: "hint" }, "It wants more than its share of processor. Compute less at each price, or set cpu_share in strategy.json.") : null,
            facts([["Lines in / out", h("span", { class: "num" }, `${format(use.lines_in ?? 0)} / ${format(use.lines_out ?? 0)}`)],
                ["Lines dropped", h("span", { class: use.lines_dropped ? "num down" : "num" }, format(use.lines_dropped ?? 0))],
                use.memory_peak_bytes ? ["Most memory", bytes(use.memory_peak_bytes)] : null,
                use.cpu_throttled_seconds ? ["Held back in all", `${Number(use.cpu_throttled_seconds).toFixed(1)} s`] : null,
                ["Profile", strategy.profile ?? "–"],
                status.start ? ["Started", `${status.start.door} in ${Number(status.start.milliseconds).toFixed(1)} ms`] : null,
                status.limits?.not_promised?.length ? ["Not promised here", status.limits.not_promised.join(", ")] : null,
                ...Object.entries(status.metrics ?? {}).map(([name, value]) => [name, h("span", { class: "num" }, average(value))])]),
        ] : use.cpu_seconds > 0 ? [
            facts([use.memory_peak_bytes ? ["Most memory", use.memory_limit_bytes ? `${bytes(use.memory_peak_bytes)} of ${bytes(use.memory_limit_bytes)}` : bytes(use.memory_peak_bytes)] : null,
                ["Processor time", `${Number(use.cpu_seconds).toFixed(1)} s`],
                use.cpu_throttled_seconds ? ["Held back in all", `${Number(use.cpu_throttled_seconds).toFixed(1)} s`] : null,
                ["Lines in / out", h("span", { class: "num" }, `${format(use.lines_in ?? 0)} / ${format(use.lines_out ?? 0)}`)]]),
            h("p", { class: "hint" }, "Of its last run."),
        ] : h("p", { class: "muted" }, "Measured while it runs."));
        patch(recent, fills.length ? h("ul", { class: "recent-list" }, [...fills].sort((a, b) => b.time - a.time).slice(0, 6).map((one) =>
            h("li", {}, when(one.time), sideText(one.side), h("span", { class: "num" }, format(one.quantity)), h("span", { class: "num" }, "@ " + format(one.price))))) : h("p", { class: "muted" }, "No fills yet."));
    }

    const refused = h("div", {});
    const drawRefusals = () => patch(refused, refusalsPanel(tab.shared.refusals));

    drawSide();
    drawRefusals();
    tab.listen((type, data) => {
        if (type === "refusals") drawRefusals();
        if (type === "status") { drawSide(); drawAverage(); }
        if (type === "pnl" && data.equity !== undefined) {
            points.push({ time: data.time ?? Date.now(), equity: data.equity });
            points = points.slice(-3000);
            equity.setEquity(points);
        }
        if (type === "fill") {
            fills.push(data);
            price.setFills(fills.filter((one) => !symbol || one.symbol === symbol));
            drawSide();
        }
        if (type === "log") log.add([data]);
        if (type === "log-loaded") log.add(tab.shared.log.slice(-200));
        if (type === "again") loadCandles().catch(() => {});
    });
    const quiet = (error) => { if (error.name !== "AbortError" && error.status !== 404) fault(error); };
    get(base + "/fills?limit=200", { signal: context.signal }).then((answer) => {
        const known = new Set(fills.map((one) => one.id));
        fills = [...items(answer).filter((one) => !known.has(one.id)), ...fills];
        price.setFills(fills.filter((one) => !symbol || one.symbol === symbol));
        const symbols = [...new Set([symbol, ...fills.map((one) => one.symbol)].filter(Boolean))];
        symbolSelect.hidden = symbols.length < 2;
        fill(symbolSelect, symbols.map((one) => h("option", { value: one }, one)));
        drawSide();
    }).catch(quiet);
    get(base + "/equity", { signal: context.signal }).then((answer) => { points = [...items(answer), ...points]; equity.setEquity(points); }).catch(quiet);
    loadCandles().catch(quiet);
    const timer = setInterval(() => { if (!document.hidden && isAlive(strategy.status.state)) loadCandles(candles.length ? 5 : 500).catch(() => {}); }, 3000);
    tab.dispose(() => clearInterval(timer));

    return h("div", { class: "split" },
        h("div", { class: "stack" }, refused,
            panel(symbol ? `Price of ${symbol}` : "Price", price.element, { flush: true, actions: [symbolSelect] }),
            panel("Equity", equity.element, { flush: true }),
            panel("Log", log.element, { flush: true, actions: [h("a", { href: `#/strategies/${encodeURIComponent(strategy.id)}/log` }, "Open")] })),
        h("aside", { class: "stack" }, panel("Position", position), panel("Resources", usage), panel("Latest fills", recent),
            strategy.warnings?.length ? panel("Remarks", h("ul", { class: "bullets" }, strategy.warnings.map((one) => h("li", {}, one)))) : null));
}

// MARK: - What was refused

/** The words as a sentence of its own. */
const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);
const sentence = (words) => capital(words) + (/[.?!]$/.test(words) ? "" : ".");

/** `words` in backticks as code. */
const withCode = (words) => words.split("`").map((part, index) => (index % 2 ? h("code", {}, part) : part));

function refusalsPanel(refusals) {
    if (!refusals.length) return null;
    const now = refusals.reduce((all, one) => all + one.in_run, 0);
    const list = h("ul", { class: "refusals" }, refusals.map((one) => h("li", { class: one.fatal ? "fatal" : null },
        h("div", { class: "refusal-head" }, h("strong", {}, capital(one.words)), badge(one.fatal ? "killed for it" : one.count === 1 ? "once" : `${format(one.count)} times`, one.fatal ? "bad" : "warn")),
        h("code", { class: "refusal-call" }, `${one.system_call}(${one.arguments})`),
        h("p", {}, withCode(sentence(one.advice))),
        h("span", { class: "sub" }, one.in_run ? (one.in_run === one.count ? "in this run" : `${format(one.in_run)} in this run`) : "in an earlier run", ", last ", when(one.last)))));
    return panel("Refused by the sandbox", list, { id: "refused", actions: h("span", { class: "muted" }, now ? `${count(now, "call")} in this run` : "none in this run") });
}

// MARK: - Log and tables

function logTab(tab) {
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

function signalsTab(tab) {
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

function sendSignal(tab) {
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

function ordersTab(tab) {
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

function bracketsTab(tab) {
    const table = dataTable({
        label: "Stop-losses and take-profits", key: (one) => one.id, columns: bracketColumns(),
        empty: () => empty("Nothing is held", "Stop-losses and take-profits that come with its orders are held by the host and listed here. They work also while the strategy does not run."),
    });
    return liveTable(tab, { path: "brackets", event: "bracket", table, key: (one) => one.id, title: "Stop-losses and take-profits" });
}

function fillsTab(tab) {
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

// MARK: - Code

function codeTab(tab) {
    const { strategy, base, context } = tab;
    const place = h("div", {});
    let files = [];
    let edited = null; // Path → text, while editing.
    let current = null;
    let version = strategy.version;
    const problems = h("div", { class: "stack", "aria-live": "polite" });
    const view = codeView({ onchange: () => { if (edited) edited.set(current.path, view.text()); } });
    const list = h("div", { class: "file-list" });
    const doing = h("div", { class: "actions" });

    async function load() {
        const answer = await get(base + "/source" + query({ version }), { signal: context.signal });
        files = (answer.files ?? items(answer)).map((one) => ({ ...one }));
        current = files.find((one) => one.path === (strategy.config?.entry ?? "strategy.py")) ?? files.find((one) => one.text !== null) ?? files[0] ?? null;
        draw();
        return files.length ? [list, view.element, problems] : empty("No source here", "A native program carries no source.");
    }

    function show(file) {
        current = file;
        drawFiles();
        const text = edited?.get(file.path) ?? file.text;
        if (text === null || text === undefined) view.show(file.path, `${file.path}: ${bytes(file.size)}, not a text file.`, false);
        else view.show(file.path, text, Boolean(edited)).then(() => {
            const match = /line (\d+)/.exec(strategy.status.reason ?? "");
            view.mark(!edited && match && String(strategy.status.reason).includes(file.path) ? Number(match[1]) : null);
        });
    }

    function drawFiles() {
        fill(list, files.map((file) => h("button", { class: "chip", type: "button", "aria-pressed": String(file === current), onclick: () => show(file) }, file.path)));
    }

    function draw() {
        fill(doing, (strategy.versions?.length ?? 0) > 1 ? h("select", { "aria-label": "Version", class: "small-select", onchange: (event) => { version = event.target.value; load().catch(fault); } }, strategy.versions.map((one) => h("option", { value: one.version, selected: one.version === version || null }, `${one.version.slice(0, 10)} · ${clock(one.uploaded_at, { seconds: false })}`))) : null,
            edited ? [button("Discard", { small: true, onclick: () => { edited = null; fill(problems); draw(); } }), button("Check", { icon: "check", small: true, onclick: check }), button("Save as new version", { icon: "upload", small: true, tone: "primary", onclick: save })]
                : files.some((one) => one.text !== null) ? button("Edit", { icon: "edit", small: true, onclick: () => { edited = new Map(); draw(); } }) : null);
        if (current) show(current);
    }

    const bundle = () => {
        const all = files.filter((one) => one.text !== null && one.text !== undefined).map(({ path, text }) => ({ path, text: edited?.get(path) ?? text }));
        return new File([zip(all)], `${strategy.name}.zip`, { type: "application/zip" });
    };

    function showProblems(found) {
        fill(problems, found.length ? h("div", { class: "problems-pad" }, found.map((one) => problemBox(one, current && !(one.file && one.file !== current.path) ? view.text().split("\n") : null))) : null);
        const line = found.find((one) => one.line)?.line;
        view.mark(line ? Number(line) : null);
    }

    async function check() {
        const body = bundleForm(bundle());
        const answer = await post("/strategies/validate", undefined, { form: body });
        showProblems(answer.valid ? [] : answer.problems ?? []);
        if (answer.valid) notice("It is valid.", "good");
        return answer.valid;
    }

    async function save() {
        if (!(await check())) return;
        const answer = await post(base + "/versions", undefined, { form: bundleForm(bundle()) });
        edited = null;
        notice("Saved as a new version. It is used at the next start.", "good");
        Object.assign(strategy, { version: answer.version ?? strategy.version, versions: answer.versions ?? strategy.versions });
        version = strategy.version;
        await load();
    }

    loading(place, load, 8);
    return panel("Source", place, { flush: true, actions: doing });
}

// MARK: - Settings

function settingsTab(tab) {
    const { strategy } = tab;
    const parameters = Object.entries({ ...strategy.config?.custom_params, ...strategy.status.parameters });
    const { custom_params: hidden, ...settings } = strategy.config ?? {};
    void hidden;
    return h("div", { class: "halves" },
        panel("strategy.json", configFacts(settings)),
        h("div", { class: "stack" },
            panel("Parameters", parameters.length ? facts(parameters.map(([name, value]) => [humanise(name), h("code", {}, typeof value === "object" ? JSON.stringify(value) : String(value))])) : h("p", { class: "muted" }, "None. They are declared as custom_params in strategy.json and set at each start.")),
            panel("Versions", h("ul", { class: "versions" }, (strategy.versions ?? []).map((one) => h("li", {}, h("code", {}, one.version.slice(0, 16)), one.version === strategy.version ? badge("newest", "busy") : null, h("span", { class: "grow" }), when(one.uploaded_at)))), { actions: [h("a", { href: `#/upload?for=${encodeURIComponent(strategy.id)}` }, "Upload new")] }),
            panel("Identity", [facts([["Owner", strategy.owner + (strategy.owner === store.user.name ? " (you)" : "")], ["Kind", strategy.kind], ["Profile", strategy.profile], ["Uploaded", when(strategy.created_at)]]), copyable(strategy.id)]),
            isOperator() ? h("p", { class: "muted" }, "Its limits are on the ", h("a", { href: `#/limits/strategy/${encodeURIComponent(strategy.id)}` }, "limits page"), ".") : null));
}

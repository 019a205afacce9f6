// One strategy: its state with the cause in words, its figures, and its tabs, all live.

import { h, fill, icon, patch } from "../dom.js";
import { get, post, follow, items, query } from "../api.js";
import { stateBadge, profit, stat, button, notice, callout, fault, dialog, confirm, field, announce } from "../ui.js";
import { average, sum, money, format, sign, percent } from "../decimal.js";
import { ago, duration, isAlive, stateWord, count, trouble } from "../words.js";
import { askStart, askStop, askDelete } from "./start.js";
import { haltOf, haltWords } from "../halts.js";
import { isOperator, setHalt } from "../store.js";
import { promotionTab, runsTab } from "../promotion.js";
import { overview } from "./strategy/overview.js";
import { capital, sentence, withCode } from "./strategy/refusals.js";
import { bracketsTab, fillsTab, logTab, ordersTab, sendSignal, signalsTab } from "./strategy/tables.js";
import { codeTab } from "./strategy/code.js";
import { settingsTab } from "./strategy/settings.js";

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

    const shared = { strategy, base, context, log: [], listeners: new Set(), cpu: null, lastUsage: null, candles: [], fills: [], equity: [], refusals: null, refusalsSeen: null };
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
            stat("Equity", known ? money(status.equity) : "–", status.capital ? `of ${money(status.capital)} ${status.currency ?? ""} capital` : "no run yet"),
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
            loadRefusals().catch((error) => {
                shared.refusals ??= [];
                say("refusals");
                if (error.name !== "AbortError" && error.status !== 404) fault(error);
            });
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

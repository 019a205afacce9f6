// The frame around all pages: routes, navigation, emergency stop, keyboard, theme, and the session.

import { h, fill, icon, logo, patch } from "./dom.js";
import { ApiError, get, post, setCsrfToken, onLoginNeeded, items } from "./api.js";
import { store, on, setUser, refreshHalt, startEvents, stopEvents, isOperator } from "./store.js";
import { button, dialog, fault, field, form, notice, failureBox, announce } from "./ui.js";
import { stateWord, zone } from "./words.js";
import { askHalt, haltPanels } from "./halts.js";
import { loginForm } from "./pages/login.js";

/** Every page: where it is, what it is called, and its module. To add one, add its line and its file. */
const pages = [
    { path: "strategies", title: "Strategies", icon: "strategies", group: "Trade", key: "s", load: () => import("./pages/strategies.js") },
    { path: "positions", title: "Positions & P&L", short: "Positions", icon: "positions", group: "Trade", key: "p", load: () => import("./pages/positions.js") },
    { path: "orders", title: "Open orders", short: "Orders", icon: "orders", group: "Trade", key: "o", load: () => import("./pages/orders.js") },
    { path: "upload", title: "Upload", icon: "upload", group: "Trade", key: "u", load: () => import("./pages/upload.js") },
    { path: "lab", title: "Lab", icon: "lab", group: "Trade", key: "b", load: () => import("./pages/lab.js") },
    { path: "studies", title: "Studies", icon: "studies", group: "Trade", key: "y", load: () => import("./pages/studies.js") },
    { path: "deployments", title: "Deployments", icon: "start", group: "Trade", key: "e", load: () => import("./pages/deployments.js") },
    { path: "limits", title: "Limits", icon: "limits", group: "Operate", key: "l", load: () => import("./pages/limits.js") },
    { path: "accounts", title: "Accounts", icon: "accounts", group: "Operate", key: "a", load: () => import("./pages/accounts.js") },
    { path: "feeds", title: "Market feeds", icon: "feeds", group: "Operate", key: "f", load: () => import("./pages/feeds.js") },
    { path: "data", title: "Market data", icon: "data", group: "Operate", key: "m", load: () => import("./pages/data.js") },
    { path: "criteria", title: "Promotion criteria", short: "Criteria", icon: "criteria", group: "Operate", key: "c", load: () => import("./pages/criteria.js") },
    { path: "health", title: "Health & doctor", icon: "health", group: "Operate", key: "h", load: () => import("./pages/health.js") },
    { path: "users", title: "Users", icon: "users", group: "Administer", key: "n", operator: true, load: () => import("./pages/users.js") },
    { path: "credentials", title: "Exchange keys", icon: "keys", group: "Administer", key: "k", load: () => import("./pages/credentials.js") },
    { path: "tokens", title: "API tokens", icon: "tokens", group: "Administer", key: "t", load: () => import("./pages/tokens.js") },
    { path: "audit", title: "Audit trail", icon: "audit", group: "Administer", key: "d", operator: true, load: () => import("./pages/audit.js") },
];
const strategyPage = { path: "strategies", title: "Strategy", load: () => import("./pages/strategy.js") };
const labRunPage = { path: "lab", title: "Backtest", load: () => import("./pages/labrun.js") };
const labComparePage = { path: "lab", title: "Comparison", load: () => import("./pages/labcompare.js") };

const app = document.getElementById("app");
const visible = () => pages.filter((page) => !page.operator || isOperator());
let main = null;
let opened = null; // The page that is shown: { stop, route }.

// MARK: - Routes

function route() {
    const parts = location.hash.split("?")[0].replace(/^#\/?/, "").split("/").filter(Boolean).map(decodeURIComponent);
    return { page: inner(parts) ?? pages.find(({ path }) => path === parts[0]), parts: parts.slice(1), name: parts[0] };
}

/** The page of one thing of a list's, where the address names one. */
function inner([list, ...rest]) {
    if (list === "strategies" && rest.length > 0) return strategyPage;
    if (list === "lab" && rest[0] === "compare") return labComparePage;
    if (list === "lab" && /^\d+$/.test(rest[0] === "backtests" ? rest[1] : rest[0])) return labRunPage;
    return null;
}

async function show() {
    const { page, parts, name } = route();
    if (!page || (page.operator && !isOperator())) {
        history.replaceState(null, "", "#/strategies");
        if (name !== undefined && name !== "strategies") notice("There is no such page, or you may not see it.", "info");
        return show();
    }
    // A page may take a change of its own parts itself, for instance from tab to tab.
    if (opened?.page === page && opened.handle?.(parts)) return;
    opened?.stop();
    const disposals = [];
    const controller = new AbortController();
    const mine = {
        page,
        handle: null,
        stop() {
            controller.abort();
            for (const dispose of disposals.splice(0)) dispose();
        },
    };
    opened = mine;
    for (const link of document.querySelectorAll("[data-nav]")) {
        if (link.dataset.nav === name) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
    }
    document.title = `${page.title} · Bullpen`;
    announce(page.title);
    const place = h("div", { class: "page" });
    const slot = main.querySelector(".slot");
    fill(slot, place);
    if (!keepScroll) window.scrollTo(0, 0);
    keepScroll = false;
    const context = {
        place, parts, signal: controller.signal,
        dispose: (work) => disposals.push(work),
        on: (topic, listener) => disposals.push(on(topic, listener)),
        every(milliseconds, work) {
            const timer = setInterval(() => { if (!document.hidden) work(); }, milliseconds);
            disposals.push(() => clearInterval(timer));
        },
        handle: (work) => { mine.handle = work; },
        title: (text) => { document.title = `${text} · Bullpen`; },
        reload: () => { opened = null; mine.stop(); show(); },
    };
    try {
        const module = await page.load();
        if (opened === mine) await module.open(context);
    } catch (error) {
        if (error?.name === "AbortError" || opened !== mine) return;
        if (!(error instanceof ApiError)) console.error(error);
        fill(place, failureBox(error, context.reload));
    }
}

let keepScroll = false;

// MARK: - Frame

function navigation() {
    const groups = new Map();
    for (const page of visible()) {
        if (!groups.has(page.group)) groups.set(page.group, []);
        groups.get(page.group).push(h("a", { href: "#/" + page.path, dataset: { nav: page.path } }, icon(page.icon), page.title));
    }
    return h("nav", { class: "side", "aria-label": "Pages" },
        [...groups].map(([name, links]) => [h("h2", {}, name), links]));
}

function bottomBar() {
    const tab = (path, label) => {
        const page = pages.find((one) => one.path === path);
        return h("a", { href: "#/" + path, dataset: { nav: path } }, icon(page.icon), label);
    };
    return h("nav", { class: "bottom", "aria-label": "Pages" }, tab("strategies", "Strategies"), tab("positions", "Positions"),
        tab("orders", "Orders"), tab("upload", "Upload"), h("button", { type: "button", onclick: openMore }, icon("more"), "More"));
}

function openMore() {
    dialog("Go to", (close) => h("div", { class: "side-list" }, visible().filter(({ path }) => !["strategies", "positions", "orders", "upload"].includes(path))
        .map((page) => h("a", { class: "button bare", href: "#/" + page.path, onclick: () => close() }, icon(page.icon), page.title))));
}

function frame() {
    const link = h("span", { class: "link-state", role: "status" }, h("i", { class: "dot" }), h("span", { class: "word" }, ""));
    const drawLink = () => {
        const { state } = store.connection;
        const words = { connecting: "Connecting", live: "Live", waiting: "Reconnecting", resting: "Resting" };
        link.className = "link-state " + state;
        link.title = state === "live" ? "Values change by themselves." : "No live connection; what you see may be old.";
        patch(link.lastElementChild, words[state] ?? state);
    };
    on("connection", drawLink);
    drawLink();

    const stop = h("button", { class: "button stop-all", type: "button", onclick: () => askHalt() });
    const drawStop = () => {
        stop.hidden = !isOperator();
        stop.classList.toggle("halted", Boolean(store.halt?.halted));
        patch(stop, icon("halt"), store.halt?.halted ? h("span", {}, "Halted") : [h("span", { class: "only-wide" }, "Emergency stop"), h("span", { class: "only-phone" }, "Stop all")]);
        stop.setAttribute("aria-label", store.halt?.halted ? "Trading is halted. Resume" : "Emergency stop");
    };
    on("halt", drawStop);
    drawStop();

    main = h("main", { id: "main", tabindex: "-1" }, h("div", { class: "halt-place", "aria-busy": "true" }), h("div", { class: "slot" }));
    on("halt", drawHaltBar);
    return h("div", { class: "frame" },
        h("header", { class: "top" },
            h("a", { class: "brand", href: "#/strategies", "aria-label": "Bullpen, strategies" }, logo(), h("span", {}, "Bullpen")),
            h("div", { class: "spacer" }),
            h("button", { class: "palette-open", type: "button", onclick: openPalette }, icon("search"), h("span", {}, "Go to…"), h("kbd", {}, "Ctrl K")),
            h("div", { class: "spacer" }), link, stop, userMenu()),
        navigation(), main, bottomBar());
}

function drawHaltBar() {
    patch(main.querySelector(".halt-place"), haltPanels());
}

// MARK: - Menu, theme, session

function userMenu() {
    const place = h("div", { class: "menu" });
    const toggle = h("button", { class: "button bare", type: "button", "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": "Account and settings" }, icon("users"));
    const close = () => {
        place.querySelector(".menu-list")?.remove();
        toggle.setAttribute("aria-expanded", "false");
        document.removeEventListener("pointerdown", outside);
    };
    const outside = (event) => { if (!place.contains(event.target)) close(); };
    toggle.addEventListener("click", () => {
        if (place.querySelector(".menu-list")) return close();
        const themed = document.documentElement.dataset.theme ?? "system";
        const entry = (name, label, work) => h("button", { type: "button", onclick: () => { close(); work(); } }, icon(name), label);
        const next = { system: "light", light: "dark", dark: "system" }[themed];
        place.append(h("div", { class: "menu-list" },
            h("div", { class: "who" }, h("strong", {}, store.user.name), h("div", { class: "muted" }, store.user.role), h("div", { class: "muted" }, "Times are of this device: " + zone())),
            entry({ light: "sun", dark: "moon", system: "system" }[next], { light: "Light theme", dark: "Dark theme", system: "Theme of the system" }[next], () => setTheme(next)),
            entry("keyboard", "Keyboard shortcuts", openKeys),
            entry("tokens", "Change my password", changePassword),
            h("a", { href: "/openapi.json", target: "_blank", rel: "noopener" }, icon("file"), "API description"),
            entry("logout", "Log out", logOut)));
        toggle.setAttribute("aria-expanded", "true");
        document.addEventListener("pointerdown", outside);
        place.querySelector(".menu-list button").focus();
    });
    place.addEventListener("keydown", (event) => { if (event.key === "Escape") { close(); toggle.focus(); } });
    place.append(toggle);
    return place;
}

function changePassword() {
    return dialog("Change my password", (close) => form({
        fields: [field({ name: "current_password", label: "Password until now", kind: "password", required: true, autocomplete: "current-password" }),
            field({ name: "password", label: "New password", kind: "password", required: true, autocomplete: "new-password" })],
        submit: "Change it", cancel: () => close(),
        async onsubmit(values) {
            await post(`/users/${encodeURIComponent(store.user.name)}/password`, values);
            notice("Your password is changed.", "good");
            close(true);
        },
    }).element);
}

function setTheme(theme) {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    try {
        if (theme === "system") localStorage.removeItem("bullpen-theme");
        else localStorage.setItem("bullpen-theme", theme);
    } catch {
        notice("The browser does not allow storing the theme; it lasts until you close the page.");
    }
    window.dispatchEvent(new Event("themechange"));
}

async function logOut() {
    await post("/logout").catch(fault);
    stopEvents();
    opened?.stop();
    location.hash = "";
    location.reload();
}

let askingForLogin = null;

/** Shows the login over the page, so that nothing typed is lost; one dialog for all requests that wait. */
function loginAgain() {
    askingForLogin ??= dialog("Your session has ended", (close) => h("div", { class: "stack" },
        h("p", { class: "muted" }, "Log in to go on where you were."), loginForm(async (answer) => {
            const before = store.user?.name;
            setCsrfToken(answer.csrf_token);
            close();
            if (before && before !== answer.user.name) location.reload();
        })), { dismissable: false }).finally(() => { askingForLogin = null; });
    return askingForLogin;
}

async function start() {
    app.removeAttribute("aria-busy");
    let answer;
    try {
        answer = await get("/session", { quiet401: true });
    } catch (error) {
        if (error.status === 401) {
            document.title = "Log in · Bullpen";
            fill(app, h("div", { class: "login" }, h("div", { class: "login-card" },
                h("div", { class: "brand" }, logo(), "Bullpen"),
                h("section", { class: "panel" }, h("div", { class: "body" }, loginForm(enter))),
                h("footer", {}, "The operator's first password was printed when the host was started."))));
            app.querySelector("input").focus();
            return;
        }
        fill(app, h("div", { class: "login" }, failureBox(error, start)));
        return;
    }
    enter(answer);
}

function enter(answer) {
    setCsrfToken(answer.csrf_token);
    setUser(answer.user);
    app.className = "";
    fill(app, frame());
    onLoginNeeded(loginAgain);
    startEvents();
    refreshHalt().catch(fault).finally(() => main.querySelector(".halt-place").removeAttribute("aria-busy"));
    if (!location.hash) history.replaceState(null, "", "#/strategies");
    show();
}

// MARK: - Keyboard

const shortcuts = [
    [["g", "…"], "Go to a page: " + pages.map(({ key, short, title }) => `${key} ${short ?? title}`).join(", ")],
    [["Ctrl", "K"], "Find a page or a strategy"],
    [["/"], "Search on this page"],
    [["j", "k"], "Next or previous row; Enter opens it"],
    [["1", "–", "7"], "Tabs of a strategy"],
    [["f"], "Pause or follow the log"],
    [["u"], "Upload a strategy"],
    [["Esc"], "Close what is open"],
    [["?"], "This list"],
];

function openKeys() {
    dialog("Keyboard", () => h("div", { class: "keys" }, shortcuts.map(([keys, text]) => [h("div", {}, keys.map((key) => h("kbd", {}, key))), h("span", {}, text)])), { wide: true });
}

let pendingGo = 0;

document.addEventListener("keydown", (event) => {
    if (!store.user || !main) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        openPalette();
        return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.closest?.("input, textarea, select, .CodeMirror")) return;
    if (Date.now() < pendingGo) {
        pendingGo = 0;
        const page = visible().find(({ key }) => key === event.key);
        if (page) {
            event.preventDefault();
            location.hash = "#/" + page.path;
        }
        return;
    }
    if (event.key === "g") pendingGo = Date.now() + 1500;
    else if (event.key === "u") location.hash = "#/upload";
    else if (event.key === "?") openKeys();
    else if (event.key === "/") {
        const search = main.querySelector("input[type=search]");
        if (search) {
            event.preventDefault();
            search.focus();
        }
    } else if (event.key === "j" || event.key === "k") stepRow(event.key === "j" ? 1 : -1);
    else if (event.key === "Enter" && event.target === document.body) {
        const row = main.querySelector("tr.chosen");
        if (row?.dataset.link) location.hash = row.dataset.link;
    } else if (/^[1-9]$/.test(event.key)) {
        const tab = main.querySelectorAll(".tabs a")[Number(event.key) - 1];
        if (tab) location.hash = tab.getAttribute("href");
    }
});

function stepRow(step) {
    const rows = [...main.querySelectorAll("tr[data-link]")];
    if (rows.length === 0) return;
    const now = rows.findIndex((row) => row.classList.contains("chosen"));
    const next = rows[Math.max(0, Math.min(rows.length - 1, now < 0 ? 0 : now + step))];
    rows[now]?.classList.remove("chosen");
    next.classList.add("chosen");
    next.scrollIntoView({ block: "nearest" });
    announce(next.querySelector(".name")?.textContent ?? "");
}

// MARK: - News from other pages

const lastStates = new Map();

/** A strategy that went into quarantine is told on every page but its own. */
on("status", (status) => {
    const before = lastStates.get(status.strategy);
    lastStates.set(status.strategy, status.state);
    const address = "#/strategies/" + encodeURIComponent(status.strategy);
    if (before === undefined || before === status.state || status.state !== "quarantined" || location.hash.startsWith(address)) return;
    notice(`${status.strategy} is in quarantine. ${String(status.reason ?? "").split("\n")[0]}`, "bad", { label: "Look", run: () => { location.hash = address; } });
});

// MARK: - Palette

function openPalette() {
    if (document.querySelector("dialog[open]")) return;
    const input = h("input", { type: "text", placeholder: "Page, strategy or action", "aria-label": "Go to", role: "combobox", "aria-expanded": "true", "aria-controls": "palette-list", autocomplete: "off", spellcheck: "false" });
    const list = h("ul", { id: "palette-list", role: "listbox", "aria-label": "Matches" });
    const element = h("dialog", { class: "dialog palette", "aria-label": "Go to" }, input, list);
    const go = (hash) => () => { location.hash = hash; };
    const entries = [
        ...visible().map((page) => ({ name: page.title, icon: page.icon, note: "g " + page.key, run: go("#/" + page.path) })),
        ...(isOperator() ? [{ name: store.halt?.halted ? "Resume trading" : "Emergency stop", icon: "halt", note: "", run: () => askHalt() }] : []),
        ...["light", "dark", "system"].map((theme) => ({ name: `Theme: ${theme}`, icon: { light: "sun", dark: "moon", system: "system" }[theme], note: "", run: () => setTheme(theme) })),
        { name: "Keyboard shortcuts", icon: "keyboard", note: "?", run: openKeys },
    ];
    let chosen = 0;
    let shown = [];
    const draw = () => {
        const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
        shown = entries.filter(({ name, note }) => words.every((word) => (name + " " + note).toLowerCase().includes(word))).slice(0, 40);
        chosen = Math.min(chosen, Math.max(0, shown.length - 1));
        fill(list, shown.map((entry, index) => h("li", {
            role: "option", id: "palette-" + index, "aria-selected": String(index === chosen),
            onclick: () => run(index),
        }, icon(entry.icon), entry.name, h("small", {}, entry.note))), shown.length === 0 ? h("li", { class: "muted" }, "Nothing by that name.") : null);
        input.setAttribute("aria-activedescendant", "palette-" + chosen);
        list.children[chosen]?.scrollIntoView({ block: "nearest" });
    };
    const run = (index) => {
        const entry = shown[index];
        if (!entry) return;
        element.close();
        entry.run();
    };
    input.addEventListener("input", () => { chosen = 0; draw(); });
    element.addEventListener("keydown", (event) => {
        if (event.key === "ArrowDown" || event.key === "ArrowUp") {
            event.preventDefault();
            chosen = (chosen + (event.key === "ArrowDown" ? 1 : -1) + shown.length) % Math.max(1, shown.length);
            draw();
        } else if (event.key === "Enter") {
            event.preventDefault();
            run(chosen);
        }
    });
    element.addEventListener("click", (event) => { if (event.target === element) element.close(); });
    element.addEventListener("close", () => element.remove());
    document.body.append(element);
    element.showModal();
    input.focus();
    draw();
    get("/strategies?limit=200").then((answer) => {
        entries.unshift(...items(answer).map((strategy) => ({ name: strategy.name, icon: "file", note: stateWord(strategy.status?.state).word, run: go("#/strategies/" + encodeURIComponent(strategy.id)) })));
        if (element.open) draw();
    }).catch(fault);
}

// MARK: - Files dragged anywhere

let dragDepth = 0;
const veil = h("div", { class: "window-drop", hidden: true }, "Drop to check and upload");
document.body.append(veil);
const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
window.addEventListener("dragenter", (event) => {
    if (!store.user || !carriesFiles(event)) return;
    dragDepth += 1;
    veil.hidden = false;
});
window.addEventListener("dragleave", (event) => {
    if (!carriesFiles(event)) return;
    dragDepth -= 1;
    veil.hidden = dragDepth > 0;
});
window.addEventListener("dragover", (event) => { if (carriesFiles(event)) event.preventDefault(); });
window.addEventListener("drop", (event) => {
    if (!store.user || !carriesFiles(event)) return;
    event.preventDefault();
    dragDepth = 0;
    veil.hidden = true;
    const file = event.dataTransfer.files[0];
    if (!file) return;
    import("./pages/upload.js").then((module) => {
        module.takeFile(file);
        if (route().name !== "upload") location.hash = "#/upload";
    }).catch(fault);
});

window.addEventListener("hashchange", () => { if (store.user && main) show(); });
window.addEventListener("unhandledrejection", (event) => { if (event.reason?.name !== "AbortError") console.error(event.reason); });
start();

// Market feeds: where prices come from.

import { h, fill } from "../dom.js";
import { get, post, change, items } from "../api.js";
import { panel, facts, badge, field, form, dialog, button, notice, empty, loading, number, callout } from "../ui.js";
import { humanise, ago } from "../words.js";
import { isOperator } from "../store.js";

const kinds = [
    { value: "simulated", label: "Simulated market" }, { value: "replay", label: "Replay of a candle file" }, { value: "injected", label: "Injected by API" },
    { value: "binance", label: "Binance, live prices" }, { value: "coindcx", label: "CoinDCX, live prices" }, { value: "coinspot", label: "CoinSpot, live prices" },
];

const shown = new Set(["id", "kind", "symbols", "instruments"]);

const speedText = (value) => (value === "max" ? "as fast as possible" : `${value} ×`);

const fileText = (file) => (typeof file === "string" ? file : [file.path, file.symbol, file.resolution].filter(Boolean).join(" "));

/** A line such as `prices.csv BTCUSDT 5m`; the name alone where it tells the rest. */
function readFile(line) {
    const [path, symbol, resolution] = line.trim().split(/\s+/);
    return symbol ? { path, symbol, ...(resolution ? { resolution } : {}) } : path;
}

/** Makes a field read a list; empty stays null. */
function asList(item, separator, each = (text) => text) {
    const read = item.read;
    item.read = () => {
        const list = (read() ?? "").split(separator).map((text) => text.trim()).filter(Boolean).map(each);
        return list.length ? list : null;
    };
    return item;
}

export async function open(context) {
    const { place } = context;
    const body = h("div", {});
    fill(place, h("div", { class: "page-head" }, h("h1", {}, "Market feeds"), h("div", { class: "grow" }),
        isOperator() ? button("New feed", { icon: "plus", onclick: () => edit(null) }) : null,
        h("p", { class: "lead" }, "A strategy is started against one of these. The simulated market is always there and needs no network.")), body);

    async function load() {
        const list = items(await get("/feeds", { signal: context.signal }));
        if (list.length === 0) return h("section", { class: "panel" }, empty("No feeds", "Make a simulated one, or replay a candle file."));
        return h("div", { class: "cards" }, list.map(card));
    }

    function card(one) {
        const settings = Object.entries(one.settings ?? {}).filter(([name, value]) => !shown.has(name) && value !== null && !(Array.isArray(value) && value.length === 0));
        return panel(one.id, [one.fault ? callout("bad", one.fault) : null, facts([
            ["Instruments", (one.symbols ?? []).join(", ") || "–"],
            one.last_event ? ["Last event", h("span", { class: "num" }, ago(one.last_event))] : null,
            ...settings.map(([name, value]) => [humanise(name), name === "files" ? value.map((file) => h("code", {}, file.path ?? file)) : Array.isArray(value) ? value.join(", ") : name === "speed" ? speedText(value) : number(value)]),
        ])], { actions: [badge(kinds.find(({ value }) => value === one.kind)?.label ?? humanise(one.kind ?? "feed")), badge(one.running ? "running" : "at rest", one.running ? "good" : "idle"), isOperator() ? button("Edit", { icon: "edit", small: true, onclick: () => edit(one) }) : null].filter(Boolean) });
    }

    function edit(one) {
        const now = one?.settings ?? {};
        return dialog(one ? `Feed ${one.id}` : "New feed", (close) => {
            const kind = field({ name: "kind", label: "Kind", kind: "select", options: kinds, value: one?.kind ?? "replay" });
            const id = field({ name: "id", label: "Name", required: true, placeholder: "btc-2024", hint: "Small letters, digits and dashes." });
            const files = asList(field({
                name: "files", label: "Candle files, one a line", kind: "area", rows: 3, mono: true, value: (now.files ?? []).map(fileText).join("\n"),
                placeholder: "BTCUSDT-5m.csv.gz", hint: "CSV, also gzipped. Where the name does not tell, add instrument and resolution: prices.csv BTCUSDT 5m",
            }), /\n/, readFile);
            const derived = asList(field({ name: "derived", label: "Longer candles made of them", value: (now.derived ?? []).join(", "), placeholder: "1h, 1d" }), /[\s,]+/);
            const lookback = field({ name: "lookback", label: "Candles of history", kind: "number", value: now.lookback ?? "100", hint: "Given before the replay begins." });
            const symbols = asList(field({ name: "symbols", label: "Instruments", value: (now.symbols ?? []).join(", "), placeholder: "BTCUSDT, ETHUSDT", hint: "Separated by commas." }), /[\s,]+/);
            const seed = field({ name: "seed", label: "Seed", kind: "number", value: now.seed ?? "1", hint: "The same seed gives the same market." });
            const speed = field({ name: "speed", label: "Speed", value: now.speed ?? "1", unit: "×", hint: "1 is real time, 60 is an hour a minute; a replay also takes max." });
            const environment = field({
                name: "environment", label: "Environment", kind: "select", value: now.environment ?? "testnet",
                options: [{ value: "testnet", label: "Test network" }, { value: "live", label: "The exchange itself" }], hint: "Paper accounts can trade at either's prices.",
            });
            const resolutions = asList(field({ name: "resolutions", label: "Lengths of candle", value: (now.resolutions ?? []).join(", "), placeholder: "1m, 5m, 15m, 1h, 4h, 1d" }), /[\s,]+/);
            const forKind = { replay: [files, derived, lookback, speed], simulated: [symbols, seed, speed], injected: [symbols], binance: [environment, symbols, resolutions], coindcx: [symbols, resolutions], coinspot: [symbols, resolutions] };
            const changeable = [files, derived, lookback, environment, symbols, resolutions, seed, speed];
            const arrange = () => { for (const item of changeable) item.element.hidden = !forKind[kind.input.value]?.includes(item); };
            kind.input.addEventListener("change", arrange);
            kind.input.disabled = Boolean(one);
            arrange();
            return form({
                fields: [...(one ? [] : [id]), kind, ...changeable], submit: one ? "Save" : "Make the feed", layout: "two", cancel: () => close(),
                async onsubmit(values) {
                    const used = new Set([...(one ? [] : ["id", "kind"]), ...forKind[values.kind].map(({ name }) => name)]);
                    const given = Object.fromEntries(Object.entries(values).filter(([name, value]) => used.has(name) && value !== null));
                    if (one) await change("/feeds/" + encodeURIComponent(one.id), given);
                    else await post("/feeds", given);
                    notice(one ? "The feed is changed." : "The feed is made.", "good");
                    close(true);
                    await loading(body, load);
                },
            }).element;
        }, { wide: true });
    }
    await loading(body, load);
    context.every(10000, () => {
        if (!body.contains(document.activeElement)) load().then((fresh) => fill(body, fresh)).catch(() => {});
    });
}

// Market feeds: where prices come from.

import { h, fill } from "../dom.js";
import { get, post, change, items } from "../api.js";
import { panel, facts, badge, field, form, dialog, button, notice, empty, loading, number, callout } from "../ui.js";
import { humanise, ago } from "../words.js";
import { isOperator } from "../store.js";

const kinds = [
    { value: "simulated", label: "Simulated market" }, { value: "replay", label: "Replay of a candle file" }, { value: "injected", label: "Injected by API" },
];

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
        const more = Object.entries(one.settings ?? {}).filter(([, value]) => value !== null && typeof value !== "object");
        return panel(one.id, [one.fault ? callout("bad", one.fault) : null, facts([
            ["Instruments", (one.symbols ?? []).join(", ") || "–"],
            one.last_event ? ["Last event", h("span", { class: "num" }, ago(one.last_event))] : null,
            ...more.map(([name, value]) => [humanise(name), typeof value === "boolean" ? (value ? "yes" : "no") : number(value)]),
        ])], { actions: [badge(kinds.find(({ value }) => value === one.kind)?.label ?? humanise(one.kind ?? "feed")), badge(one.running ? "running" : "at rest", one.running ? "good" : "idle"), isOperator() ? button("Edit", { icon: "edit", small: true, onclick: () => edit(one) }) : null].filter(Boolean) });
    }

    function edit(one) {
        return dialog(one ? `Feed ${one.id}` : "New feed", (close) => {
            const kind = field({ name: "kind", label: "Kind", kind: "select", options: kinds, value: one?.kind ?? "replay" });
            const id = field({ name: "id", label: "Name", required: true, placeholder: "btc-2024", hint: "Letters, digits and dashes." });
            const path = field({ name: "path", label: "Candle file", value: one?.settings?.path ?? "", mono: true, placeholder: "/srv/candles/BTCUSDT-1m.csv.gz", hint: "A CSV file on the host, also gzipped." });
            const symbol = field({ name: "symbol", label: "Instrument of the file", value: one?.settings?.symbol ?? one?.symbols?.[0] ?? "", placeholder: "BTCUSDT" });
            const speed = field({ name: "speed", label: "Speed", kind: "decimal", value: one?.settings?.speed ?? "1", unit: "×", hint: "1 is real time, 60 an hour a minute." });
            const seed = field({ name: "seed", label: "Seed", kind: "number", value: one?.settings?.seed ?? "1", hint: "The same seed gives the same market." });
            const forKind = { replay: [path, symbol, speed], simulated: [seed, speed], injected: [] };
            const arrange = () => { for (const item of [path, symbol, speed, seed]) item.element.hidden = !forKind[kind.input.value]?.includes(item); };
            kind.input.addEventListener("change", arrange);
            kind.input.disabled = Boolean(one);
            arrange();
            return form({
                fields: [...(one ? [] : [id]), kind, path, symbol, speed, seed], submit: one ? "Save" : "Make the feed", layout: "two", cancel: () => close(),
                async onsubmit(values) {
                    const used = new Set(["id", "kind", ...(forKind[values.kind] ?? []).map(({ name }) => name)]);
                    const given = Object.fromEntries(Object.entries(values).filter(([name, value]) => used.has(name) && value !== null));
                    if (one) {
                        delete given.kind;
                        await change("/feeds/" + encodeURIComponent(one.id), given);
                    } else await post("/feeds", given);
                    notice(one ? "The feed is changed." : "The feed is made.", "good");
                    close(true);
                    await loading(body, load);
                },
            }).element;
        }, { wide: true });
    }
    await loading(body, load);
    context.every(10000, () => load().then((fresh) => fill(body, fresh)).catch(() => {}));
}

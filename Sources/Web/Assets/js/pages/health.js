// Health of the host's parts, and what the doctor says about this machine's walls.

import { h, fill, icon } from "../dom.js";
import { get, items } from "../api.js";
import { panel, facts, badge, button, loading, stat, empty } from "../ui.js";
import { humanise, duration } from "../words.js";
import { isOperator } from "../store.js";

const tone = (state) => ({ ok: "ok", warning: "warn" })[state] ?? "bad";

export async function open(context) {
    const { place } = context;
    const strip = h("div", { class: "stats" });
    const parts = h("div", {});
    const doctor = h("div", {});
    const profiles = h("div", {});

    async function health() {
        const answer = await get("/health", { signal: context.signal });
        const all = Object.entries(answer.parts ?? {});
        const ill = all.filter(([, status]) => status !== "ok");
        fill(strip, stat("Host", answer.status === "ok" ? "Well" : humanise(answer.status), ill.length ? `look at ${ill.map(([name]) => name).join(", ")}` : "all parts answer"),
            stat("Version", answer.version ?? "–"), stat("Up", Number.isFinite(answer.uptime_seconds) ? duration(answer.uptime_seconds * 1000) : "–"));
        return facts(all.map(([name, status]) => [humanise(name), status === "ok" ? badge("ok", "good") : h("span", { class: "down" }, status)]));
    }

    async function checks() {
        const answer = await get("/doctor", { signal: context.signal });
        const list = items(answer);
        if (list.length === 0) return empty("No checks", "The doctor has nothing to say.");
        const order = { bad: 0, warn: 1, ok: 2 };
        return [...list].sort((a, b) => order[tone(a.state)] - order[tone(b.state)]).map((one) => h("div", { class: "check " + tone(one.state) },
            icon(tone(one.state) === "ok" ? "check" : "warn"), h("div", {}, h("strong", {}, humanise(one.name)), one.detail ? h("p", {}, one.detail) : null, one.remedy && tone(one.state) !== "ok" ? h("p", {}, h("strong", {}, "What to do: "), one.remedy) : null)));
    }

    async function showProfiles() {
        const list = items(await get("/profiles", { signal: context.signal }));
        return list.length ? h("div", { class: "stack" }, list.map((one) => h("div", {}, h("h3", {}, one.name, " ", one.available === false ? badge("not available here", "bad") : badge("available", "good")), one.description ? h("p", { class: "muted" }, one.description) : null,
            (one.problems ?? []).map((text) => h("p", { class: "down" }, text)),
            facts(Object.entries(one.details ?? {}).filter(([, value]) => value !== null && (typeof value !== "object" || Array.isArray(value))).map(([name, value]) => [humanise(name), Array.isArray(value) ? value.join(", ") || "none" : String(value)]))))) : empty("No profiles", "Install share/bullpen/profiles.");
    }

    const refreshAll = () => Promise.all([loading(parts, health), isOperator() ? loading(doctor, checks, 8) : null, loading(profiles, showProfiles)]);
    const machine = isOperator() ? panel("Walls of this machine", doctor, { flush: true }) : panel("Walls of this machine", h("p", { class: "muted" }, "An operator sees here what this machine can confine, and what it lacks."));
    fill(strip, ["Host", "Version", "Up"].map((label) => stat(label, "–")));
    fill(place, h("div", { class: "page-head" }, h("h1", {}, "Health & doctor"), h("div", { class: "grow" }), button("Check again", { icon: "restart", onclick: refreshAll })),
        h("div", { class: "stack" }, strip, h("div", { class: "split" },
            h("div", { class: "stack" }, machine),
            h("aside", { class: "stack" }, panel("Parts", parts), panel("Sandbox profiles", profiles)))));
    context.every(10000, () => health().then((fresh) => fill(parts, fresh)).catch(() => {}));
    await refreshAll();
}

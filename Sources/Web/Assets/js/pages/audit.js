// The audit trail: who changed what, and when.

import { h, fill } from "../dom.js";
import { get, items, query } from "../api.js";
import { dataTable, when, empty, searchBox, button } from "../ui.js";
import { exact, humanise, zone } from "../words.js";

/** Whether a value is a time in milliseconds, of 2001 to 2286: no other figure of a detail is as large. */
const isTime = (value) => Number.isInteger(value) && value > 1e12 && value < 1e13;

function detailText(detail) {
    if (detail === null || detail === undefined) return "–";
    if (typeof detail !== "object") return String(detail);
    return Object.entries(detail).map(([name, value]) => `${name}: ${isTime(value) ? exact(value) : value !== null && typeof value === "object" ? JSON.stringify(value) : value}`).join(", ") || "–";
}

export async function open(context) {
    const { place } = context;
    let all = [];
    let next = null;
    let words = "";
    const table = dataTable({
        label: "Audit trail", key: (one) => one.id,
        columns: [
            { label: "Time", main: true, render: (one) => when(one.time), sort: (one) => one.time },
            { label: "Who", render: (one) => h("strong", {}, one.user), sort: (one) => one.user },
            { label: "Did", render: (one) => humanise(String(one.action ?? "").replace(".", " ")), sort: (one) => one.action },
            { label: "To what", full: true, render: (one) => one.subject || "–", sort: (one) => one.subject },
            { label: "Details", grow: true, render: (one) => h("span", { class: "muted" }, detailText(one.detail)) },
        ],
        empty: () => (all.length ? empty("Nothing matches", "No entry holds these words.") : empty("Nothing yet", "Every change by a person or a token is written down here: starts, stops, limits, users, halts.")),
    });
    const more = h("div", { class: "more-row", hidden: true }, button("Load older", { small: true, onclick: () => load(next) }));
    const end = h("p", { class: "hint chain", hidden: true });
    const draw = () => {
        table.set(all.filter((one) => words === "" || [one.user, one.action, one.subject, detailText(one.detail)].join(" ").toLowerCase().includes(words)));
        more.hidden = !next;
    };
    async function load(after) {
        const answer = await get("/audit" + query({ limit: 100, after }), { signal: context.signal });
        const known = new Set(all.map((one) => one.id));
        all = [...all, ...items(answer).filter((one) => !known.has(one.id))].sort((a, b) => b.time - a.time);
        next = answer.next ?? null;
        end.hidden = !answer.head;
        if (answer.head) fill(end, `Record ${answer.head.record} ends the trail. Its hash, to keep elsewhere: `, h("code", {}, answer.head.hash));
        draw();
    }
    fill(place, h("div", { class: "page-head" }, h("h1", {}, "Audit trail"), h("p", { class: "lead" }, `Who changed what, newest first. Times are of this device (${zone()}).`)),
        h("section", { class: "panel flush cardy", "aria-label": "Audit trail" }, h("header", {}, h("div", { class: "grow" }), searchBox("Search the trail", (text) => { words = text; draw(); })), h("div", { class: "body" }, table.element, more, end)));
    try {
        await load(null);
    } catch (error) {
        table.fail(error, context.reload);
    }
}

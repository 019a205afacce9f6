// An order's whole story, in a panel at the side.

import { h, fill } from "./dom.js";
import { get } from "./api.js";
import { badge, button, callout, dialog, facts, loading, orderBadge } from "./ui.js";
import { exact, humanise } from "./words.js";
import { isOperator } from "./store.js";

const tones = { strategy: "info", risk: "warn", operator: "warn", answer: "good", stream: "good", venue: "good" };

/** The button in an order's row that opens its story; an author has none. */
export const storyButton = (order) => !isOperator() ? null : button("Story", { small: true, title: `What happened to order ${order}`, onclick: () => openStory(order) });

/** Opens the story of the order with this id. */
export function openStory(order) {
    return dialog(`Order ${order}`, () => {
        const place = h("div", { class: "stack" });
        const load = () => loading(place, async () => [...show(await get(`/orders/${encodeURIComponent(order)}/story`)), h("div", { class: "actions" }, button("Read again", { icon: "restart", small: true, onclick: load }))]);
        load();
        return place;
    }, { side: true });
}

/** The summary without the status that it begins with, which the badge says. */
function beside(story) {
    const status = humanise(story.order.status).toLowerCase();
    return story.summary.startsWith(status) ? story.summary.slice(status.length).replace(/^[:;,]? /, "") : story.summary;
}

function show(story) {
    const unknown = story.unknown_since === null ? null : callout("warn", "Its outcome is unknown", h("p", {}, `Since ${stamp(story.unknown_since)}; the venue was asked ${story.questions.count} times${story.questions.last === null ? "" : `, last at ${stamp(story.questions.last)}`}.`));
    return [
        h("p", {}, orderBadge(story.order.status), " ", beside(story)),
        unknown,
        facts([["Account", story.account], ["Venue", story.venue], ["Our name for it", h("code", {}, story.client_id)], ["The venue's", h("code", {}, story.venue_order ?? "–")]]),
        h("ol", { class: "story" }, story.entries.map(line)),
        story.left_out ? h("p", { class: "hint" }, `${story.left_out} lines from the middle are left out.`) : null,
        story.lost ? h("p", { class: "hint" }, `Too much happened meanwhile: ${story.lost} lines of this and other orders were not kept.`) : null,
    ].filter(Boolean);
}

function line(entry) {
    const details = entry.details ?? {};
    const notes = [
        details.took_us === undefined ? null : `took ${(details.took_us / 1000).toFixed(1)} ms`,
        details.cut ? `cut, ${details.bytes} bytes in all` : null,
    ].filter(Boolean).join(", ");
    const raw = [details.parameters, details.text].filter(Boolean);
    const item = h("li", {},
        h("div", { class: "story-line" }, h("time", { class: "num muted", title: exact(entry.time) }, stamp(entry.time)), badge(humanise(entry.source), tones[entry.source] ?? "idle"), notes ? h("span", { class: "muted" }, notes) : null),
        h("div", {}, entry.text));
    if (raw.length) fill(item.appendChild(h("details", {}, h("summary", {}, entry.kind === "sent" ? "What was sent" : "Word for word"))).appendChild(h("pre", {})), raw.join("\n"));
    return item;
}

/** The time to the millisecond, with its zone. */
function stamp(milliseconds) {
    return new Date(milliseconds).toISOString().slice(0, 23).replace("T", " ") + " UTC";
}

// The log tail: filter by level, search, follow the newest line or stop to read.

import { h, fill, icon } from "./dom.js";
import { button, choices, searchBox } from "./ui.js";
import { clock, exact } from "./words.js";

const ranks = { debug: 0, info: 1, warning: 2, warn: 2, error: 3, critical: 3 };
const KEEP = 5000;
const SHOW = 1500;

/**
 * A view of log lines `{ seq, time, level, source, message }`. `{ element, add(lines), clear(), toggle() }`.
 *
 * Lines are kept by their sequence number: one that comes twice is shown once, one that comes late in its place.
 */
export function logView({ short } = {}) {
    let lines = [];
    let newest = -1;
    const seen = new Set();
    let level = "info";
    let words = "";
    let following = true;
    let unseen = 0;
    let pending = [];
    let frame = null;

    const body = h("div", { class: short ? "log short" : "log", tabindex: "0", role: "log", "aria-label": "Log", "aria-live": "off" });
    const jump = h("button", { class: "button small primary log-jump", type: "button", hidden: true, onclick: () => setFollowing(true) });
    const follow = button("Following", { icon: "pause", small: true, title: "Pause or follow (f)", onclick: () => setFollowing(!following) });
    const wait = h("div", { class: "empty" }, h("h3", {}, "No lines yet"), h("p", {}, "What the strategy logs or prints, and what the host says about it, appears here."));
    const tools = short ? null : h("div", { class: "log-tools" },
        choices("Lowest level", [{ value: "debug", label: "Debug" }, { value: "info", label: "Info" }, { value: "warning", label: "Warning" }, { value: "error", label: "Error" }], level, (value) => { level = value; redraw(); }),
        searchBox("Search the log", (text) => { words = text; redraw(); }), follow);
    const element = h("div", { class: "log-wrap" }, tools, body, jump);

    const wanted = (line) => (ranks[line.level] ?? 1) >= ranks[level] && (words === "" || line.message.toLowerCase().includes(words));

    function draw(line) {
        const name = line.level === "warn" ? "warning" : line.level === "critical" ? "error" : line.level;
        return h("div", { class: "log-line " + name }, h("time", { title: exact(line.time) }, clock(line.time).slice(-8)),
            h("span", { class: "level" }, name), h("span", { class: "text" }, line.source && line.source !== "strategy" ? h("span", { class: "origin" }, line.source + " · ") : null, marked(line.message)));
    }

    function marked(text) {
        if (words === "") return text;
        const parts = [];
        const lower = text.toLowerCase();
        let at = 0;
        for (let hit = lower.indexOf(words); hit >= 0; hit = lower.indexOf(words, at)) {
            parts.push(text.slice(at, hit), h("mark", {}, text.slice(hit, hit + words.length)));
            at = hit + words.length;
        }
        return [...parts, text.slice(at)];
    }

    function redraw() {
        pending = [];
        const shown = lines.filter(wanted).slice(-SHOW);
        if (shown.length > 0) fill(body, shown.map(draw));
        else if (lines.length === 0) fill(body, wait);
        else fill(body, h("div", { class: "empty" }, h("h3", {}, "Nothing matches"), h("p", {}, "No line of this level holds these words. Lower the level or clear the search.")));
        if (following) body.scrollTop = body.scrollHeight;
    }

    function flush() {
        frame = null;
        const fresh = pending.filter(wanted);
        pending = [];
        if (fresh.length === 0) {
            if (body.childElementCount === 0) redraw();
            return;
        }
        if (!body.firstElementChild?.classList.contains("log-line")) fill(body);
        const holder = document.createDocumentFragment();
        for (const line of fresh) holder.append(draw(line));
        body.append(holder);
        if (following) {
            while (body.childElementCount > SHOW) body.firstElementChild.remove();
            body.scrollTop = body.scrollHeight;
        } else {
            unseen += fresh.length;
            fill(jump, `${unseen} new ↓`);
            jump.hidden = false;
        }
    }

    function setFollowing(value) {
        following = value;
        fill(follow, icon(value ? "pause" : "start"), h("span", {}, value ? "Following" : "Paused"));
        follow.setAttribute("aria-pressed", String(!value));
        if (value) {
            unseen = 0;
            jump.hidden = true;
            redraw();
        }
    }

    body.addEventListener("wheel", (event) => { if (event.deltaY < 0 && following && body.scrollHeight > body.clientHeight) setFollowing(false); }, { passive: true });
    body.addEventListener("touchmove", () => { if (following && body.scrollHeight - body.scrollTop - body.clientHeight > 30) setFollowing(false); }, { passive: true });
    body.addEventListener("keydown", (event) => { if (["ArrowUp", "PageUp", "Home"].includes(event.key) && following) setFollowing(false); });
    body.addEventListener("scroll", () => { if (!following && body.scrollHeight - body.scrollTop - body.clientHeight < 4 && unseen > 0) setFollowing(true); }, { passive: true });
    redraw();

    return {
        element,
        add(list) {
            let late = false;
            for (const line of list) {
                if (seen.has(line.seq)) continue;
                seen.add(line.seq);
                late ||= line.seq < newest;
                newest = Math.max(newest, line.seq);
                lines.push(line);
                pending.push(line);
            }
            if (late) lines.sort((a, b) => a.seq - b.seq);
            if (lines.length > KEEP) for (const line of lines.splice(0, lines.length - KEEP)) seen.delete(line.seq);
            if (late) redraw();
            frame ??= requestAnimationFrame(flush);
        },
        toggle: () => setFollowing(!following),
        bottom() { if (following) body.scrollTop = body.scrollHeight; },
        text: () => lines.filter(wanted).map((line) => `${exact(line.time)}\t${line.level}\t${line.source ?? ""}\t${line.message}`).join("\n"),
    };
}

// What the sandbox refused a strategy, in words; the host's own words as sentences.

import { h } from "../../dom.js";
import { badge, when, panel } from "../../ui.js";
import { format } from "../../decimal.js";
import { count } from "../../words.js";

/** The words as a sentence of its own. */
export const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);
export const sentence = (words) => capital(words) + (/[.?!]$/.test(words) ? "" : ".");

/** `words` in backticks as code. */
export const withCode = (words) => words.split("`").map((part, index) => (index % 2 ? h("code", {}, part) : part));

export function refusalsPanel(refusals) {
    if (!refusals.length) return null;
    const now = refusals.reduce((all, one) => all + one.in_run, 0);
    const list = h("ul", { class: "refusals" }, refusals.map((one) => h("li", { class: one.fatal ? "fatal" : null },
        h("div", { class: "refusal-head" }, h("strong", {}, capital(one.words)), badge(one.fatal ? "killed for it" : one.count === 1 ? "once" : `${format(one.count)} times`, one.fatal ? "bad" : "warn")),
        h("code", { class: "refusal-call" }, `${one.system_call}(${one.arguments})`),
        h("p", {}, withCode(sentence(one.advice))),
        h("span", { class: "sub" }, one.in_run ? (one.in_run === one.count ? "in this run" : `${format(one.in_run)} in this run`) : "in an earlier run", ", last ", when(one.last)))));
    return panel("Refused by the sandbox", list, { id: "refused", actions: h("span", { class: "muted" }, now ? `${count(now, "call")} in this run` : "none in this run") });
}

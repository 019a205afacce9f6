// What one strategy was uploaded and started with.

import { h } from "../../dom.js";
import { badge, when, panel, facts, copyable } from "../../ui.js";
import { humanise } from "../../words.js";
import { configFacts } from "../upload.js";
import { store, isOperator } from "../../store.js";

export function settingsTab(tab) {
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

// The dialogs that start, stop and delete a strategy.

import { h } from "../dom.js";
import { get, post, remove, items } from "../api.js";
import { dialog, field, form, parameterFields, confirm, notice, skeleton, failureBox, callout } from "../ui.js";
import { fill } from "../dom.js";
import { money } from "../decimal.js";

const path = (strategy, verb) => `/strategies/${encodeURIComponent(strategy.id)}${verb ? "/" + verb : ""}`;

function feedLabel(feed) {
    const symbols = feed.symbols ?? [];
    return [feed.id, symbols.length ? `(${symbols.slice(0, 4).join(", ")}${symbols.length > 4 ? ", …" : ""})` : ""].join(" ").trim();
}

function accountLabel(account) {
    return `${account.id} · ${account.kind ?? ""}${account.available ? ` · ${money(account.available)} ${account.currency ?? ""} free` : ""}`;
}

/** Asks how to start `strategy` and starts it. Resolves true when it was started. */
export function askStart(strategy) {
    return dialog(`Start ${strategy.name}`, (close) => {
        const place = h("div", {}, skeleton(5));
        Promise.all([get("/feeds"), get("/accounts")]).then(([feeds, accounts]) => {
            fill(place, startForm(strategy, items(feeds), items(accounts), close));
            place.querySelector("select, input")?.focus();
        }).catch((error) => fill(place, failureBox(error)));
        return place;
    }, { wide: true });
}

function startForm(strategy, feeds, accounts, close) {
    const last = strategy.status ?? {};
    const parameters = parameterFields(last.parameters ? { ...strategy.config?.custom_params, ...last.parameters } : strategy.config?.custom_params);
    const pair = strategy.config?.pair ?? "";
    const usualAccount = last.account ?? accounts.find((one) => pair.endsWith(one.currency))?.id ?? accounts[0]?.id ?? "paper";
    const usualFeed = last.feed ?? feeds.find((one) => one.symbols?.includes(pair))?.id ?? feeds[0]?.id ?? "simulated";
    const account = field({
        name: "account", label: "Account", kind: "select", value: usualAccount,
        options: (accounts.length ? accounts : [{ id: "paper" }]).map((one) => ({ value: one.id, label: accountLabel(one) })),
        hint: "Paper accounts trade on simulated fills with real prices.",
    });
    const feed = field({
        name: "feed", label: "Market feed", kind: "select", value: usualFeed,
        options: (feeds.length ? feeds : [{ id: "simulated" }]).map((one) => ({ value: one.id, label: feedLabel(one) })),
        hint: strategy.config?.pair ? `It trades ${strategy.config.pair} on ${strategy.config.resolution ?? "1m"} candles.` : "Where its prices come from.",
    });
    const capital = field({ name: "capital", label: "Capital", kind: "decimal", value: last.capital ?? "10000", unit: accounts.find((one) => one.id === account.input.value)?.currency ?? strategy.config?.margin_currency, hint: "What this strategy may work with." });
    account.input.addEventListener("change", () => {
        const unit = capital.element.querySelector(".unit");
        if (unit) unit.textContent = accounts.find((one) => one.id === account.input.value)?.currency ?? "";
    });
    const versions = strategy.versions ?? [];
    const version = versions.length > 1 ? field({
        name: "version", label: "Version", kind: "select", value: strategy.version,
        options: versions.map((one) => ({ value: one.version, label: `${one.version.slice(0, 12)}${one.version === strategy.version ? " (newest)" : ""}` })),
    }) : null;
    const group = parameters.fields.length
        ? h("fieldset", { class: "field-group" }, h("legend", {}, "Parameters of the strategy"), h("div", { class: "two-up" }, parameters.fields.map((one) => one.element)))
        : h("p", { class: "muted full" }, "This strategy has no parameters of its own. Add custom_params to strategy.json to get some.");
    const made = form({
        fields: [account, feed, capital, ...(version ? [version] : []), group], inner: parameters.fields, submit: "Start", layout: "two", cancel: () => close(),
        async onsubmit(values) {
            const body = { feed: values.feed, account: values.account };
            if (values.capital) body.capital = values.capital;
            if (values.version) body.version = values.version;
            if (parameters.fields.length) body.parameters = parameters.collect(values);
            try {
                await post(path(strategy, "start"), body);
            } catch (error) {
                if (error.status !== 409 || last.state !== "quarantined") throw error;
                await post(path(strategy, "resume")); // Clears the quarantine.
                await post(path(strategy, "start"), body);
            }
            notice(`${strategy.name} starts.`, "good");
            close(true);
        },
    });
    if (strategy.warnings?.length) {
        made.element.prepend(h("div", { class: "full" }, callout("warn", "Good to know", h("ul", { class: "plain-list" }, strategy.warnings.map((text) => h("li", {}, text))))));
    }
    return made.element;
}

const stopChoices = [
    { value: "cancel", title: "Cancel open orders", text: "Positions stay as they are. The usual choice." },
    { value: "keep", title: "Keep open orders", text: "Orders stay in the market and may still fill." },
    { value: "flatten", title: "Cancel orders and close positions", text: "Everything is sold or bought back at market." },
];

/** Asks what happens to the orders and stops `strategy`. Resolves true when it was told to stop. */
export function askStop(strategy) {
    const usual = strategy.config?.orders_at_death ?? "cancel";
    return dialog(`Stop ${strategy.name}`, (close) => {
        const cards = h("div", { class: "option-cards", role: "radiogroup", "aria-label": "What happens to its orders" }, stopChoices.map((one) =>
            h("label", { class: "option-card" }, h("input", { type: "radio", name: "orders", value: one.value, checked: one.value === usual || null }),
                h("span", {}, h("strong", {}, one.title, one.value === usual ? h("span", { class: "muted" }, " · its own setting") : null), h("small", {}, one.text)))));
        return form({
            fields: [cards], submit: "Stop", tone: "danger", cancel: () => close(),
            async onsubmit() {
                await post(path(strategy, "stop"), { orders: cards.querySelector("input:checked")?.value ?? usual });
                notice(`${strategy.name} is told to stop.`, "good");
                close(true);
            },
        }).element;
    });
}

/** Asks and deletes `strategy`. Resolves true when it is gone. */
export function askDelete(strategy) {
    return confirm(`Delete ${strategy.name}?`, [h("p", {}, "Its versions, log and settings are removed. Orders and fills stay in the journal."),
        h("p", {}, "This is refused while it runs or has orders or positions open.")], {
        submit: "Delete", tone: "danger",
        async work() {
            await remove(path(strategy));
            notice(`${strategy.name} is deleted.`, "good");
        },
    });
}

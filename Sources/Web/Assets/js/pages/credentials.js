// Exchange keys: entered once, never shown again, tried at their venue, rotated while strategies trade.

import { h, fill } from "../dom.js";
import { get, post, change, remove, items } from "../api.js";
import { dataTable, badge, button, callout, dialog, field, form, confirm, notice, when, empty } from "../ui.js";
import { isOperator } from "../store.js";

const venues = [
    { value: "binance", label: "Binance", worlds: [{ value: "testnet", label: "Test network: play money" }, { value: "live", label: "Live: real money" }] },
    { value: "coindcx", label: "CoinDCX", worlds: [{ value: "live", label: "Live: real money" }] },
    { value: "coinspot", label: "CoinSpot", worlds: [{ value: "live", label: "Live: real money" }] },
];
const outcomes = { works: ["works", "good"], refused: ["refused", "bad"], unreachable: ["not reached", "warn"], untested: ["not tested", "idle"] };

const at = (id, verb = "") => "/credentials/" + encodeURIComponent(id) + verb;
const day = (milliseconds) => (milliseconds ? new Date(milliseconds).toISOString().slice(0, 10) : "");
const names = (text) => (text ?? "").split(/[\s,]+/).filter(Boolean);

/** Milliseconds of a day such as 2027-06-30, or null for none. */
function endOf(text) {
    if (!text) return null;
    const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text + "T00:00:00Z") : NaN;
    if (Number.isNaN(time)) throw new RangeError("Write a day such as 2027-06-30.");
    return time;
}

const keyFields = () => [
    field({ name: "api_key", label: "API key", required: true, mono: true, hint: "It may read and trade, and should not be able to withdraw." }),
    field({ name: "secret", label: "Secret", kind: "password", required: true, autocomplete: "new-password", hint: "Sealed on the host; nobody sees it again, you neither." }),
];
const endField = (value) => field({ name: "expires_at", label: "Ends on", value: value ?? "", placeholder: "2027-06-30", hint: "When the venue stops taking it, if you know. You are told 14, 3 and 1 days ahead." });
const daysField = (value) => field({ name: "rotate_after_days", label: "Remind of a new one after", kind: "number", value: value ?? "", unit: "days", hint: "Empty: never." });

export async function open(context) {
    const { place } = context;
    const table = dataTable({
        label: "Exchange keys", key: (one) => one.id,
        columns: [
            { label: "Name", main: true, sort: (one) => one.name, render: (one) => [h("span", { class: "name" }, one.name), " ", h("code", { class: "muted" }, one.key)] },
            { label: "Venue", sort: (one) => one.venue, render: (one) => [one.venue, " ", badge(one.environment, one.environment === "live" ? "warn" : "idle")] },
            { label: "Account", sort: (one) => one.account ?? "", render: (one) => one.account ?? h("span", { class: "muted" }, "none yet") },
            { label: "In use", sort: (one) => (one.active ? 0 : 1), render: (one) => (one.active ? badge("active", "good") : badge("not active", "idle")) },
            { label: "Test", render: (one) => badge(...(outcomes[one.test?.outcome] ?? ["never tested", "idle"])) },
            { label: "Owner", wide: true, sort: (one) => one.owner, render: (one) => [one.owner, one.traders.length ? h("span", { class: "muted" }, " and " + one.traders.join(", ")) : null] },
            { label: "Last used", wide: true, render: (one) => (one.last_used_at ? when(one.last_used_at) : h("span", { class: "muted" }, "never")) },
            { label: "Ends", wide: true, sort: (one) => one.expires_at ?? Infinity, render: (one) => (one.expires_at ? h("span", { class: "num" }, day(one.expires_at)) : h("span", { class: "muted" }, "not known")) },
            { label: "Look at", full: true, render: (one) => (one.warnings.length ? h("ul", { class: "plain-list" }, one.warnings.map((text) => h("li", {}, text.charAt(0).toUpperCase() + text.slice(1) + "."))) : h("span", { class: "muted" }, "nothing")) },
            { label: "", render: (one) => h("div", { class: "actions" }, button("Test", { small: true, tone: "bare", onclick: () => test(one) }), button("Rotate", { small: true, tone: "bare", onclick: () => rotate(one) }),
                button("Edit", { small: true, tone: "bare", onclick: () => edit(one) }), button("Remove", { small: true, tone: "bare quiet-danger", onclick: () => forget(one) })) },
        ],
        empty: () => empty("No keys yet", "To trade on an exchange, the host needs an API key of yours there. It is sealed with the host's master key, tried at once, and no strategy ever sees it.",
            button("Add a key", { icon: "plus", tone: "primary", onclick: add })),
    });
    const refresh = async () => table.set(items(await get("/credentials?limit=500", { signal: context.signal })));
    const finish = async (close, made, text) => {
        notice(made.warnings?.length ? `${text} Look at this: ${made.warnings[0]}.` : text, made.warnings?.length ? "info" : "good");
        close(true);
        await refresh();
    };

    async function add() {
        const accounts = isOperator() ? items(await get("/accounts?limit=500", { signal: context.signal })).map((one) => ({ value: one.id, label: `${one.id} (${one.venue ?? "paper"})` })) : [];
        return dialog("Add a key", (close) => {
            const venue = field({ name: "venue", label: "Exchange", kind: "select", options: venues, value: "binance" });
            const world = field({ name: "environment", label: "Environment", kind: "select", options: venues[0].worlds, value: "testnet" });
            venue.input.addEventListener("change", () => {
                const { worlds } = venues.find((one) => one.value === venue.input.value);
                fill(world.input, worlds.map((one) => h("option", { value: one.value }, one.label)));
            });
            const operators = isOperator() ? [
                field({ name: "account", label: "Account", kind: "select", options: [{ value: "", label: "None yet" }, ...accounts], value: "", hint: "What trades with this key." }),
                field({ name: "traders", label: "Who else may trade there", placeholder: "anna, ben", hint: "Users whose strategies may use the account, beside yours and other operators'." }),
            ] : [];
            return form({
                fields: [venue, world, ...keyFields(), field({ name: "name", label: "Name", placeholder: "what you call it" }), ...operators, endField(), daysField()],
                submit: "Try it and keep it", layout: "two", cancel: () => close(),
                async onsubmit(values) {
                    const body = Object.fromEntries(Object.entries({ ...values, traders: names(values.traders), expires_at: endOf(values.expires_at) })
                        .filter(([name, value]) => value !== null && value !== "" && !(name === "traders" && value.length === 0)));
                    const made = await post("/credentials", body);
                    await finish(close, made, made.active ? "The key works and is in use." : "The key is kept.");
                },
            }).element;
        }, { wide: true });
    }

    const rotate = (one) => dialog(`A new key for ${one.name}`, (close) => h("div", { class: "stack" },
        callout("info", "Strategies go on", h("p", {}, "Make a second key at the exchange first. It is tried, then takes the old one's place with the next request. After that, delete the old one there.")),
        form({
            fields: [...keyFields(), endField()], submit: "Try it and rotate", layout: "two", cancel: () => close(),
            async onsubmit(values) {
                const end = endOf(values.expires_at);
                const made = await post(at(one.id, "/rotate"), { api_key: values.api_key, secret: values.secret, ...(end ? { expires_at: end } : {}) });
                await finish(close, made, "The new key is in use. Delete the old one at the exchange.");
            },
        }).element), { wide: true });

    async function test(one) {
        const tested = await post(at(one.id, "/test"));
        const [word, tone] = outcomes[tested.test.outcome];
        notice(tested.test.outcome === "works" && tested.warnings.length === 0 ? "The exchange takes this key." : `${word.charAt(0).toUpperCase() + word.slice(1)}. ${tested.warnings.join(". ")}`, tone === "good" ? "good" : tone === "bad" ? "bad" : "info");
        await refresh();
    }

    async function edit(one) {
        const accounts = isOperator() ? items(await get("/accounts?limit=500", { signal: context.signal })).map((each) => ({ value: each.id, label: `${each.id} (${each.venue ?? "paper"})` })) : [];
        const operators = isOperator() ? [
            field({ name: "account", label: "Account", kind: "select", options: [{ value: "", label: "None" }, ...accounts], value: one.account ?? "" }),
            field({ name: "traders", label: "Who else may trade there", value: one.traders.join(", ") }),
        ] : [];
        return dialog(one.name, (close) => form({
            fields: [field({ name: "name", label: "Name", value: one.name, required: true }), field({ name: "active", label: "In use", kind: "checkbox", value: one.active, hint: "Not in use, nothing is signed with it." }),
                ...operators, endField(day(one.expires_at)), daysField(one.rotate_after_days)],
            submit: "Save", layout: "two", cancel: () => close(),
            async onsubmit(values) {
                const body = { name: values.name, active: values.active, expires_at: endOf(values.expires_at), rotate_after_days: values.rotate_after_days };
                if (isOperator()) Object.assign(body, { account: values.account || null, traders: names(values.traders) });
                await finish(close, await change(at(one.id), body), "It is changed.");
            },
        }).element, { wide: true });
    }

    const forget = (one) => confirm(`Remove ${one.name}?`, h("p", {}, one.account ? `Nothing is sent for account ${one.account} from then on, cancels neither. ` : "", "The host forgets the key; delete it at the exchange, too."), {
        submit: "Remove", tone: "danger",
        async work() {
            await remove(at(one.id));
            await refresh();
        },
    });

    fill(place, h("div", { class: "page-head" }, h("h1", {}, "Exchange keys"), h("div", { class: "grow" }), button("Add a key", { icon: "plus", onclick: add })),
        h("section", { class: "panel flush cardy", "aria-label": "Exchange keys" }, h("div", { class: "body" }, table.element)));
    try {
        await refresh();
    } catch (error) {
        table.fail(error, context.reload);
    }
}

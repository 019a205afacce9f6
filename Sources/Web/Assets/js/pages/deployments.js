// What may be deployed, and what is: packages on accounts.

import { h } from "../dom.js";
import { get, post, remove, items } from "../api.js";
import { badge, button, confirm, copyable, dataTable, dialog, empty, facts, field, form, moneyText, notice, panel, stateBadge, when } from "../ui.js";
import { stageBadge } from "../promotion.js";
import { isOperator } from "../store.js";

export async function open(context) {
    const { place } = context;
    const strategyLink = (id, text) => h("a", { href: `#/strategies/${encodeURIComponent(id)}/promotion` }, text);

    const packages = dataTable({
        label: "Packages", key: (one) => one.package,
        columns: [
            { label: "Strategy", main: true, sort: (one) => one.name, render: (one) => h("span", { class: "name" }, strategyLink(one.strategy, one.name)) },
            { label: "Version", render: (one) => h("code", { title: one.version }, one.version.slice(0, 12)) },
            { label: "Stage", sort: (one) => one.stage, render: (one) => stageBadge(one.stage) },
            { label: "Promoted", full: true, render: (one) => [one.promoted_by, " ", when(one.promoted_at)] },
            { label: "Package", wide: true, render: (one) => h("code", { title: one.package }, one.package.slice(0, 12)) },
            { label: "", render: (one) => h("div", { class: "actions" }, button("", { icon: "file", title: "What the package holds", small: true, tone: "bare", onclick: () => contents(one) }), button("Deploy", { small: true, icon: "start", onclick: () => deploy(one) })) },
        ],
        empty: () => empty("Nothing is promoted yet", "A version that passes the gate to paper is packaged and listed here. The gate is on the strategy's page, under Promotion.", h("a", { class: "button", href: "#/strategies" }, "See the strategies")),
    });
    const deployments = dataTable({
        label: "Deployments", key: (one) => one.id,
        columns: [
            { label: "Strategy", main: true, render: (one) => h("span", { class: "name" }, h("a", { href: `#/strategies/${encodeURIComponent(one.runs_as)}` }, one.runs_as)) },
            { label: "Version", render: (one) => h("code", { title: one.version }, one.version.slice(0, 12)) },
            { label: "Account", render: (one) => one.account },
            { label: "Capital", right: true, render: (one) => moneyText(one.capital) },
            { label: "State", render: (one) => (one.ended_at ? badge("ended", "idle") : stateBadge(one.state ?? "stopped")) },
            { label: "Since", full: true, render: (one) => when(one.deployed_at) },
            { label: "By", wide: true, render: (one) => one.deployed_by },
            { label: "", render: (one) => (one.ended_at ? h("span", { class: "muted" }, "by ", one.ended_by, " ", when(one.ended_at)) : button("End", { small: true, tone: "quiet-danger", icon: "stop", onclick: () => end(one) })) },
        ],
        empty: () => empty("Nothing is deployed", "Deploy a package above: exactly what was promoted is started, on an account and with the capital that you give it."),
    });

    const share = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value * 100).toFixed(2)} %`;
    const side = (one, figures) => h("div", {}, h("a", { href: `#/strategies/${encodeURIComponent(one.runs_as)}` }, one.runs_as), " ", h("span", { class: "num " + (figures.total_return > 0 ? "up" : figures.total_return < 0 ? "down" : "flat") }, share(figures.total_return)),
        h("span", { class: "muted num" }, `, ${share(-figures.max_drawdown)} at the deepest`));
    const trials = dataTable({
        label: "Side by side", key: (one) => one.id,
        columns: [
            { label: "Trial", main: true, render: (one) => h("span", { class: "name" }, one.id) },
            { label: "First", full: true, render: (one) => side(one.first, one.comparison.first) },
            { label: "Second", full: true, render: (one) => side(one.second, one.comparison.second) },
            { label: "Found", full: true, render: (one) => one.comparison.words.charAt(0).toUpperCase() + one.comparison.words.slice(1) + "." },
            { label: "Began", wide: true, render: (one) => when(one.began_at) },
            { label: "", render: (one) => (one.ended_at ? h("span", { class: "muted" }, "ended ", when(one.ended_at)) : button("End", { small: true, tone: "quiet-danger", icon: "stop", onclick: () => endTrial(one) })) },
        ],
        empty: () => empty("No trial yet", "Two packages can trade side by side with a capital each; a figure says whether what lies between them may be chance."),
    });

    async function refresh() {
        const [available, deployed, compared] = await Promise.all(["available", "deployments", "trials"].map((name) => get(`/floor/${name}?limit=500`, { signal: context.signal })));
        packages.set(items(available));
        deployments.set(items(deployed));
        trials.set(items(compared));
    }

    const contents = (one) => dialog(`Package of ${one.name}`, () => h("div", { class: "stack" },
        copyable(one.package),
        facts([
            ["Version", h("code", {}, one.version)], ["Parameters", h("code", {}, JSON.stringify(one.manifest.parameters))],
            ["Runs in", `${one.manifest.runtime.profile}, ${one.manifest.runtime.name}${one.manifest.runtime.python ? `, Python ${one.manifest.runtime.python}` : ""}`],
            ["Packages", Object.entries(one.manifest.runtime.packages).map(([name, version]) => `${name} ${version}`).join(", ") || "none"],
            ["What it has learnt", one.manifest.state === null ? "nothing" : h("code", {}, JSON.stringify(one.manifest.state).slice(0, 400))],
            ["Backtest", one.manifest.backtest ?? "none"], ["Candles", one.manifest.data.map((data) => `${data.series} ${data.sha256.slice(0, 12)}`).join(", ") || "none"],
        ])), { wide: true });

    /** Where it may trade: a field for the account and one for the prices. */
    async function placeFields() {
        const { signal } = context;
        const [accounts, feeds] = await Promise.all([isOperator() ? get("/accounts?limit=500", { signal }) : null, get("/feeds?limit=500", { signal })].map(async (answer) => items(await answer)));
        const names = accounts.length ? accounts.map((account) => ({ value: account.id, label: `${account.id} (${account.currency}, ${account.venue ?? "paper"})` })) : [{ value: "paper", label: "paper" }];
        return [
            field({ name: "account", label: "Account", kind: "select", options: names, value: "paper" }),
            field({ name: "feed", label: "Prices", kind: "select", value: "", options: [{ value: "", label: "Its last, or the usual ones" }, ...feeds.map((feed) => ({ value: feed.id, label: feed.id }))] }),
        ];
    }

    async function deploy(one) {
        const where = await placeFields();
        await dialog(`Deploy ${one.name}`, (close) => form({
            fields: [
                ...where, field({ name: "capital", label: "Capital", kind: "decimal", hint: "How much of the account it may use." }),
                field({ name: "beside", label: "Beside what the strategy runs, as a copy", kind: "checkbox" }),
            ],
            submit: "Deploy", cancel: () => close(),
            async onsubmit(values) {
                const body = { package: one.package, account: values.account, beside: values.beside };
                for (const name of ["feed", "capital"]) if (values[name] !== null) body[name] = values[name];
                const made = await post("/floor/deployments", body);
                notice(`${one.name} is deployed as ${made.runs_as}.`, "good");
                close();
                await refresh();
            },
        }).element);
    }

    const end = (one) => confirm(`End the deployment of ${one.runs_as}?`, "It is stopped, and what becomes of its orders is as you say.", {
        submit: "End it", tone: "danger", fields: [ordersField()], work: (values) => ended("deployments", one, values),
    });
    const endTrial = (one) => confirm(`End trial ${one.id}?`, "Both sides are stopped, and what becomes of their orders is as you say.", {
        submit: "End both", tone: "danger", fields: [ordersField()], work: (values) => ended("trials", one, values),
    });
    const ordersField = () => field({ name: "orders", label: "Open orders", kind: "select", value: "", options: [{ value: "", label: "As its own policy says" }, { value: "keep", label: "Keep" }, { value: "cancel", label: "Cancel" }, { value: "flatten", label: "Cancel, and close the position" }] });

    async function ended(kind, one, values) {
        await remove(`/floor/${kind}/${encodeURIComponent(one.id)}${values.orders ? `?orders=${values.orders}` : ""}`);
        notice("Ended.", "good");
        await refresh();
    }

    async function beginTrial() {
        const list = packages.items.map((one) => ({ value: one.package, label: `${one.name} ${one.version} (${one.package.slice(0, 8)})` }));
        const where = await placeFields();
        await dialog("Side by side", (close) => form({
            fields: [
                field({ name: "first", label: "First", kind: "select", options: list, value: list[0]?.value }),
                field({ name: "second", label: "Second", kind: "select", options: list, value: list[1]?.value ?? list[0]?.value }),
                ...where, field({ name: "capital", label: "Capital of each", kind: "decimal", required: true }),
            ],
            submit: "Begin", cancel: () => close(),
            async onsubmit(values) {
                if (values.feed === null) delete values.feed;
                await post("/floor/trials", values);
                notice("Both are started.", "good");
                close();
                await refresh();
            },
        }).element);
    }

    place.append(h("div", { class: "page-head" }, h("h1", {}, "Deployments")),
        h("div", { class: "stack" }, panel("What may be deployed", packages.element, { flush: true, cardy: true }), panel("What is deployed", deployments.element, { flush: true, cardy: true }),
            panel("Side by side", trials.element, { flush: true, cardy: true, actions: button("Begin a trial", { small: true, icon: "plus", onclick: beginTrial }) })));
    await refresh();
    context.every(5000, () => refresh().catch(() => {})); // The next look tries again.
}

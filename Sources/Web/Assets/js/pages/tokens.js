// API tokens: for the command line and other programs.

import { h, fill } from "../dom.js";
import { get, post, remove, items } from "../api.js";
import { dataTable, button, dialog, field, form, confirm, when, empty, copyable, callout } from "../ui.js";

export async function open(context) {
    const { place } = context;
    const add = () => dialog("New token", (close) => {
        const body = h("div", { class: "stack" });
        const made = form({
            fields: [field({ name: "name", label: "What is it for?", required: true, placeholder: "my laptop" }),
                field({ name: "expires_in_days", label: "Ends after", kind: "number", value: "90", unit: "days", hint: "Empty: it lasts until it is revoked." })],
            submit: "Make it", cancel: () => close(),
            async onsubmit(values) {
                const answer = await post("/tokens", values.expires_in_days === null ? { name: values.name } : values);
                fill(body, callout("good", "Copy it now", h("p", {}, "It is shown only this once; the host keeps no copy.")), copyable(answer.token),
                    h("p", { class: "muted" }, "For the command line, put it into the environment as BULLPEN_TOKEN, or run ", h("code", {}, "bullpen login"), "."),
                    h("div", { class: "actions end" }, button("Done", { tone: "primary", onclick: () => close(true) })));
                await refresh();
            },
        });
        return fill(body, made.element);
    });
    const table = dataTable({
        label: "API tokens", key: (one) => one.id,
        columns: [
            { label: "Name", main: true, sort: (one) => one.name, render: (one) => h("span", { class: "name" }, one.name) },
            { label: "Made", render: (one) => when(one.created_at) },
            { label: "Last used", render: (one) => (one.last_used_at ? when(one.last_used_at) : h("span", { class: "muted" }, "never")) },
            { label: "Ends", render: (one) => (one.expires_at ? when(one.expires_at) : h("span", { class: "muted" }, "never")) },
            { label: "", render: (one) => h("div", { class: "actions" }, button("Revoke", { small: true, tone: "bare quiet-danger", onclick: () => revoke(one.id, one.name) })) },
        ],
        empty: () => empty("No tokens", "A token lets the command line, curl or another program act for you, without your password.", button("New token", { icon: "plus", tone: "primary", onclick: add })),
    });
    const refresh = async () => table.set(items(await get("/tokens?limit=500", { signal: context.signal })));
    const revoke = (id, name) => confirm(`Revoke ${name}?`, h("p", {}, "Programs that use it are refused from the next request on."), {
        submit: "Revoke", tone: "danger",
        async work() {
            await remove("/tokens/" + encodeURIComponent(id));
            await refresh();
        },
    });
    fill(place, h("div", { class: "page-head" }, h("h1", {}, "API tokens"), h("div", { class: "grow" }), button("New token", { icon: "plus", onclick: add })),
        h("section", { class: "panel flush cardy", "aria-label": "API tokens" }, h("div", { class: "body" }, table.element)));
    try {
        await refresh();
    } catch (error) {
        table.fail(error, context.reload);
    }
}

// Users: who may log in, and as what.

import { h, fill } from "../dom.js";
import { get, post, items } from "../api.js";
import { dataTable, badge, button, dialog, field, form, confirm, notice, when, empty } from "../ui.js";
import { store } from "../store.js";

export async function open(context) {
    const { place } = context;
    const table = dataTable({
        label: "Users", key: (one) => one.name,
        columns: [
            { label: "Name", main: true, sort: (one) => one.name, render: (one) => [h("span", { class: "name" }, one.name), one.name === store.user.name ? h("span", { class: "muted" }, " (you)") : null] },
            { label: "Role", sort: (one) => one.role, render: (one) => badge(one.role, one.role === "operator" ? "busy" : "idle") },
            { label: "May log in", render: (one) => (one.disabled ? badge("disabled", "bad") : badge("yes", "good")) },
            { label: "Made", wide: true, render: (one) => when(one.created_at) },
            { label: "", render: (one) => h("div", { class: "actions" }, button("Password", { small: true, tone: "bare", onclick: () => password(one.name) }),
                one.name === store.user.name ? null : one.disabled ? button("Enable", { small: true, tone: "bare", onclick: () => enable(one.name) }) : button("Disable", { small: true, tone: "bare quiet-danger", onclick: () => disable(one.name) })) },
        ],
        empty: () => empty("No users", "This should not be: you are one."),
    });
    const refresh = async () => table.set(items(await get("/users?limit=500", { signal: context.signal })));

    const add = () => dialog("Add a user", (close) => form({
        fields: [field({ name: "name", label: "Name", required: true }),
            field({ name: "role", label: "Role", kind: "select", value: "author", options: [{ value: "author", label: "Author: own strategies only" }, { value: "operator", label: "Operator: everything" }] }),
            field({ name: "password", label: "Password", kind: "password", required: true, autocomplete: "new-password", hint: "Hand it over by another way than this page's address." })],
        submit: "Add", cancel: () => close(),
        async onsubmit(values) {
            await post("/users", values);
            notice(`${values.name} may log in now.`, "good");
            close(true);
            await refresh();
        },
    }).element);

    const password = (name) => dialog(`New password for ${name}`, (close) => form({
        fields: [field({ name: "password", label: "New password", kind: "password", required: true, autocomplete: "new-password" })], submit: "Set it", cancel: () => close(),
        async onsubmit(values) {
            await post(`/users/${encodeURIComponent(name)}/password`, values);
            notice(`The password of ${name} is changed.`, "good");
            close(true);
        },
    }).element);

    async function enable(name) {
        await post(`/users/${encodeURIComponent(name)}/enable`);
        await refresh();
    }

    const disable = (name) => confirm(`Disable ${name}?`, h("p", {}, "His sessions and tokens stop working at once. His strategies keep running until somebody stops them."), {
        submit: "Disable", tone: "danger",
        async work() {
            await post(`/users/${encodeURIComponent(name)}/disable`);
            await refresh();
        },
    });

    fill(place, h("div", { class: "page-head" }, h("h1", {}, "Users"), h("div", { class: "grow" }), button("Add a user", { icon: "plus", tone: "primary", onclick: add })),
        h("section", { class: "panel flush cardy", "aria-label": "Users" }, h("div", { class: "body" }, table.element)));
    try {
        await refresh();
    } catch (error) {
        table.fail(error, context.reload);
    }
}

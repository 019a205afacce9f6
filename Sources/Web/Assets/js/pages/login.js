// The login form, used for the first login and again when a session has ended.

import { post } from "../api.js";
import { field, form } from "../ui.js";

/** A form that logs in and calls `done` with the answer. What was typed stays when it is refused. */
export function loginForm(done) {
    const name = field({ name: "name", label: "Name", required: true, autocomplete: "username" });
    const password = field({ name: "password", label: "Password", kind: "password", required: true, autocomplete: "current-password" });
    return form({
        fields: [name, password], submit: "Log in",
        async onsubmit(values) {
            const answer = await post("/login", values, { quiet401: true });
            await done(answer);
        },
    }).element;
}

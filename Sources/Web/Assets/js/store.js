// What all pages share: who is logged in, whether trading is halted, and the host's own event stream.

import { follow, get } from "./api.js";
import { fault } from "./ui.js";

/** The one shared state. `user` is null before login, `halt` null before it is known. */
export const store = {
    user: null,
    halt: null,
    connection: { state: "connecting", retryAt: null },
};

const listeners = new Map();

/** Calls `listener` at every `topic`: "user", "halt", "connection", "opened", or the name of a host event. */
export function on(topic, listener) {
    if (!listeners.has(topic)) listeners.set(topic, new Set());
    listeners.get(topic).add(listener);
    return () => listeners.get(topic).delete(listener);
}

export function emit(topic, value) {
    for (const listener of [...(listeners.get(topic) ?? [])]) listener(value);
}

export const isOperator = () => store.user?.role === "operator";

export function setUser(user) {
    store.user = user;
    emit("user", user);
}

let nextLook = null;

export function setHalt(halt) {
    store.halt = halt;
    clearTimeout(nextLook);
    // How far the closing of positions is comes by no event.
    if (halt?.flatten && !halt.flatten.done) nextLook = setTimeout(() => refreshHalt().catch(fault), 1000);
    emit("halt", halt);
}

/** Asks the host whether trading is halted. */
export async function refreshHalt() {
    setHalt(await get("/halt"));
}

let stream = null;

/** Follows `GET /events`; its events are emitted under their own names. */
export function startEvents() {
    stream?.close();
    stream = follow("/events", {
        onEvent(type, data) {
            // What is being closed is not everybody's, so it is not in the event.
            if (type === "halt") refreshHalt().catch(fault);
            else emit(type, data);
        },
        onState(state, retryAt) {
            store.connection = { state, retryAt: retryAt ?? null };
            emit("connection", store.connection);
        },
        onOpen(again) {
            if (again) refreshHalt().catch(fault);
            emit("opened", again);
        },
    });
}

export function stopEvents() {
    stream?.close();
    stream = null;
    clearTimeout(nextLook);
}

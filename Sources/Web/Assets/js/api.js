// The HTTP API: requests, uploads with progress, and event streams that reconnect by themselves.

import { stringify } from "./decimal.js";

/** What the server answered when it refused, or that it could not be reached (`status` 0). */
export class ApiError extends Error {
    constructor(status, code, message, field, problems) {
        super(sentence(message));
        this.status = status;
        this.code = code;
        this.field = field ?? null;
        /** What is wrong with an uploaded bundle, problem by problem; empty for other refusals. */
        this.problems = problems ?? [];
    }
}

/** The host's messages start small, for logs; on a page they start like a sentence. */
function sentence(text) {
    return String(text).replace(/^[a-z](?=[a-z]* )/, (letter) => letter.toUpperCase());
}

const session = { csrf: null };
const needLogin = { ask: null };

/** The CSRF token of the session, sent with everything that changes something. */
export function setCsrfToken(token) {
    session.csrf = token;
}

/** `ask` is called when the session has ended; it resolves once somebody has logged in again. */
export function onLoginNeeded(ask) {
    needLogin.ask = ask;
}

function headers(method, more) {
    const all = { Accept: "application/json", ...more };
    if (method !== "GET" && session.csrf) all["X-CSRF-Token"] = session.csrf;
    return all;
}

function failure(status, body) {
    const error = body?.error;
    if (error?.message) return new ApiError(status, error.code ?? "error", error.message, error.field, error.problems ?? body.problems);
    const words = {
        403: "You may not do this.", 404: "This does not exist, or is not yours.", 413: "The file is too large.",
        429: "Too many requests; wait a moment.", 503: "The host is busy or shutting down.",
    };
    return new ApiError(status, "http_" + status, words[status] ?? `The host answered with status ${status}.`);
}

const unreachable = () => new ApiError(0, "unreachable", "The host cannot be reached. Is it running?");

async function send(method, path, { body, form, signal, again = true, quiet401 = false } = {}) {
    let response;
    try {
        response = await fetch(path, {
            method, signal, credentials: "same-origin", cache: "no-store",
            headers: headers(method, body === undefined ? {} : { "Content-Type": "application/json" }),
            body: form ?? (body === undefined ? undefined : stringify(body)),
        });
    } catch (error) {
        if (error.name === "AbortError") throw error;
        throw unreachable();
    }
    if (response.status === 401 && !quiet401 && again && needLogin.ask) {
        await needLogin.ask();
        return send(method, path, { body, form, signal, again: false });
    }
    if (response.status === 403 && again && method !== "GET" && await renewCsrfToken(response)) {
        return send(method, path, { body, form, signal, again: false });
    }
    const text = await response.text();
    let parsed = null;
    if (text !== "") {
        try {
            parsed = JSON.parse(text);
        } catch {
            if (response.ok) throw new ApiError(response.status, "not_json", "The host answered with something that is not JSON.");
        }
    }
    if (!response.ok) throw failure(response.status, parsed);
    return parsed;
}

/** After a login in another tab this one's CSRF token is old; fetches the new one. False for any other refusal. */
async function renewCsrfToken(response) {
    const refusal = await response.clone().json().catch(() => null);
    if (refusal?.error?.code !== "csrf") return false;
    setCsrfToken((await send("GET", "/session")).csrf_token);
    return true;
}

export const get = (path, options) => send("GET", path, options);
export const post = (path, body, options) => send("POST", path, { body: options?.form ? undefined : body ?? {}, ...options });
export const change = (path, body, options) => send("PATCH", path, { body, ...options });
export const put = (path, body, options) => send("PUT", path, { body, ...options });
export const remove = (path, options) => send("DELETE", path, options);

/** The entries of a list answer, which is `{"items": […], "next": …}`. */
export function items(body) {
    return Array.isArray(body) ? body : body?.items ?? [];
}

/** Sends a form and reports progress from 0 to 1. Used for files; `fetch` cannot report it. */
export function upload(path, form, onProgress, again = true) {
    return new Promise((resolve, reject) => {
        const request = new XMLHttpRequest();
        request.open("POST", path);
        request.setRequestHeader("Accept", "application/json");
        if (session.csrf) request.setRequestHeader("X-CSRF-Token", session.csrf);
        request.upload.addEventListener("progress", (event) => {
            if (event.lengthComputable) onProgress(event.loaded / event.total);
        });
        request.addEventListener("error", () => reject(unreachable()));
        request.addEventListener("load", () => {
            let parsed = null;
            try {
                parsed = request.responseText === "" ? null : JSON.parse(request.responseText);
            } catch {
                parsed = null;
            }
            if (request.status === 401 && again && needLogin.ask) {
                needLogin.ask().then(() => upload(path, form, onProgress, false)).then(resolve, reject);
            } else if (request.status === 403 && again && parsed?.error?.code === "csrf") {
                send("GET", "/session").then((answer) => {
                    setCsrfToken(answer.csrf_token);
                    return upload(path, form, onProgress, false);
                }).then(resolve, reject);
            } else if (request.status >= 200 && request.status < 300) resolve(parsed);
            else reject(failure(request.status, parsed));
        });
        request.send(form);
    });
}

/** Builds `?a=1&b=2` from what is there. */
export function query(parameters) {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(parameters)) {
        if (value !== null && value !== undefined && value !== "") search.set(name, value);
    }
    const text = search.toString();
    return text ? "?" + text : "";
}

const waits = [500, 1000, 2000, 4000, 8000, 15000];

/** How long a stream may be silent before it counts as broken; servers send a comment more often than this. */
const SILENCE = 45000;

/**
 * Follows an event stream until `close()`.
 *
 * Reconnects with growing pauses and resumes by `Last-Event-ID`. Rests while the page is hidden, so that
 * background tabs do not use up the browser's connections.
 *
 * - `onEvent(type, data, id)`: data is parsed JSON.
 * - `onState(state, retryAt)`: "connecting", "live", "waiting" or "resting".
 * - `onOpen(isAgain)`: after each connect; fetch what may have been missed when `isAgain`.
 */
export function follow(path, { onEvent, onState = () => {}, onOpen = () => {} }) {
    let closed = false;
    let opened = false;
    let attempts = 0;
    let lastId = null;
    let controller = null;
    let timer = null;

    async function connect() {
        clearTimeout(timer);
        if (closed) return;
        if (document.hidden) {
            onState("resting");
            return;
        }
        controller = new AbortController();
        const mine = controller;
        onState("connecting");
        let silence = setTimeout(() => mine.abort(), SILENCE);
        try {
            const more = { Accept: "text/event-stream" };
            if (lastId !== null) more["Last-Event-ID"] = lastId;
            const response = await fetch(path, { headers: more, credentials: "same-origin", cache: "no-store", signal: mine.signal });
            if (response.status === 401 && needLogin.ask) {
                await needLogin.ask();
                throw unreachable();
            }
            if (response.status === 404 || response.status === 403) {
                closed = true;
                onState("waiting");
                return;
            }
            if (!response.ok || !response.body) throw failure(response.status, null);
            attempts = 0;
            onState("live");
            onOpen(opened);
            opened = true;
            const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
            const parser = eventParser((type, data, id) => {
                if (id !== null) lastId = id;
                let parsed;
                try {
                    parsed = JSON.parse(data);
                } catch {
                    console.warn("event that is not JSON", type);
                    return;
                }
                onEvent(type, parsed, id);
            });
            for (;;) {
                const { done, value } = await reader.read();
                if (done) break;
                clearTimeout(silence);
                silence = setTimeout(() => mine.abort(), SILENCE);
                parser(value);
            }
        } catch (error) {
            if (closed) return;
        } finally {
            clearTimeout(silence);
        }
        if (closed || mine !== controller) return;
        const pause = waits[Math.min(attempts, waits.length - 1)];
        attempts += 1;
        onState(document.hidden ? "resting" : "waiting", Date.now() + pause);
        timer = setTimeout(connect, pause);
    }

    function visibility() {
        if (closed) return;
        if (document.hidden) {
            clearTimeout(timer);
            const old = controller;
            controller = null;
            old?.abort();
            onState("resting");
        } else if (controller === null) {
            connect();
        }
    }

    document.addEventListener("visibilitychange", visibility);
    connect();
    return {
        close() {
            closed = true;
            clearTimeout(timer);
            document.removeEventListener("visibilitychange", visibility);
            controller?.abort();
        },
    };
}

/** Cuts a text/event-stream into events (WHATWG HTML, "Server-sent events"). */
export function eventParser(emit) {
    let rest = "";
    let type = "message";
    let data = [];
    let id = null;
    return (chunk) => {
        rest += chunk;
        const lines = rest.split(/\r\n|\n|\r(?!$)/);
        rest = lines.pop();
        for (const line of lines) {
            if (line === "") {
                if (data.length > 0) emit(type, data.join("\n"), id);
                type = "message";
                data = [];
                continue;
            }
            if (line.startsWith(":")) continue;
            const colon = line.indexOf(":");
            const field = colon < 0 ? line : line.slice(0, colon);
            const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
            if (field === "event") type = value;
            else if (field === "data") data.push(value);
            else if (field === "id") id = value;
        }
    };
}

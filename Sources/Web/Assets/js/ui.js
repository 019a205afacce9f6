// The parts that every page is made of: badges, tables, forms, dialogs, notices, and the states of waiting,
// emptiness and failure.

import { h, append, fill, icon, patch } from "./dom.js";
import { ApiError } from "./api.js";
import { RawNumber, format, money, sign } from "./decimal.js";
import { stateWord, orderTone, humanise, clock, exact } from "./words.js";

// MARK: - Words with a colour

export function badge(text, tone = "idle") {
    return h("span", { class: `badge ${tone}` }, text);
}

export function stateBadge(state) {
    const { word, tone } = stateWord(state);
    return h("span", { class: `badge state ${tone}` }, h("i", { class: "dot", "aria-hidden": "true" }), word);
}

export const orderBadge = (status) => badge(humanise(status ?? "unknown"), orderTone(status));

export function sideText(side) {
    const text = String(side ?? "–").toUpperCase();
    return h("span", { class: text === "BUY" ? "up" : text === "SELL" ? "down" : "" }, text);
}

/** Money with a sign and its colour: the sign alone says it too. */
export function profit(value, options = {}) {
    const direction = sign(value);
    return h("span", { class: "num " + (direction > 0 ? "up" : direction < 0 ? "down" : "flat") },
        money(value, { sign: true, ...options }));
}

export const number = (value, options) => h("span", { class: "num" }, format(value, options));

export const moneyText = (value) => h("span", { class: "num" }, money(value));

export function when(milliseconds) {
    return h("time", { class: "num muted", title: exact(milliseconds) }, clock(milliseconds));
}

// MARK: - Buttons

/**
 * A button whose work may take time: it is disabled meanwhile, and a failure becomes a notice.
 */
export function button(label, { icon: name, tone = "", title, small, onclick, type = "button", key } = {}) {
    const element = h("button", { class: `button ${tone} ${small ? "small" : ""} ${label ? "" : "bare"}`, type, title, "aria-label": label ? null : title, "aria-keyshortcuts": key },
        name ? icon(name) : null, label ? h("span", {}, label) : null);
    if (onclick) element.addEventListener("click", (event) => whileBusy(element, () => onclick(event)));
    return element;
}

/** Disables `element` while `work` runs and reports its failure as a notice. */
export async function whileBusy(element, work) {
    if (element.getAttribute("aria-busy") === "true") return;
    element.setAttribute("aria-busy", "true");
    try {
        await work();
    } catch (error) {
        fault(error);
    } finally {
        element.removeAttribute("aria-busy");
    }
}

// MARK: - Notices

const lifetimes = { good: 5000, info: 6000, bad: 12000 };

/** Shows a notice for a while; it stays while the pointer or the focus is on it. */
export function notice(text, tone = "info", action) {
    const list = document.getElementById("toasts");
    const close = h("button", { class: "button bare small", type: "button", "aria-label": "Dismiss" }, icon("close"));
    const toast = h("div", { class: `toast ${tone}`, role: tone === "bad" ? "alert" : "status" },
        icon(tone === "bad" ? "warn" : tone === "good" ? "check" : "info"), h("span", { class: "grow" }, text),
        action ? h("button", { class: "button small", type: "button", onclick: () => { toast.remove(); action.run(); } }, action.label) : null,
        close);
    close.addEventListener("click", () => toast.remove());
    let timer = null;
    const arm = () => { timer = setTimeout(() => toast.remove(), lifetimes[tone] ?? 6000); };
    const hold = () => clearTimeout(timer);
    toast.addEventListener("pointerenter", hold);
    toast.addEventListener("focusin", hold);
    toast.addEventListener("pointerleave", arm);
    toast.addEventListener("focusout", arm);
    arm();
    while (list.childElementCount >= 4) list.firstElementChild.remove();
    list.append(toast);
}

/** Shows what went wrong as a notice. Cancelled work says nothing. */
export function fault(error) {
    if (error?.name === "AbortError") return;
    if (!(error instanceof ApiError)) console.error(error);
    notice(error?.message ?? String(error), "bad");
}

/** Says something to screen readers only. */
export function announce(text) {
    document.getElementById("announcer").textContent = text;
}

// MARK: - Waiting, nothing, failure

export function skeleton(rows = 4) {
    return h("div", { class: "skeleton", "aria-hidden": "true" },
        Array.from({ length: rows }, (_, row) => h("div", { class: "bone", css: { width: `${92 - ((row * 17) % 38)}%` } })));
}

/** What is shown when there is nothing: what this place is for, and what to do next. */
export function empty(title, text, ...actions) {
    return h("div", { class: "empty" }, h("h3", {}, title), h("p", {}, text), actions.length ? h("div", { class: "actions centre" }, actions) : null);
}

export function failureBox(error, retry) {
    const hint = error?.status === 0 ? "These pages keep trying; your input stays where it is."
        : error?.status === 404 ? "It may have been deleted, or it belongs to somebody else." : "";
    return h("div", { class: "empty failed", role: "alert" }, icon("warn"), h("h3", {}, error?.message ?? String(error)),
        hint ? h("p", {}, hint) : null,
        h("div", { class: "actions centre" }, retry ? button("Try again", { icon: "restart", onclick: retry }) : null,
            error?.status === 404 ? h("a", { class: "button", href: "#/strategies" }, "See the strategies") : null));
}

/** Fills `place` with what `work` returns; shows bones meanwhile and the failure with a way to try again. */
export async function loading(place, work, rows = 4) {
    if (place.childElementCount === 0) fill(place, skeleton(rows));
    try {
        const result = await work();
        if (result !== undefined) fill(place, result);
        return true;
    } catch (error) {
        if (error?.name === "AbortError") return false;
        if (!(error instanceof ApiError)) console.error(error);
        fill(place, failureBox(error, () => loading(fill(place), work, rows)));
        return false;
    }
}

/** A box that says something important in words. */
export function callout(tone, title, ...body) {
    return h("div", { class: `callout ${tone}`, role: tone === "bad" ? "alert" : null },
        icon(tone === "good" ? "check" : tone === "info" ? "info" : "warn"),
        h("div", { class: "grow" }, h("strong", {}, title), body));
}

// MARK: - Panels and facts

/** `cardy`: on a phone, rows of its table become cards. */
export function panel(title, content, { actions, flush, cardy, id } = {}) {
    return h("section", { class: "panel" + (flush ? " flush" : "") + (cardy ? " cardy" : ""), "aria-label": title, id },
        h("header", {}, h("h2", {}, title), actions ? h("div", { class: "actions" }, actions) : null),
        h("div", { class: "body" }, content));
}

export function facts(pairs) {
    return h("dl", { class: "facts" }, pairs.filter(Boolean).map(([name, value]) =>
        h("div", {}, h("dt", {}, name), h("dd", {}, value ?? "–"))));
}

export function stat(label, value, note) {
    return h("div", { class: "stat" }, h("span", { class: "label" }, label), h("span", { class: "value" }, value),
        h("span", { class: "note", title: typeof note === "string" ? note : null }, note ?? "\u00a0"));
}

/** A bar from 0 to 1; it turns amber above 75 % and red above 90 %. */
export function meter(label, fraction, text) {
    const share = Math.max(0, Math.min(1, fraction || 0));
    const tone = share > 0.9 ? "bad" : share > 0.75 ? "warn" : "";
    return h("div", { class: "meter" },
        h("div", { class: "meter-line" }, h("span", {}, label), h("span", { class: "num" }, text)),
        h("div", { class: `track ${tone}`, role: "meter", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(share * 100) },
            h("div", { class: "bar", css: { width: `${(share * 100).toFixed(1)}%` } })));
}

// MARK: - Tables

/**
 * A table that is updated in place, row by row, so that nothing flickers or jumps.
 *
 * `stamp(item)` may give a value; while it stays the same the row is left alone. Changes light up in short tables.
 * A column has `label`, `render(item)` and optionally `right` (numbers), `sort(item)` (something comparable),
 * `wide` (hidden on phones), `full` (a line of its own there), `flash` (a change lights up shortly).
 */
export function dataTable({ columns, key, label, empty: emptyState, link, order: firstOrder, stamp }) {
    let rows = new Map();
    let current = [];
    let order = firstOrder ?? null;
    const heads = columns.map((column, index) => {
        const head = h("th", { scope: "col", class: cellClass(column) });
        if (column.sort) {
            const sorter = h("button", { class: "sorter", type: "button" }, column.label);
            sorter.addEventListener("click", () => {
                order = order?.index === index ? { index, down: !order.down } : { index, down: Boolean(column.right) };
                draw();
            });
            head.append(sorter);
        } else {
            append(head, [column.label || h("span", { class: "visually-hidden" }, "Actions")]);
        }
        return head;
    });
    const body = h("tbody", {});
    const table = h("table", { class: "data", "aria-label": label }, h("thead", {}, h("tr", {}, heads)), body);
    const place = h("div", { class: "table-place" });
    const scroller = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, table);

    function draw() {
        let list = current;
        if (order && columns[order.index]?.sort) {
            const value = columns[order.index].sort;
            list = [...current].sort((a, b) => compare(value(a), value(b)) * (order.down ? -1 : 1));
        }
        heads.forEach((head, index) => {
            if (order?.index === index) head.setAttribute("aria-sort", order.down ? "descending" : "ascending");
            else head.removeAttribute("aria-sort");
        });
        const next = new Map();
        list.forEach((item, position) => {
            const id = String(key(item));
            let row = rows.get(id);
            if (!row) {
                row = h("tr", { dataset: { key: id } }, columns.map((column) => h("td", { class: cellClass(column), "data-label": column.label }, h("div", { class: "cell" }))));
                if (link) {
                    row.classList.add("linked");
                    row.addEventListener("click", (event) => {
                        if (!event.target.closest("a, button, input, select")) location.hash = row.dataset.link;
                    });
                }
            }
            if (link) row.dataset.link = link(item);
            const mark = stamp?.(item);
            if (mark === undefined || row.mark !== mark) columns.forEach((column, index) => updateCell(row.children[index], column, item, list.length <= 40));
            row.mark = mark;
            next.set(id, row);
            if (body.children[position] !== row) body.insertBefore(row, body.children[position] ?? null);
        });
        for (const [id, row] of rows) if (!next.has(id)) row.remove();
        rows = next;
    }

    fill(place, skeleton(3));
    return {
        element: place,
        set(list) {
            current = list;
            draw();
            if (list.length === 0 && emptyState) fill(place, emptyState());
            else if (scroller.parentElement !== place) fill(place, scroller);
        },
        fail(error, retry) {
            if (current.length === 0) fill(place, failureBox(error, retry));
            else fault(error);
        },
        get items() { return current; },
        get rows() { return [...body.children]; },
    };
}

function compare(a, b) {
    if (a === b) return 0;
    if (a === null || a === undefined) return -1;
    if (b === null || b === undefined) return 1;
    return a < b ? -1 : 1;
}

function cellClass(column) {
    return [column.right ? "right" : "", column.wide ? "wide" : "", column.grow ? "grow" : "", column.main ? "main" : "", column.full ? "full" : "", column.label ? "" : "doing"].filter(Boolean).join(" ");
}

function updateCell(cell, column, item, lights) {
    const before = cell.textContent;
    patch(cell.firstElementChild, column.render(item));
    if (lights && column.flash && before !== "" && before !== cell.textContent && !stillness.matches) {
        cell.animate([{ backgroundColor: flashColour }, { backgroundColor: "transparent" }], { duration: 900, easing: "ease-out" });
    }
}

const stillness = matchMedia("(prefers-reduced-motion: reduce)");
const flashColour = "rgb(90 130 255 / 18%)";

// MARK: - Forms

let fieldCount = 0;

/**
 * One labelled input with its hint and its error. `kind`: text, password, number, decimal, select, checkbox, area.
 *
 * Returns `{ element, input, name, read(), fail(message), clear() }`; `read` gives null for an empty optional field
 * and throws a `RangeError` with words when the input cannot be taken.
 */
export function field({ name, label, kind = "text", value, hint, options, required, placeholder, autocomplete, rows, unit, mono }) {
    fieldCount += 1;
    const id = `field-${fieldCount}`;
    const shared = {
        id, name, required: required || null, placeholder, autocomplete: autocomplete ?? "off", "aria-describedby": `${id}-hint`,
        spellcheck: "false", class: mono ? "mono" : null,
    };
    let input;
    if (kind === "select") {
        input = h("select", shared, (options ?? []).map((option) => h("option", { value: option.value, selected: String(option.value) === String(value ?? "") || null }, option.label)));
    } else if (kind === "area") {
        input = h("textarea", { ...shared, rows: rows ?? 4, value: value ?? "" });
    } else if (kind === "checkbox") {
        input = h("input", { ...shared, type: "checkbox", checked: value ? true : null });
    } else {
        input = h("input", {
            ...shared, type: kind === "password" ? "password" : "text", value: value ?? "",
            inputmode: kind === "decimal" ? "decimal" : kind === "number" ? "numeric" : null,
            autocapitalize: "none",
        });
    }
    const error = h("span", { class: "field-error", id: `${id}-error`, "aria-live": "polite" });
    const help = h("span", { class: "hint", id: `${id}-hint` }, hint ?? "");
    const caption = h("label", { for: id }, label);
    const control = unit ? h("div", { class: "with-unit" }, input, h("span", { class: "unit" }, unit)) : input;
    const element = kind === "checkbox"
        ? h("div", { class: "field check" }, h("div", { class: "check-line" }, input, caption), help, error)
        : h("div", { class: "field" }, caption, control, help, error);
    const clear = () => {
        error.textContent = "";
        input.removeAttribute("aria-invalid");
        input.setAttribute("aria-describedby", `${id}-hint`);
    };
    input.addEventListener("input", clear);
    return {
        element, input, name, clear,
        fail(message) {
            error.textContent = message;
            input.setAttribute("aria-invalid", "true");
            input.setAttribute("aria-describedby", `${id}-error`);
            // What is folded away could not be read.
            const folded = element.closest("details");
            if (folded) folded.open = true;
        },
        read() {
            if (kind === "checkbox") return input.checked;
            const text = kind === "area" || kind === "password" ? input.value : input.value.trim();
            if (text === "") {
                if (required) throw new RangeError("This is needed.");
                return null;
            }
            // A comma that stands for the point would make a hundred of one.
            if ((kind === "decimal" || kind === "number") && text.includes(",") && !/^[-+\u2212]?\d{1,3}([\s,_]\d{3})+(\.\d+)?$/.test(text)) throw new RangeError("Write a point, as in 0.05; commas stand only between thousands.");
            const plain = text.replace(/[\s,_]/g, "").replace(/^\u2212/, "-").replace(/^\+/, "");
            if (kind === "decimal") {
                if (!/^-?\d+(\.\d{1,18})?$/.test(plain)) throw new RangeError("Write a number such as 1250 or 0.05.");
                return plain;
            }
            if (kind === "number") {
                if (!/^-?\d+$/.test(plain)) throw new RangeError("Write a whole number.");
                return Number(plain);
            }
            return text;
        },
    };
}

/**
 * A form of fields. `onsubmit(values)` may throw an `ApiError`; its message is shown beside the field that it names,
 * else above the buttons. What was typed always stays. `inner` are fields whose elements stand within another one.
 */
export function form({ fields, inner = [], submit = "Save", tone = "primary", onsubmit, cancel, actions, layout = "" }) {
    const trouble = h("div", { class: "form-error", role: "alert" });
    const send = button(submit, { tone, type: "submit" });
    const element = h("form", { class: `form ${layout}`, novalidate: true, autocomplete: "off" },
        fields.map((item) => item.element ?? item), trouble,
        h("div", { class: "actions end" }, actions ?? null, cancel ? button("Cancel", { onclick: cancel }) : null, send));
    const real = [...fields, ...inner].filter((item) => item.input);
    element.addEventListener("submit", (event) => {
        event.preventDefault();
        whileBusy(send, async () => {
            trouble.textContent = "";
            const values = {};
            let first = null;
            for (const item of real) {
                item.clear();
                try {
                    values[item.name] = item.read();
                } catch (error) {
                    item.fail(error.message);
                    first ??= item;
                }
            }
            if (first) {
                first.input.focus();
                return;
            }
            try {
                await onsubmit(values);
            } catch (error) {
                showFormError(error, real, trouble);
            }
        });
    });
    return { element, fields: real, submit: send };
}

function showFormError(error, fields, trouble) {
    if (error?.name === "AbortError") return;
    if (!(error instanceof ApiError)) console.error(error);
    const wanted = error.field ?? null;
    const match = wanted ? fields.find((item) => item.name === wanted) ?? fields.find((item) => wanted.endsWith("." + item.name) || wanted.startsWith(item.name + "[") || wanted.startsWith(item.name + ".") || item.name.endsWith("." + wanted)) : null;
    if (match) {
        match.fail(error.message);
        match.input.focus({ preventScroll: true });
        match.element.scrollIntoView({ block: "center" });
    } else {
        trouble.textContent = (wanted ? `${wanted}: ` : "") + error.message;
    }
}

/** Fields for a JSON object of parameters, typed by the values that it holds. `collect` rebuilds the object. */
export function parameterFields(parameters, prefix = "parameters.") {
    const made = Object.entries(parameters ?? {}).map(([name, value]) => {
        const type = value === null ? "json" : Array.isArray(value) ? "json" : typeof value;
        const common = { name: prefix + name, label: humanise(name) };
        if (type === "boolean") return { name, type, item: field({ ...common, kind: "checkbox", value }) };
        if (type === "number") {
            return { name, type, item: field({ ...common, kind: "text", value: String(value), hint: `Number, usually ${value}`, mono: true }), usual: String(value) };
        }
        if (type === "string") return { name, type, item: field({ ...common, value, hint: value === "" ? "Text" : `Text, usually “${value}”` }) };
        return { name, type: "json", item: field({ ...common, kind: "area", rows: 2, mono: true, value: JSON.stringify(value), hint: "JSON" }) };
    });
    for (const { type, item, usual } of made) {
        const read = item.read;
        if (type === "number") {
            item.read = () => {
                const text = read() ?? usual;
                try {
                    return new RawNumber(text.replace(/^\u2212/, "-"));
                } catch {
                    throw new RangeError("Write a number such as 14 or 0.5.");
                }
            };
        } else if (type === "string") {
            item.read = () => read() ?? "";
        } else if (type === "json") {
            item.read = () => {
                try {
                    return JSON.parse(read() ?? "null");
                } catch (error) {
                    throw new RangeError("This is not JSON: " + error.message);
                }
            };
        }
    }
    return {
        fields: made.map(({ item }) => item),
        collect: (values) => Object.fromEntries(made.map(({ name, item }) => [name, values[item.name]])),
    };
}

// MARK: - Dialogs

/**
 * Opens a modal dialog. `build(close)` returns its content. Resolves with what was passed to `close`, or undefined
 * when it was dismissed. The focus returns to where it was.
 */
export function dialog(title, build, { tone = "", wide, side, dismissable = true } = {}) {
    return new Promise((resolve) => {
        const before = document.activeElement;
        let result;
        const close = (value) => {
            result = value;
            element.close();
        };
        const element = h("dialog", { class: `dialog ${tone} ${wide ? "wide" : ""} ${side ? "drawer" : ""}`, "aria-label": title });
        append(element, [
            h("header", {}, h("h2", {}, title), dismissable
                ? h("button", { class: "button bare", type: "button", "aria-label": "Close", onclick: () => close() }, icon("close")) : null),
            h("div", { class: "body" }, build(close)),
        ]);
        element.addEventListener("cancel", (event) => { if (!dismissable) event.preventDefault(); });
        element.addEventListener("close", () => {
            element.remove();
            before?.focus?.();
            resolve(result);
        });
        let pressedOutside = false;
        element.addEventListener("pointerdown", (event) => { pressedOutside = event.target === element; });
        element.addEventListener("click", (event) => { if (dismissable && pressedOutside && event.target === element) close(); });
        document.body.append(element);
        element.showModal();
        (element.querySelector("[autofocus], .body input, .body select, .body textarea") ?? element.querySelector(".actions .button"))?.focus();
    });
}

/** Asks before something is done. `work` runs inside the dialog, so that a refusal is shown there. */
export function confirm(title, text, { submit = "Continue", tone = "primary", work, fields = [] } = {}) {
    return dialog(title, (close) => {
        const made = form({
            fields: [h("div", { class: "prose" }, text), ...fields], submit, tone, cancel: () => close(),
            onsubmit: async (values) => {
                await work?.(values);
                close(true);
            },
        });
        return made.element;
    }, { tone: tone === "danger" ? "danger" : "" });
}

/** Text with a button that copies it. */
export function copyable(text) {
    return h("div", { class: "copyable" }, h("code", {}, text), button("Copy", {
        icon: "copy", small: true,
        onclick: async () => {
            await navigator.clipboard.writeText(text);
            notice("Copied.", "good");
        },
    }));
}

/** Choices of which one is pressed. `choices`: `{ value, label }`. */
export function choices(label, list, chosen, onchange) {
    const buttons = list.map(({ value, label: text }) => h("button", {
        class: "chip", type: "button", "aria-pressed": String(value === chosen), dataset: { value },
        onclick: () => {
            for (const other of buttons) other.setAttribute("aria-pressed", String(other.dataset.value === value));
            onchange(value);
        },
    }, text));
    return h("div", { class: "chips", role: "group", "aria-label": label }, buttons);
}

/** A search box that reports after a short rest. */
export function searchBox(label, oninput) {
    let timer = null;
    const input = h("input", { type: "search", placeholder: label, "aria-label": label, class: "search", autocomplete: "off", spellcheck: "false" });
    input.addEventListener("input", () => {
        clearTimeout(timer);
        timer = setTimeout(() => oninput(input.value.trim().toLowerCase()), 120);
    });
    input.addEventListener("keydown", (event) => {
        if (event.key === "Escape" && input.value !== "") {
            input.value = "";
            oninput("");
            event.stopPropagation();
        }
    });
    return h("div", { class: "search-box" }, icon("search"), input, h("kbd", { "aria-hidden": "true" }, "/"));
}

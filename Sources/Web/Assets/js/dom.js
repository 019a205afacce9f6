// Small helpers to build and update the page. Text always goes through text nodes, never through markup.

/**
 * Makes an element.
 *
 * Properties: `class`, `dataset`, `css` (set through the CSSOM, which the content security policy allows),
 * `on…` listeners, and attributes. `false`, `null` and `undefined` leave an attribute out, `true` sets it empty.
 */
export function h(tag, properties, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties ?? {})) {
        if (value === false || value === null || value === undefined) continue;
        if (name === "class") element.className = value;
        else if (name === "dataset") Object.assign(element.dataset, value);
        else if (name === "css") for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
        else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
        else if (name === "value") element.value = value;
        else element.setAttribute(name, value === true ? "" : String(value));
    }
    append(element, children);
    return element;
}

/** Appends nodes, texts and nested lists of them; skips what is null or false. */
export function append(parent, children) {
    for (const child of [children].flat(Infinity)) {
        if (child === null || child === undefined || child === false) continue;
        parent.append(child instanceof Node ? child : document.createTextNode(String(child)));
    }
    return parent;
}

/** Replaces what `parent` holds. */
export function fill(parent, ...children) {
    parent.replaceChildren();
    return append(parent, children);
}

/** Replaces `parent`'s content only where it differs, so that nothing flickers and focus stays. */
export function patch(parent, ...children) {
    const fresh = document.createElement(parent.tagName);
    append(fresh, children);
    const next = [...fresh.childNodes];
    const old = [...parent.childNodes];
    for (let index = 0; index < Math.max(next.length, old.length); index += 1) {
        if (index >= next.length) old[index].remove();
        else if (index >= old.length) parent.append(next[index]);
        else if (!old[index].isEqualNode(next[index])) old[index].replaceWith(next[index]);
    }
    return parent;
}

/** Sets text only when it changed. Returns whether it did. */
export function setText(element, text) {
    if (element.textContent === text) return false;
    element.textContent = text;
    return true;
}

const shapes = {
    strategies: "M4 5h16M4 12h16M4 19h10",
    positions: "M4 19V9m5 10V5m5 14v-7m5 7V8",
    orders: "M5 4h14v16l-3-2-2 2-2-2-2 2-2-2-3 2zM9 9h6M9 13h6",
    limits: "M12 3l8 3v6c0 4.5-3.3 8-8 9-4.7-1-8-4.5-8-9V6z",
    accounts: "M3 7h18v12H3zM3 11h18M7 15h4",
    lab: "M9 3h6M10 3v6l-5.5 9.5A1.7 1.7 0 0 0 6 21h12a1.7 1.7 0 0 0 1.5-2.5L14 9V3M7.5 15h9",
    studies: "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h6v6h-6z",
    data: "M4 6c0-1.7 3.6-3 8-3s8 1.3 8 3-3.6 3-8 3-8-1.3-8-3zM4 6v12c0 1.7 3.6 3 8 3s8-1.3 8-3V6M4 12c0 1.7 3.6 3 8 3s8-1.3 8-3",
    criteria: "M4 6l1.5 1.5L8 5M4 13l1.5 1.5L8 12M11 6.5h9M11 13.5h9M11 20h9M5 20h1",
    feeds: "M3 12h4l3-8 4 16 3-8h4",
    users: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM3 20c0-3.5 2.5-6 6-6s6 2.5 6 6M16 4.5a3.3 3.3 0 0 1 0 6M17.5 14.5c2.2.8 3.5 2.8 3.5 5.5",
    keys: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3M12 15v2",
    tokens: "M14 10a4 4 0 1 0-4 4l1-.2L13 16h2v2h2v2h3v-3l-6.2-6.2z",
    audit: "M12 7v5l3 2M4 12a8 8 0 1 0 2.5-5.8M4 4v4h4",
    health: "M12 20s-8-4.6-8-10.5A4.5 4.5 0 0 1 12 7a4.5 4.5 0 0 1 8 2.5C20 15.4 12 20 12 20z",
    upload: "M12 16V4m0 0L7 9m5-5l5 5M4 17v3h16v-3",
    start: "M7 4.5v15l12-7.5z",
    stop: "M6 6h12v12H6z",
    pause: "M8 5v14M16 5v14",
    restart: "M20 12a8 8 0 1 1-2.3-5.7L20 8.5M20 4v4.5h-4.5",
    trash: "M4 7h16M9 7V4h6v3m3 0l-1 13H7L6 7m4 4v5m4-5v5",
    close: "M6 6l12 12M18 6L6 18",
    check: "M5 12.5l4.5 4.5L19 7",
    warn: "M12 4l9 16H3zM12 10v4m0 3v.01",
    info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5m0-8v.01",
    search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM20 20l-4-4",
    more: "M5 12h.01M12 12h.01M19 12h.01",
    sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2v2m0 16v2M2 12h2m16 0h2M5 5l1.5 1.5m11 11L19 19M5 19l1.5-1.5m11-11L19 5",
    moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z",
    system: "M3 5h18v11H3zM8 20h8m-4-4v4",
    file: "M6 3h8l4 4v14H6zM14 3v4h4",
    copy: "M9 9h11v11H9zM5 15H4V4h11v1",
    download: "M12 4v12m0 0l-5-5m5 5l5-5M4 20h16",
    arrow: "M9 6l6 6-6 6",
    back: "M15 6l-6 6 6 6",
    halt: "M8 3h8l5 5v8l-5 5H8l-5-5V8zM12 8v5m0 3v.01",
    edit: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
    plus: "M12 5v14M5 12h14",
    logout: "M14 4h5v16h-5M4 12h11m0 0l-4-4m4 4l-4 4",
    keyboard: "M3 6h18v12H3zM7 10h.01M11 10h.01M15 10h.01M8 14h8",
    signal: "M5 12a7 7 0 0 1 14 0M8.5 12a3.5 3.5 0 0 1 7 0M12 12v8",
};

/** A line icon, hidden from screen readers: the control around it carries the words. */
export function icon(name) {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    const path = document.createElementNS(space, "path");
    path.setAttribute("d", shapes[name] ?? shapes.info);
    if (name === "more") path.setAttribute("stroke-width", "3");
    svg.append(path);
    return svg;
}

/** The ball of the bullpen. */
export function logo() {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("viewBox", "0 0 32 32");
    svg.setAttribute("class", "logo");
    svg.setAttribute("aria-hidden", "true");
    const ball = document.createElementNS(space, "circle");
    for (const [name, value] of Object.entries({ cx: 16, cy: 16, r: 14, class: "logo-ball" })) ball.setAttribute(name, value);
    const seam = document.createElementNS(space, "path");
    seam.setAttribute("d", "M8 5.5c4 5.5 4 15.5 0 21M24 5.5c-4 5.5-4 15.5 0 21");
    seam.setAttribute("class", "logo-seam");
    svg.append(ball, seam);
    return svg;
}

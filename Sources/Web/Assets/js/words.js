// Times, sizes and states in words.

const states = {
    stopped: { word: "Stopped", tone: "idle" },
    starting: { word: "Starting", tone: "busy" },
    ready: { word: "Ready", tone: "busy" },
    running: { word: "Running", tone: "good" },
    paused: { word: "Paused", tone: "warn" },
    stopping: { word: "Stopping", tone: "busy" },
    backing_off: { word: "Backing off", tone: "warn" },
    quarantined: { word: "Quarantined", tone: "bad" },
};

export const stateNames = Object.keys(states);

/** The word and tone of a strategy's state; an unknown state is shown as it came. */
export function stateWord(state) {
    return states[state] ?? { word: humanise(state ?? "unknown"), tone: "idle" };
}

/** Whether a strategy in this state has, or is about to have, a process. */
export function isAlive(state) {
    return ["starting", "ready", "running", "paused", "stopping", "backing_off"].includes(state);
}

/** Why a strategy stands still although nobody asked it to; null when there is nothing to say. */
export function trouble(status) {
    const reason = status?.reason ? String(status.reason).split("\n")[0] : null;
    if (["quarantined", "backing_off"].includes(status?.state)) return reason;
    return status?.state === "stopped" && reason && !/^(stopped by|ended by itself|it ended by itself)/.test(reason) ? reason : null;
}

const orderTones = {
    pending: "busy", open: "busy", partially_filled: "busy", filled: "good", cancelled: "idle", rejected: "bad",
    denied: "bad", expired: "idle", unknown: "warn", not_placed: "bad",
    waiting: "idle", held: "good", triggered: "warn", done: "idle", failed: "bad",
};

export function orderTone(status) {
    return orderTones[status] ?? "idle";
}

/** `average_price` → `Average price`. */
export function humanise(name) {
    const text = String(name).replace(/[_-]+/g, " ").replace(/\b(sl|tp|atr|cpu|mb|rsi|ema|sma|macd|id)\b/g, (word) => (word === "mb" ? "MiB" : word.toUpperCase()));
    return text.charAt(0).toUpperCase() + text.slice(1);
}

const two = (number) => String(number).padStart(2, "0");

/** Local time of day; with the date when it is not today's. */
export function clock(milliseconds, { seconds = true } = {}) {
    if (!Number.isFinite(milliseconds)) return "–";
    const date = new Date(milliseconds);
    const time = two(date.getHours()) + ":" + two(date.getMinutes()) + (seconds ? ":" + two(date.getSeconds()) : "");
    if (date.toDateString() === new Date().toDateString()) return time;
    return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
}

/** This device's distance from UTC now: `UTC+02:00`. */
export function zone() {
    const minutes = -new Date().getTimezoneOffset();
    return minutes === 0 ? "UTC" : `UTC${minutes < 0 ? "−" : "+"}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
}

/** Full UTC time, for tooltips. */
export function exact(milliseconds) {
    return Number.isFinite(milliseconds) ? new Date(milliseconds).toISOString().replace("T", " ") : "";
}

/** `3 d 4 h`, `12 min`, `8 s`. */
export function duration(milliseconds) {
    const seconds = Math.max(0, Math.round(milliseconds / 1000));
    if (seconds < 60) return `${seconds} s`;
    const minutes = Math.floor(seconds / 60);
    if (minutes < 60) return minutes < 10 ? `${minutes} min ${two(seconds % 60)} s` : `${minutes} min`;
    const hours = Math.floor(minutes / 60);
    if (hours < 24) return `${hours} h ${two(minutes % 60)} min`;
    return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `12 min ago`, `just now`. */
export function ago(milliseconds, now = Date.now()) {
    if (!Number.isFinite(milliseconds)) return "–";
    const passed = now - milliseconds;
    if (passed < 5000) return "just now";
    const coarse = passed < 60000 ? `${Math.round(passed / 1000)} s`
        : passed < 3600000 ? `${Math.floor(passed / 60000)} min`
        : passed < 86400000 ? `${Math.floor(passed / 3600000)} h`
        : `${Math.floor(passed / 86400000)} d`;
    return coarse + " ago";
}

/** `38 MiB`. */
export function bytes(count) {
    if (!Number.isFinite(count)) return "–";
    const names = ["B", "KiB", "MiB", "GiB", "TiB"];
    let power = 0;
    let value = count;
    while (value >= 1024 && power < names.length - 1) {
        value /= 1024;
        power += 1;
    }
    return `${value >= 100 || power === 0 ? Math.round(value) : value.toFixed(1)} ${names[power]}`;
}

/** `1 order`, `3 orders`. */
export function count(number, noun) {
    return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

// Decimal strings, as the API sends them. Values are added and compared as integers scaled by 10^18 and formatted
// as text; a floating point number appears only in `plot`, for drawing.

const SCALE = 18;
const ONE = 10n ** BigInt(SCALE);
const pattern = /^([+-]?)(\d+)(?:\.(\d+))?$/;

/** The value scaled by 10^18, or null when the text is no plain decimal with at most 18 places. */
export function units(value) {
    if (value === null || value === undefined) return null;
    const match = pattern.exec(String(value).trim());
    if (!match || (match[3]?.length ?? 0) > SCALE) return null;
    const magnitude = BigInt(match[2] + (match[3] ?? "").padEnd(SCALE, "0"));
    return match[1] === "-" ? -magnitude : magnitude;
}

/** The decimal string of a scaled integer, without trailing zeros. */
export function fromUnits(value) {
    const digits = (value < 0n ? -value : value).toString().padStart(SCALE + 1, "0");
    const fraction = digits.slice(-SCALE).replace(/0+$/, "");
    return (value < 0n ? "-" : "") + digits.slice(0, -SCALE) + (fraction ? "." + fraction : "");
}

/** -1, 0 or 1; 0 for what is missing. */
export function sign(value) {
    const scaled = units(value);
    if (scaled === null || scaled === 0n) return 0;
    return scaled < 0n ? -1 : 1;
}

/** The exact sum of all values that are there, as a decimal string. */
export function sum(...values) {
    return fromUnits(values.reduce((total, value) => total + (units(value) ?? 0n), 0n));
}

/** The difference a − b, as a decimal string. */
export function minus(a, b) {
    return fromUnits((units(a) ?? 0n) - (units(b) ?? 0n));
}

/** The product, cut after 18 places; null when one side is missing. For display only. */
export function times(a, b) {
    const [left, right] = [units(a), units(b)];
    return left === null || right === null ? null : fromUnits((left * right) / ONE);
}

/** The quotient part ÷ whole in percent with two places, or null when it means nothing. */
export function percent(part, whole) {
    const [top, bottom] = [units(part), units(whole)];
    if (top === null || bottom === null || bottom === 0n) return null;
    return fromUnits(((top * 10000n) / bottom) * (ONE / 100n));
}

/**
 * Formats with grouping. Half is rounded away from zero when `places` cuts digits off.
 *
 * - `places`: exactly so many digits after the point; without it all digits that came.
 * - `sign`: write a plus before positive values.
 */
export function format(value, { places, sign: signed = false } = {}) {
    if (value === null || value === undefined || value === "") return "–";
    const scaled = units(value);
    if (scaled === null) return String(value);
    const negative = scaled < 0n;
    let magnitude = negative ? -scaled : scaled;
    let text;
    if (places === undefined) {
        text = fromUnits(magnitude);
    } else {
        const step = 10n ** BigInt(SCALE - places);
        magnitude = ((magnitude + step / 2n) / step) * step;
        const digits = magnitude.toString().padStart(SCALE + 1, "0");
        text = digits.slice(0, -SCALE) + (places > 0 ? "." + digits.slice(-SCALE, digits.length - SCALE + places) : "");
    }
    const [whole, fraction] = text.split(".");
    const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",") + (fraction ? "." + fraction : "");
    if (magnitude === 0n) return grouped;
    return (negative ? "\u2212" : signed ? "+" : "") + grouped;
}

/** Money of a quote currency: two places, or more when the value is small. */
export function money(value, options = {}) {
    const scaled = units(value);
    if (scaled === null) return format(value, options);
    const magnitude = scaled < 0n ? -scaled : scaled;
    const places = magnitude !== 0n && magnitude < ONE / 100n ? 4 : 2;
    return format(value, { places, ...options });
}

/** A price that may be a quotient, such as the average of several fills: rounded where it has more places than anybody reads. */
export function average(value) {
    const [whole = "", fraction = ""] = String(value ?? "").split(".");
    return format(value, fraction.length > 8 ? { places: /^-?0$/.test(whole) ? 8 : 4 } : {});
}

/** A nearby floating point number, for drawing charts and nothing else. */
export function plot(value) {
    const number = Number(value);
    return Number.isFinite(number) ? number : null;
}

/** Writes JSON; a `RawNumber` goes out digit for digit as it was typed. */
export function stringify(value) {
    if (value instanceof RawNumber) return value.text;
    if (Array.isArray(value)) return "[" + value.map((item) => stringify(item ?? null)).join(",") + "]";
    if (value !== null && typeof value === "object") {
        const members = Object.entries(value).filter(([, member]) => member !== undefined);
        return "{" + members.map(([name, member]) => JSON.stringify(name) + ":" + stringify(member)).join(",") + "}";
    }
    return JSON.stringify(value);
}

/** A JSON number kept as text, so that it never becomes a floating point number. */
export class RawNumber {
    constructor(text) {
        if (!/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text)) throw new RangeError("not a number: " + text);
        this.text = text;
    }
}

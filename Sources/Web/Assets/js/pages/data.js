// Market data: what is stored, what is being fetched, and the collectors that go on fetching.

import { h, fill, icon } from "../dom.js";
import { get, post, change, remove, items, query, upload } from "../api.js";
import { badge, button, confirm, dataTable, dialog, empty, failureBox, field, form, notice, panel, skeleton } from "../ui.js";
import { ago, bytes, count, duration, humanise } from "../words.js";
import { utc } from "../labfigures.js";
import { dayField } from "../labfields.js";
import { isOperator } from "../store.js";

const venues = [
    { value: "binance", label: "Binance" }, { value: "binance-testnet", label: "Binance test network" }, { value: "coindcx", label: "CoinDCX" },
];
const lengths = ["1m", "5m", "15m", "1h", "4h", "1d"];
const collectorTones = { waiting: "good", collecting: "busy", backing_off: "bad", disabled: "idle", stopped: "idle" };
const downloadTones = { running: "busy", done: "good", failed: "bad", cancelled: "idle" };
const whole = (value) => h("span", { class: "num" }, (value ?? 0).toLocaleString("en"));
const seriesName = (one) => `${one.venue} ${one.symbol} ${one.resolution}`;
const seriesPath = (one) => "/data/series/" + [one.venue, one.symbol, one.resolution].map(encodeURIComponent).join("/");
const refusals = (refused) => Object.entries(refused ?? {}).map(([reason, number]) => `${number.toLocaleString("en")} ${humanise(reason).toLowerCase()}`).join(", ");
const total = (refused) => Object.values(refused ?? {}).reduce((sum, number) => sum + number, 0);
const day = (time) => (time === null ? "–" : utc(time, { date: true }));

/** A link that saves a series as gzipped CSV: the browser writes it as it comes. */
function exportLink(one) {
    const title = `Save ${seriesName(one)} as CSV`;
    return h("a", { class: "button bare small", href: "/data/candles.csv.gz" + query({ venue: one.venue, symbol: one.symbol, resolution: one.resolution }), download: `${one.venue}-${one.symbol}-${one.resolution}.csv.gz`, title, "aria-label": title }, icon("download"));
}

/** Makes a field read a list of words; empty stays null. */
function asList(item) {
    const read = item.read;
    item.read = () => {
        const list = (read() ?? "").split(/[\s,]+/).filter(Boolean);
        return list.length ? list : null;
    };
    return item;
}

export async function open(context) {
    const { place, signal } = context;
    const only = (...buttons) => (isOperator() ? buttons : []);

    // MARK: What is stored

    const stored = dataTable({
        label: "Stored candles", key: seriesName, order: { index: 0, down: false },
        columns: [
            { label: "Series", main: true, sort: seriesName, render: (one) => [h("span", { class: "name" }, `${one.symbol} ${one.resolution}`), h("span", { class: "sub" }, one.venue)] },
            { label: "Candles", right: true, sort: (one) => one.candles, render: (one) => whole(one.candles) },
            { label: "First", right: true, sort: (one) => one.first, render: (one) => h("span", { class: "num" }, day(one.first)) },
            { label: "Last", right: true, sort: (one) => one.last, render: (one) => h("span", { class: "num", title: utc(one.last) }, day(one.last)) },
            { label: "Absent", right: true, sort: (one) => one.absent, render: (one) => (one.absent ? button(one.absent.toLocaleString("en"), { small: true, tone: "bare", title: "Which are absent", onclick: () => showGaps(one) }) : h("span", { class: "muted" }, "none")) },
            { label: "Refused", right: true, wide: true, render: (one) => (total(one.refused) ? h("span", { class: "num", title: refusals(one.refused) }, total(one.refused).toLocaleString("en")) : h("span", { class: "muted" }, "none")) },
            { label: "Size", right: true, wide: true, sort: (one) => one.bytes, render: (one) => h("span", { class: "num" }, bytes(one.bytes)) },
            { label: "Kept", right: true, wide: true, render: (one) => (one.keep_days === null ? "always" : count(one.keep_days, "day")) },
            { label: "", render: (one) => h("div", { class: "actions" }, exportLink(one),
                ...only(button("", { icon: "edit", small: true, tone: "bare", title: `How long ${seriesName(one)} is kept`, onclick: () => keep(one) }),
                    button("", { icon: "trash", small: true, tone: "bare", title: `Delete ${seriesName(one)}`, onclick: () => forget(one) }))) },
        ],
        empty: () => empty("No candles yet", isOperator() ? "Download them from an exchange, which needs no key, or import a file: time_ms,open,high,low,close,volume." : "An operator downloads or imports them.",
            ...only(button("Download", { icon: "download", tone: "primary", onclick: askDownload }), button("Import a file", { icon: "upload", onclick: askImport }))),
    });

    function showGaps(one) {
        return dialog(`What ${seriesName(one)} lacks`, () => {
            const box = h("div", {}, skeleton(4));
            get("/data/gaps" + query({ venue: one.venue, symbol: one.symbol, resolution: one.resolution, limit: 200 }), { signal }).then((found) => {
                const { missing, unasked } = found.counts;
                fill(box, h("p", { class: "prose" }, `${missing.candles.toLocaleString("en")} candles are missing: the venue was asked and had none. ${unasked.candles.toLocaleString("en")} were never asked for.`),
                    h("div", { class: "scroll" }, h("table", { class: "data", "aria-label": "Gaps" }, h("thead", {}, h("tr", {}, ["From", "Before", "Candles", "Kind"].map((text) => h("th", { scope: "col" }, text)))),
                        h("tbody", {}, found.gaps.map((gap) => h("tr", {}, h("td", { class: "num" }, utc(gap.from)), h("td", { class: "num" }, utc(gap.to)), h("td", { class: "num" }, gap.candles.toLocaleString("en")), h("td", {}, humanise(gap.kind))))))),
                    found.gaps.length === 200 ? h("p", { class: "hint" }, "The first 200.") : null);
            }).catch((error) => fill(box, failureBox(error)));
            return box;
        }, { wide: true });
    }

    function keep(one) {
        return dialog(`Keep ${seriesName(one)}`, (close) => form({
            fields: [field({ name: "keep_days", label: "Days", kind: "number", value: one.keep_days ?? "", placeholder: "always", hint: "Older candles are removed when newer ones are written. Empty keeps everything." })],
            cancel: () => close(),
            async onsubmit(values) {
                await change(seriesPath(one), values);
                notice("Noted.", "good");
                close(true);
                await refresh();
            },
        }).element);
    }

    const forget = (one) => confirm(`Delete ${seriesName(one)}?`, `Its ${one.candles.toLocaleString("en")} candles are removed. Backtests that used them keep their figures and can be repeated no more.`, {
        submit: "Delete", tone: "danger",
        async work() {
            await remove(seriesPath(one));
            notice(`${seriesName(one)} is deleted.`, "good");
            await refresh();
        },
    });

    // MARK: Downloads

    const progress = (one) => h("div", { class: "run-progress" }, h("div", { class: "progress", role: "progressbar", "aria-label": `Download ${one.id}`, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round((100 * one.bars_done) / Math.max(1, one.bars_total)) },
        h("i", { css: { width: `${((100 * one.bars_done) / Math.max(1, one.bars_total)).toFixed(1)}%` } })),
        h("span", { class: "sub num" }, one.state !== "running" ? "" : `${one.bars_per_second.toLocaleString("en")} a second${one.seconds_left === null ? "" : `, ${duration(one.seconds_left * 1000)} left`}`));
    const downloads = dataTable({
        label: "Downloads", key: (one) => one.id,
        columns: [
            { label: "Series", main: true, render: (one) => [h("span", { class: "name" }, `${one.symbol} ${one.resolution}`), h("span", { class: "sub" }, `${one.venue} · ${day(one.from)} to ${day(one.to)}`)] },
            { label: "State", full: true, render: (one) => [badge(humanise(one.state), downloadTones[one.state]), one.state === "running" ? progress(one) : null, one.reason && one.state !== "done" ? h("span", { class: "sub", title: one.reason }, one.reason) : null] },
            { label: "Known", right: true, render: (one) => h("span", { class: "num" }, `${one.bars_done.toLocaleString("en")} of ${one.bars_total.toLocaleString("en")}`) },
            { label: "Fetched", right: true, render: (one) => whole(one.stored) },
            { label: "Refused", right: true, wide: true, render: (one) => (total(one.refused) ? h("span", { class: "num", title: refusals(one.refused) }, total(one.refused).toLocaleString("en")) : h("span", { class: "muted" }, "none")) },
            ...(isOperator() ? [{ label: "", render: (one) => h("div", { class: "actions" }, one.state === "running"
                ? button("", { icon: "close", small: true, tone: "bare", title: `Cancel download ${one.id}`, onclick: async () => { await remove("/data/downloads/" + encodeURIComponent(one.id)); await refresh(); } })
                : one.state === "done" ? null : button("Go on", { icon: "restart", small: true, onclick: () => again(one) })) }] : []),
        ],
        empty: () => empty("No downloads", "What is fetched once is shown here with its progress, until the host ends."),
    });

    async function again(one) {
        await post("/data/downloads", { venue: one.venue, symbol: one.symbol, resolution: one.resolution, from: one.from, to: one.to });
        await refresh();
    }

    function askDownload() {
        const month = new Date(Date.now() - 30 * 86400000).toISOString().slice(0, 10);
        return dialog("Download candles", (close) => form({
            fields: [field({ name: "venue", label: "Exchange", kind: "select", options: venues, value: "binance", hint: "No key is needed." }),
                field({ name: "symbol", label: "Instrument", required: true, placeholder: "BTCUSDT" }),
                field({ name: "resolution", label: "Length of candle", kind: "select", value: "1m", options: lengths.map((value) => ({ value, label: value })) }),
                dayField("from", "From (UTC)", { value: month, required: true }), dayField("to", "Before (UTC)", { hint: "Empty: up to now." })],
            submit: "Download", layout: "two", cancel: () => close(),
            async onsubmit(values) {
                if (values.to === null) delete values.to;
                values.symbol = values.symbol.toUpperCase();
                await post("/data/downloads", values);
                close(true);
                notice("The download is under way.", "good");
                await refresh();
            },
        }).element, { wide: true });
    }

    function askImport() {
        return dialog("Import candles", (close) => {
            const venue = field({ name: "venue", label: "Exchange", placeholder: "binance" });
            const symbol = field({ name: "symbol", label: "Instrument", placeholder: "BTCUSDT" });
            const resolution = field({ name: "resolution", label: "Length of candle", placeholder: "1h" });
            const file = field({ name: "file", label: "File", hint: "CSV, also gzipped, that begins with time_ms,open,high,low,close,volume. A name such as binance-BTCUSDT-1h.csv.gz says the rest." });
            file.input.type = "file";
            file.input.accept = ".csv,.gz";
            file.element.classList.add("full");
            file.read = () => {
                if (!file.input.files.length) throw new RangeError("Choose a file.");
                return file.input.files[0];
            };
            const bar = h("div", { class: "progress full", hidden: true }, h("i", {}));
            return form({
                fields: [file, venue, symbol, resolution, bar], submit: "Import", layout: "two", cancel: () => close(),
                async onsubmit(values) {
                    const body = new FormData();
                    body.append("file", values.file, values.file.name);
                    for (const name of ["venue", "symbol", "resolution"]) if (values[name] !== null) body.append(name, values[name]);
                    bar.hidden = false;
                    try {
                        const came = await upload("/data/import", body, (part) => { bar.firstElementChild.style.width = `${(part * 100).toFixed(1)}%`; });
                        const left = total(came.refused) + came.skipped;
                        notice(`${came.added.toLocaleString("en")} candles came, ${came.unchanged.toLocaleString("en")} were there already.${left ? ` ${left.toLocaleString("en")} rows were left out.` : ""}`, left ? "info" : "good");
                        close(true);
                        if (came.notes.length) showNotes(came.notes);
                        await refresh();
                    } finally {
                        bar.hidden = true;
                    }
                },
            }).element;
        }, { wide: true });
    }

    const showNotes = (notes) => dialog("What was left out or replaced", () => h("ul", { class: "bullets" }, notes.map((text) => h("li", {}, text))), { wide: true });

    // MARK: Collectors

    const what = (one) => (one.kind === "prices" ? "prices of every coin" : `${one.settings.symbols.join(", ")} · ${one.settings.resolutions.join(", ")}`);
    const stateOf = (one) => {
        const words = one.stream?.fault ? ["Stream broken", "bad"] : [humanise(one.state), collectorTones[one.state] ?? "idle"];
        return badge(one.attempt > 1 ? `${words[0]}, attempt ${one.attempt}` : words[0], words[1]);
    };
    const trouble = (one) => (one.stream?.fault ?? (one.last_failure !== null && (one.last_success ?? 0) < one.last_failure ? one.last_reason : null));
    const collectors = dataTable({
        label: "Collectors", key: (one) => one.id,
        columns: [
            { label: "Collector", main: true, sort: (one) => one.id, render: (one) => [h("span", { class: "name" }, one.id), h("span", { class: "sub" }, `${one.venue} · ${what(one)}`)] },
            { label: "State", full: true, sort: (one) => one.state, render: (one) => [stateOf(one), trouble(one) ? h("span", { class: "sub", title: trouble(one) }, `${one.last_failure === null ? "" : ago(one.last_failure) + ": "}${trouble(one)}`) : null] },
            { label: "Last success", right: true, render: (one) => h("span", { class: "num", title: utc(one.last_success) }, one.last_success === null ? "never" : ago(one.last_success)) },
            { label: "Next run", right: true, render: (one) => h("span", { class: "num", title: utc(one.next_due) }, one.next_due === null ? (one.state === "collecting" ? "now" : "–") : one.next_due <= Date.now() ? "now" : `in ${duration(one.next_due - Date.now())}`) },
            { label: "Stored", right: true, render: (one) => whole(one.counts.stored) },
            { label: "Failed runs", right: true, wide: true, render: (one) => h("span", { class: "num" }, `${one.counts.failed.toLocaleString("en")} of ${(one.counts.failed + one.counts.succeeded).toLocaleString("en")}`) },
            { label: "Refused", right: true, wide: true, render: (one) => (total(one.refused) ? h("span", { class: "num", title: refusals(one.refused) }, total(one.refused).toLocaleString("en")) : h("span", { class: "muted" }, "none")) },
            ...(isOperator() ? [{ label: "", render: (one) => h("div", { class: "actions" },
                button("", { icon: "start", small: true, tone: "bare", title: `Run ${one.id} now`, onclick: async () => { await post(`/data/collectors/${encodeURIComponent(one.id)}/run`); await refresh(); } }),
                button("", { icon: "edit", small: true, tone: "bare", title: `Edit ${one.id}`, onclick: () => edit(one) }),
                button("", { icon: "trash", small: true, tone: "bare", title: `Remove ${one.id}`, onclick: () => drop(one) })) }] : []),
        ],
        empty: () => empty("No collectors", "A collector fetches the past of some instruments, then stores every candle as it closes.", ...only(button("New collector", { icon: "plus", onclick: () => edit(null) }))),
    });

    const drop = (one) => confirm(`Remove ${one.id}?`, "It collects no more. What it has collected stays.", {
        submit: "Remove", tone: "danger",
        async work() {
            await remove("/data/collectors/" + encodeURIComponent(one.id));
            notice(`${one.id} is removed.`, "good");
            await refresh();
        },
    });

    function edit(one) {
        const now = one?.settings ?? {};
        return dialog(one ? `Collector ${one.id}` : "New collector", (close) => {
            const id = field({ name: "id", label: "Name", required: true, placeholder: "btc", hint: "Small letters, digits, - and _." });
            const kind = field({ name: "kind", label: "What", kind: "select", value: one?.kind ?? "candles", options: [{ value: "candles", label: "Candles" }, { value: "prices", label: "Prices of every coin of CoinSpot" }] });
            const venue = field({ name: "venue", label: "Exchange", kind: "select", value: one?.venue ?? "binance", options: venues });
            const symbols = asList(field({ name: "symbols", label: "Instruments", value: (now.symbols ?? []).join(", "), placeholder: "BTCUSDT, ETHUSDT" }));
            const resolutions = asList(field({ name: "resolutions", label: "Lengths of candle", value: (now.resolutions ?? []).join(", "), placeholder: "1m, 1h" }));
            const from = dayField("from", "The past from (UTC)", { value: now.from ? utc(now.from, { date: true }) : "", hint: "Empty: the last 1,000 candles." });
            const live = field({ name: "live", label: "Then", kind: "select", value: now.live ?? "stream", options: [{ value: "stream", label: "By the exchange's stream" }, { value: "poll", label: "By asking after each has closed" }] });
            const every = field({ name: "every", label: "Looks every", value: now.every ?? "", placeholder: "as long as a candle", hint: "Such as 5m; for prices whole five minutes." });
            const enabled = field({ name: "enabled", label: "Runs by itself", kind: "checkbox", value: now.enabled ?? true });
            const ofCandles = [venue, symbols, resolutions, from, live];
            const arrange = () => { for (const item of ofCandles) item.element.hidden = kind.input.value !== "candles"; };
            kind.input.addEventListener("change", arrange);
            arrange();
            return form({
                fields: one ? [...(one.kind === "candles" ? [symbols, resolutions, from, live] : []), every, enabled] : [id, kind, ...ofCandles, every, enabled],
                submit: one ? "Save" : "Begin", layout: "two", cancel: () => close(),
                async onsubmit(values) {
                    const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
                    if (!one && given.kind === "prices") {
                        for (const item of ofCandles) delete given[item.name];
                        given.venue = "coinspot";
                    }
                    if (one) await change("/data/collectors/" + encodeURIComponent(one.id), given);
                    else await post("/data/collectors", given);
                    notice(one ? "The collector is changed." : "The collector begins.", "good");
                    close(true);
                    await refresh();
                },
            }).element;
        }, { wide: true });
    }

    // MARK: The page

    /** `isQuiet`: what fails is tried again at the next look, and nothing is said. */
    async function refresh(isQuiet = false) {
        const lists = [["/data/series", stored], ["/data/downloads", downloads], ["/data/collectors", collectors]];
        const results = await Promise.allSettled(lists.map(async ([path, table]) => {
            const found = items(await get(path + "?limit=1000", { signal }));
            table.set(path === "/data/downloads" ? found.reverse() : found);
        }));
        results.forEach((result, index) => {
            if (!isQuiet && result.status === "rejected" && result.reason?.name !== "AbortError") lists[index][1].fail(result.reason, context.reload);
        });
    }

    fill(place,
        h("div", { class: "page-head" }, h("h1", {}, "Market data"), h("div", { class: "grow" }),
            ...only(button("Download", { icon: "download", tone: "primary", onclick: askDownload }), button("Import", { icon: "upload", onclick: askImport })),
            h("p", { class: "lead" }, "Candles that backtests read. They come from exchanges, which needs no key, or from files.")),
        h("div", { class: "stack" },
            panel("Stored candles", stored.element, { flush: true, cardy: true }),
            panel("Downloads", downloads.element, { flush: true, cardy: true }),
            panel("Collectors", collectors.element, { flush: true, cardy: true, actions: only(button("New collector", { icon: "plus", small: true, onclick: () => edit(null) })) })));
    await refresh();
    const busy = () => downloads.items.some((one) => one.state === "running") || collectors.items.some((one) => one.state === "collecting");
    let quiet = 0;
    context.every(1500, () => {
        quiet += 1;
        if (!busy() && quiet % 7 !== 0) return;
        if (!document.querySelector("dialog[open]")) refresh(true);
    });
}

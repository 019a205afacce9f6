// Upload: choose or drop a file, see it validated at once, upload it, start it.

import { h, fill, icon } from "../dom.js";
import { get, items, upload } from "../api.js";
import { button, field, callout, facts, notice, panel, failureBox } from "../ui.js";
import { bytes, humanise } from "../words.js";
import { askStart } from "./start.js";

let waiting = null; // A file dropped elsewhere, to be taken when this page opens.
let taker = null;

/** Hands a file to this page; used by the window-wide drop. */
export function takeFile(file) {
    if (taker) taker(file);
    else waiting = file;
}

const starter = `from bullpen import Strategy


class FirstStrategy(Strategy):
    """Buys after three rising candles, sells after three falling ones."""

    def on_candle(self, candle):
        closes = self.closes(4)
        if candle.history or len(closes) < 4:
            return
        steps = [later - earlier for earlier, later in zip(closes, closes[1:])]
        held = self.position().quantity
        if all(step > 0 for step in steps) and held == 0:
            self.log(f"three up at {candle.close}: buying")
            self.buy(self.parameter("quantity"))
        elif all(step < 0 for step in steps) and held > 0:
            self.log(f"three down at {candle.close}: selling")
            self.sell(held)
`;

const starterConfig = `{
  "name": "First strategy",
  "pair": "BTCUSDT",
  "resolution": "1m",
  "custom_params": { "quantity": "0.01" }
}
`;

/** Puts the file and what the form says into a multipart body. */
export function bundleForm(file, { name, config } = {}) {
    const body = new FormData();
    body.append("file", file, file.name);
    if (name) body.append("name", name);
    if (config) body.append("config", config);
    return body;
}

/** Shows one problem: message, where, and the offending lines. `lines` are the file's own, when they are known. */
export function problemBox(problem, lines) {
    const line = Number(problem.line) || null;
    const excerpt = [];
    if (line && lines && lines.length >= line) {
        for (let at = Math.max(1, line - 2); at <= Math.min(lines.length, line + 2); at += 1) excerpt.push([at, lines[at - 1], at === line]);
    } else if (problem.source) {
        String(problem.source).split("\n").forEach((text, index) => excerpt.push([line ? line + index : "", text, index === 0]));
    }
    return h("div", { class: "problem" },
        h("div", {}, h("strong", {}, problem.message), h("span", { class: "where" }, [problem.field, line ? "line " + line : null].filter(Boolean).join(" · ") || problem.code)),
        excerpt.length ? h("div", { class: "excerpt", tabindex: "0", role: "region", "aria-label": "The offending lines" }, excerpt.map(([at, text, hit]) => h("div", { class: hit ? "hit" : "" }, h("span", {}, at), h("span", {}, text || " ")))) : null);
}

export async function open(context) {
    const { place } = context;
    const target = new URLSearchParams(location.hash.split("?")[1] ?? "").get("for");
    let file = null;
    let lines = null;
    let check = 0;

    const input = h("input", { type: "file", accept: ".py,.zip,.elf,application/zip,text/x-python", "aria-label": "Strategy file" });
    const hint = h("span", { class: "muted" }, "One .py file, or a .zip with strategy.json and all its files, or a native program");
    const title = h("strong", {}, "Drop a strategy here, or choose a file");
    const drop = h("label", { class: "drop" }, icon("upload"), title, hint, input);
    const name = field({ name: "name", label: "Name", placeholder: "Taken from strategy.json or the file", hint: "" });
    const config = field({ name: "config", label: "strategy.json (optional, for a single file)", kind: "area", rows: 7, mono: true, placeholder: starterConfig });
    const details = h("details", { class: "more-settings" }, h("summary", {}, "Settings for a file without strategy.json"), h("div", { class: "stack" }, name.element, config.element));
    const result = h("div", { class: "stack", "aria-live": "polite" });
    const bar = h("i", {});
    const about = h("div", {});
    const progress = h("div", { class: "progress", hidden: true }, bar);
    const send = button("Upload", { icon: "upload", tone: "primary", onclick: () => submit(false) });
    const sendAndStart = button("Upload and start…", { icon: "start", onclick: () => submit(true) });
    const buttons = h("div", { class: "actions", hidden: true }, send, sendAndStart);

    input.addEventListener("change", () => { if (input.files[0]) take(input.files[0]); });
    for (const item of [name, config]) item.input.addEventListener("change", () => { if (file) validate(); });
    const inside = (event) => { event.preventDefault(); drop.classList.add("over"); };
    drop.addEventListener("dragover", inside);
    drop.addEventListener("dragleave", () => drop.classList.remove("over"));
    drop.addEventListener("drop", () => drop.classList.remove("over"));

    async function take(chosen) {
        file = chosen;
        lines = /\.(py|json|txt)$/i.test(file.name) && file.size < 1048576 ? (await file.text()).split(/\r?\n/) : null;
        fill(title, file.name);
        fill(hint, `${bytes(file.size)} · choose or drop another to replace it`);
        drop.classList.add("slim");
        input.value = "";
        await validate();
    }

    const extras = () => ({ name: name.input.value.trim(), config: config.input.value.trim() });

    async function validate() {
        check += 1;
        const mine = check;
        buttons.hidden = true;
        fill(about);
        fill(result, callout("info", "Checking…", h("p", {}, "The bundle is unpacked and compiled, nothing of it runs.")));
        try {
            const answer = await upload("/strategies/validate", bundleForm(file, extras()), () => {});
            if (mine === check) showResult(answer);
        } catch (error) {
            if (mine !== check) return;
            if (error.status === 400 || error.status === 413 || error.status === 415 || error.status === 422) {
                showResult({ valid: false, problems: [{ code: error.code, message: error.message, field: error.field }] });
            } else fill(result, failureBox(error, validate));
        }
    }

    function showResult(answer) {
        const problems = answer.problems ?? [];
        buttons.hidden = !answer.valid;
        if (!answer.valid) {
            fill(result, callout("bad", problems.length === 1 ? "This cannot run yet: one problem" : `This cannot run yet: ${problems.length} problems`,
                h("p", {}, "Mend it in your editor and choose the file again; nothing was uploaded.")), h("div", {}, problems.map((one) => problemBox(one, lines))));
            if (problems.some(({ field: wanted }) => wanted && !/\.(py|txt)$/.test(wanted))) details.open = true;
            return;
        }
        const settings = answer.config ?? {};
        const warnings = answer.warnings ?? [];
        fill(result, callout("good", "This is a valid strategy", h("p", {}, target ? "It becomes the newest version; a run keeps the one that it was started with." : "Upload it, then start it on a paper account.")),
            warnings.length ? callout("warn", "Remarks", h("ul", { class: "plain-list" }, warnings.map((text) => h("li", {}, text)))) : null);
        fill(about, panel("What it says about itself", configFacts(settings)));
        send.focus({ preventScroll: true });
    }

    /** The name is taken: says so beside the field where another one is written, and offers what is meant most often. */
    async function showTaken(error) {
        const taken = items(await get("/strategies?limit=500")).find((one) => error.message.includes(`"${one.name}"`));
        details.open = true;
        name.fail(error.message);
        if (taken) {
            const again = file;
            fill(result, callout("warn", `There is a strategy called ${taken.name}`, h("p", {}, "This file can become its newest version, or a strategy of its own under another name."),
                h("div", { class: "actions" }, button("Make it the newest version", { icon: "upload", onclick: () => {
                    waiting = again;
                    location.hash = "#/upload?for=" + encodeURIComponent(taken.id);
                } }))));
        }
        name.input.focus();
    }

    async function submit(andStart) {
        progress.hidden = false;
        bar.style.width = "0%";
        try {
            const address = target ? `/strategies/${encodeURIComponent(target)}/versions` : "/strategies";
            const strategy = await upload(address, bundleForm(file, extras()), (share) => { bar.style.width = `${Math.round(share * 100)}%`; });
            notice(`${strategy.name} is uploaded.`, "good");
            if (andStart) await askStart(strategy);
            location.hash = "#/strategies/" + encodeURIComponent(strategy.id);
        } catch (error) {
            if (error.status >= 400 && error.status < 500 && error.status !== 409) showResult({ valid: false, problems: error.problems.length ? error.problems : [{ code: error.code, message: error.message, field: error.field }] });
            else if (error.status === 409 && !target) await showTaken(error);
            else throw error;
        } finally {
            progress.hidden = true;
        }
    }

    fill(place,
        h("div", { class: "page-head" }, h("h1", {}, target ? "Upload a new version" : "Upload a strategy"),
            h("p", { class: "lead" }, "It is checked first. It runs without network, keys or files of this machine, and can only ask for orders.")),
        h("div", { class: "split" },
            h("div", { class: "stack" }, drop, details, progress, result, buttons, about),
            h("aside", { class: "stack" },
                panel("No file at hand?", [h("p", { class: "muted" }, "Start from a small example; open it in your editor and change what you like."),
                    h("div", { class: "actions" }, button("Check the example", { icon: "file", onclick: () => {
                        config.input.value = starterConfig;
                        return take(new File([starter], "first_strategy.py", { type: "text/x-python" }));
                    } }), button("Save it", { icon: "download", onclick: () => saveText("first_strategy.py", starter) }))]),
                panel("Good to know", [h("ul", { class: "bullets" },
                    h("li", {}, "Packages come from the runtime: name them in requirements.txt and the check tells whether they are there."),
                    h("li", {}, "Printing is fine: it goes to the log."),
                    h("li", {}, "The command line does the same: ", h("code", {}, "bullpen upload my.py"))) ]))));
    taker = take;
    context.dispose(() => { taker = null; });
    if (waiting) {
        const first = waiting;
        waiting = null;
        await take(first);
    }
}

/** The fields of strategy.json as a list of facts. */
export function configFacts(settings) {
    const rank = ["name", "description", "author", "pair", "resolution", "lookback_period", "profile", "kind", "entry"];
    const names = Object.keys(settings).filter((one) => one !== "code").sort((a, b) => (rank.indexOf(a) + 100) % 100 - (rank.indexOf(b) + 100) % 100);
    return facts(names.map((one) => {
        const value = settings[one];
        if (value === null || value === "") return null;
        const text = typeof value === "object" ? Object.entries(value).map(([key, item]) => `${key}: ${typeof item === "object" ? JSON.stringify(item) : item}`).join(", ") || "none" : String(value);
        return [humanise(one), text];
    }));
}

/** Offers `text` as a file to save. */
export function saveText(name, text) {
    const address = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    const link = h("a", { href: address, download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
}

// The source of one strategy, and its next version, written in the page.

import { h, fill } from "../../dom.js";
import { get, post, items, query } from "../../api.js";
import { empty, button, notice, panel, fault, loading } from "../../ui.js";
import { bytes, clock } from "../../words.js";
import { codeView } from "../../code.js";
import { zip } from "../../zip.js";
import { bundleForm, problemBox } from "../upload.js";

export function codeTab(tab) {
    const { strategy, base, context } = tab;
    const place = h("div", {});
    let files = [];
    let edited = null; // Path → text, while editing.
    let current = null;
    let version = strategy.version;
    const problems = h("div", { class: "stack", "aria-live": "polite" });
    const view = codeView({ onchange: () => { if (edited) edited.set(current.path, view.text()); } });
    const list = h("div", { class: "file-list" });
    const doing = h("div", { class: "actions" });

    async function load() {
        const answer = await get(base + "/source" + query({ version }), { signal: context.signal });
        files = (answer.files ?? items(answer)).map((one) => ({ ...one }));
        current = files.find((one) => one.path === (strategy.config?.entry ?? "strategy.py")) ?? files.find((one) => one.text !== null) ?? files[0] ?? null;
        draw();
        return files.length ? [list, view.element, problems] : empty("No source here", "A native program carries no source.");
    }

    function show(file) {
        current = file;
        drawFiles();
        const text = edited?.get(file.path) ?? file.text;
        if (text === null || text === undefined) view.show(file.path, `${file.path}: ${bytes(file.size)}, not a text file.`, false);
        else view.show(file.path, text, Boolean(edited)).then(() => {
            const match = /line (\d+)/.exec(strategy.status.reason ?? "");
            view.mark(!edited && match && String(strategy.status.reason).includes(file.path) ? Number(match[1]) : null);
        });
    }

    function drawFiles() {
        fill(list, files.map((file) => h("button", { class: "chip", type: "button", "aria-pressed": String(file === current), onclick: () => show(file) }, file.path)));
    }

    function draw() {
        fill(doing, (strategy.versions?.length ?? 0) > 1 ? h("select", { "aria-label": "Version", class: "small-select", onchange: (event) => { version = event.target.value; load().catch(fault); } }, strategy.versions.map((one) => h("option", { value: one.version, selected: one.version === version || null }, `${one.version.slice(0, 10)} · ${clock(one.uploaded_at, { seconds: false })}`))) : null,
            edited ? [button("Discard", { small: true, onclick: () => { edited = null; fill(problems); draw(); } }), button("Check", { icon: "check", small: true, onclick: check }), button("Save as new version", { icon: "upload", small: true, tone: "primary", onclick: save })]
                : files.some((one) => one.text !== null) ? button("Edit", { icon: "edit", small: true, onclick: () => { edited = new Map(); draw(); } }) : null);
        if (current) show(current);
    }

    const bundle = () => {
        const all = files.filter((one) => one.text !== null && one.text !== undefined).map(({ path, text }) => ({ path, text: edited?.get(path) ?? text }));
        return new File([zip(all)], `${strategy.name}.zip`, { type: "application/zip" });
    };

    function showProblems(found) {
        fill(problems, found.length ? h("div", { class: "problems-pad" }, found.map((one) => problemBox(one, current && !(one.file && one.file !== current.path) ? view.text().split("\n") : null))) : null);
        const line = found.find((one) => one.line)?.line;
        view.mark(line ? Number(line) : null);
    }

    async function check() {
        const body = bundleForm(bundle());
        const answer = await post("/strategies/validate", undefined, { form: body });
        showProblems(answer.valid ? [] : answer.problems ?? []);
        if (answer.valid) notice("It is valid.", "good");
        return answer.valid;
    }

    async function save() {
        if (!(await check())) return;
        const answer = await post(base + "/versions", undefined, { form: bundleForm(bundle()) });
        edited = null;
        notice("Saved as a new version. It is used at the next start.", "good");
        Object.assign(strategy, { version: answer.version ?? strategy.version, versions: answer.versions ?? strategy.versions });
        version = strategy.version;
        await load();
    }

    loading(place, load, 8);
    return panel("Source", place, { flush: true, actions: doing });
}

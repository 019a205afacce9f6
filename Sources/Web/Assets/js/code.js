// Shows and edits source text: CodeMirror where it is installed, else a plain view with line numbers.

import { h, fill } from "./dom.js";
import { loadCodeMirror } from "./vendor.js";

const modes = { py: "python", json: { name: "javascript", json: true }, toml: null, txt: null, md: null };

const modeOf = (name) => modes[name.split(".").pop()] ?? null;

/**
 * A view of one text. `{ element, show(name, text, editable), text(), mark(line) }`; `ready` resolves to whether
 * the editor is there.
 */
export function codeView({ onchange } = {}) {
    const element = h("div", { class: "code-place" });
    let editor = null;
    let area = null;
    let plainText = "";
    let marked = null;
    const ready = loadCodeMirror().then((library) => {
        if (!library) return false;
        const place = h("div", {});
        fill(element, place);
        editor = library(place, {
            lineNumbers: true, readOnly: true, indentUnit: 4, viewportMargin: 40, matchBrackets: true, styleActiveLine: false,
            extraKeys: { Tab: (cm) => cm.replaceSelection("    "), "Shift-Tab": "indentLess" }, screenReaderLabel: "Source",
        });
        editor.on("change", (_, event) => { if (event.origin !== "setValue") onchange?.(); });
        return true;
    });

    function plain(text) {
        return h("div", { class: "code", tabindex: "0", role: "region", "aria-label": "Source" }, h("ol", {}, text.split("\n").map((line) => h("li", {}, line || " "))));
    }

    return {
        element, ready,
        async show(name, text, editable = false) {
            await ready;
            plainText = text;
            if (editor) {
                editor.setOption("mode", modeOf(name));
                editor.setOption("readOnly", !editable);
                editor.setOption("styleActiveLine", editable);
                editor.setValue(text);
                requestAnimationFrame(() => editor.refresh());
            } else if (editable) {
                area = h("textarea", { class: "mono", rows: 26, spellcheck: "false", "aria-label": "Source of " + name, value: text, oninput: () => onchange?.() });
                fill(element, area);
            } else {
                area = null;
                fill(element, plain(text), h("div", { class: "credit" }, "Plain view: the code editor is not installed. Run scripts/fetch-assets on the host."));
            }
        },
        text: () => editor?.getValue() ?? area?.value ?? plainText,
        /** Lights up a line, counted from one; null takes the light away. */
        mark(line) {
            if (!editor) return;
            if (marked !== null) editor.removeLineClass(marked, "background", "code-hit");
            marked = line ? editor.addLineClass(line - 1, "background", "code-hit") : null;
            if (line) editor.scrollIntoView({ line: line - 1, ch: 0 }, 120);
        },
    };
}

// Loads the libraries under /vendor/, which `scripts/fetch-assets` puts there. A page works without them.

import { h } from "./dom.js";

const loads = new Map();

function script(source) {
    if (!loads.has(source)) {
        loads.set(source, new Promise((resolve, reject) => {
            const element = h("script", { src: source });
            element.addEventListener("load", () => resolve());
            element.addEventListener("error", () => {
                loads.delete(source);
                element.remove();
                reject(new Error(source + " is missing"));
            });
            document.head.append(element);
        }));
    }
    return loads.get(source);
}

function sheet(source) {
    if (document.querySelector(`link[href="${source}"]`)) return;
    const own = document.querySelector('link[href="/app.css"]');
    own.before(h("link", { rel: "stylesheet", href: source }));
}

let missing = null;

/** Whether the host says that the libraries are there; one small file tells, so that nothing fails loudly. */
async function present() {
    missing ??= fetch("/vendor/manifest.json", { cache: "no-cache" })
        .then((answer) => (answer.ok ? answer.json() : null)).catch(() => null);
    return missing;
}

/** TradingView Lightweight Charts, or null when it is not installed. */
export async function loadCharts() {
    if (!(await present())?.charts) return null;
    try {
        await script("/vendor/lightweight-charts/lightweight-charts.js");
        return window.LightweightCharts ?? null;
    } catch {
        return null;
    }
}

/** CodeMirror with Python and JSON, or null when it is not installed. */
export async function loadCodeMirror() {
    if (!(await present())?.editor) return null;
    try {
        sheet("/vendor/codemirror/codemirror.css");
        await script("/vendor/codemirror/codemirror.js");
        await Promise.all(["python", "javascript"].map((mode) => script(`/vendor/codemirror/mode/${mode}.js`)));
        await Promise.all(["active-line", "matchbrackets"].map((addon) => script(`/vendor/codemirror/addon/${addon}.js`)));
        return window.CodeMirror ?? null;
    } catch {
        return null;
    }
}

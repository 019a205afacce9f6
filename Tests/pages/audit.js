// Looks over the page that is shown and returns what is wrong with it, in words.
(() => {
    const findings = [];
    const seen = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    const say = (element) => {
        const words = element.textContent.trim().slice(0, 40);
        return `<${element.tagName.toLowerCase()} class="${element.className?.baseVal ?? element.className}"> ${words}`;
    };

    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth > width + 1) {
        const widest = [...document.querySelectorAll("body *")].find((one) => one.getBoundingClientRect().right > width + 1 && seen(one) && !one.closest(".scroll, .tabs, .log, .code, .excerpt, .CodeMirror"));
        findings.push(`the page is ${document.documentElement.scrollWidth} wide in a window of ${width}: ${widest ? say(widest) : "?"}`);
    }

    // Layout shift as browsers measure it; below 0.1 counts as good (web.dev/cls).
    const jumps = (window.jumps ?? []).splice(0);
    const total = jumps.reduce((sum, one) => sum + one.size, 0);
    if (total > 0.1) findings.push(`the layout jumps by ${total.toFixed(3)}: ${jumps.sort((a, b) => b.size - a.size).slice(0, 2).map((one) => `${one.size.toFixed(3)} ${one.what}`).join("; ")}`);

    for (const control of document.querySelectorAll("button, a[href], input, select, textarea")) {
        if (!seen(control) || control.closest(".CodeMirror")) continue;
        const label = control.labels?.[0]?.textContent ?? "";
        const name = control.getAttribute("aria-label") ?? (label || control.textContent || control.getAttribute("title") || "");
        if (name.trim() === "") findings.push("no name: " + say(control));
    }
    const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
    for (const id of new Set(ids.filter((one, index) => ids.indexOf(one) !== index))) findings.push("two elements with the id " + id);

    const channels = (text) => {
        const numbers = text.match(/[\d.]+/g).map(Number);
        return text.startsWith("color(") ? { rgb: numbers.slice(0, 3).map((one) => one * 255), alpha: numbers[3] ?? 1 } : { rgb: numbers.slice(0, 3), alpha: numbers[3] ?? 1 };
    };
    const luminance = ([red, green, blue]) => {
        const linear = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
        return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
    };
    const over = (top, bottom) => top.rgb.map((value, index) => value * top.alpha + bottom[index] * (1 - top.alpha));
    const backgroundOf = (element) => {
        const layers = [];
        for (let one = element; one; one = one.parentElement) layers.push(channels(getComputedStyle(one).backgroundColor));
        return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
    };
    const complained = new Set();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const open = document.querySelector("dialog[open]");
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (walker.currentNode.data.trim() === "" || !seen(element) || element.closest("canvas, .chart, .visually-hidden, .skip, option, [aria-busy=true], :disabled")) continue;
        if (open && !open.contains(element)) continue;
        const style = getComputedStyle(element);
        const behind = backgroundOf(element);
        const front = over(channels(style.color), behind);
        const [high, low] = [luminance(front), luminance(behind)].sort((a, b) => b - a);
        const ratio = (high + 0.05) / (low + 0.05);
        const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
        if (ratio < (large ? 3 : 4.5)) {
            const what = `${element.className} ${style.color}`;
            if (!complained.has(what)) findings.push(`contrast ${ratio.toFixed(2)}: ${say(element)} ${style.color} on ${behind.map(Math.round)}`);
            complained.add(what);
        }
    }
    return findings;
})()

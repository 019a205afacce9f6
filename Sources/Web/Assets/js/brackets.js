// Stop-losses and take-profits that the host holds: the columns that two pages share.

import { h } from "./dom.js";
import { number, when, sideText, orderBadge } from "./ui.js";
import { units } from "./decimal.js";
import { humanise } from "./words.js";

/** What is said of a bracket in a table, behind whatever stands `first`. */
export function bracketColumns(first = []) {
    const price = (one, leg) => h("span", { class: one.leg === leg ? "num warn" : "num" }, one[leg] === null ? "–" : number(one[leg]));
    return [
        ...first,
        { label: "Time", main: first.length === 0, render: (one) => when(one.updated_at), sort: (one) => one.updated_at },
        { label: "Instrument", render: (one) => h("strong", {}, one.symbol), sort: (one) => one.symbol },
        { label: "Exit", render: (one) => sideText(one.side), sort: (one) => one.side },
        { label: "Protects", right: true, flash: true, render: (one) => number(one.quantity), sort: (one) => units(one.quantity) },
        { label: "Stop-loss", right: true, flash: true, render: (one) => price(one, "stop_loss"), sort: (one) => units(one.stop_loss) },
        { label: "Take-profit", right: true, flash: true, render: (one) => price(one, "take_profit"), sort: (one) => units(one.take_profit) },
        { label: "Status", flash: true, full: true, sort: (one) => one.status, render: (one) => [orderBadge(one.status), one.leg ? h("span", { class: "muted" }, " " + humanise(one.leg)) : null, one.reason ? h("span", { class: "sub reason", title: one.reason }, one.reason) : null] },
    ];
}

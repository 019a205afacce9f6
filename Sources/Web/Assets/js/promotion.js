// A strategy's way through the gates, and its past runs told again: two tabs of its page.

import { h, fill } from "./dom.js";
import { get, post, items, query } from "./api.js";
import { badge, button, callout, confirm, dataTable, dialog, empty, facts, field, form, loading, notice, panel, when } from "./ui.js";
import { isOperator } from "./store.js";

const verdicts = { met: ["met", "good"], not_met: ["not met", "bad"], not_known: ["not known", "warn"] };
const stageWords = { lab: "In the Lab", paper: "Promoted to paper", live: "Promoted to live" };
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

export const stageBadge = (stage) => badge(stageWords[stage] ?? stage, { lab: "idle", paper: "busy", live: "good" }[stage]);

const short = (hash) => h("code", { title: hash }, hash.slice(0, 12));

function versionField(strategy, chosen) {
    return field({
        name: "version", label: "Version", kind: "select", value: chosen,
        options: (strategy.versions ?? []).map((one, index) => ({ value: one.version, label: one.version + (index === 0 ? " (newest)" : "") })),
    });
}

/** The tab with both gates' checklists. */
export function promotionTab(tab) {
    const { strategy, context } = tab;
    const path = "/lab/algorithms/" + encodeURIComponent(strategy.id);
    const place = h("div", { class: "stack" });
    const choice = versionField(strategy, strategy.versions?.[0]?.version);
    choice.input.addEventListener("change", () => refresh());
    const version = () => choice.read();

    async function refresh() {
        await loading(place, async () => draw(await get(`${path}/promote` + query({ version: version() }), { signal: context.signal })));
    }

    const act = (title, text, verb, body, done, fields = []) => confirm(title, text, {
        submit: title, fields,
        work: async (values) => {
            await post(`${path}/${verb}`, { version: version(), ...body, ...values });
            notice(done, "good");
            await refresh();
        },
    });

    /** What leads to a criterion that is not met: for the checks of the Lab a button, for limits the page where they are set. */
    function way(one, view) {
        if (one.verdict === "met") return null;
        const check = { lookahead_check: "lookahead", startup_check: "startup" }[one.kind];
        if (check) return button("Run the check", { small: true, onclick: () => runCheck(check, view) });
        if (one.kind.endsWith("_limit")) return h("a", { class: "button small", href: "#/limits" }, "Limits");
        if (one.kind === "minimum_out_of_sample_sharpe") return h("a", { class: "button small", href: "#/studies" }, "Studies");
        return null;
    }

    /** Checks this version on the candles of the backtest that speaks for it. */
    async function runCheck(check, view) {
        const body = { strategy: strategy.id, version: view.version, check };
        const number = /^backtest (\d+):/.exec(view.source ?? "")?.[1];
        if (number) {
            const { job } = await get("/lab/backtests/" + number, { signal: context.signal });
            for (const name of ["parameters", "series", "start", "end", "warm_up", "capital", "costs", "seed"]) body[name] = job[name];
        }
        const study = await post("/lab/checks", body);
        notice("The check is under way.", "good", { label: "Watch", run: () => { location.hash = "#/studies/" + study.id; } });
        const timer = setInterval(async () => {
            const now = await get("/lab/studies/" + study.id, { signal: context.signal }).catch(() => null); // The next look tries again.
            if (now?.state === "running" || (now === null && !context.signal.aborted)) return;
            clearInterval(timer);
            if (!context.signal.aborted) await refresh();
        }, 500);
        context.dispose(() => clearInterval(timer));
    }

    function gate(list, view) {
        const next = { lab: "paper", paper: "live" }[view.stage];
        const mayPromote = list.stage === next && (next === "paper" || isOperator());
        const rows = list.items.map((one) => h("tr", {},
            h("td", { class: "main", "data-label": "What" }, capital(one.title)), h("td", { "data-label": "Found" }, one.figure ?? h("span", { class: "muted" }, "not known")),
            h("td", { "data-label": "Wanted" }, one.limit), h("td", { "data-label": "Verdict" }, h("div", { class: "cell" }, badge(...verdicts[one.verdict]), " ", way(one, view)))));
        const table = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Criteria to ${list.stage}` }, h("table", { class: "data", "aria-label": `Criteria to ${list.stage}` },
            h("thead", {}, h("tr", {}, ["What", "Found", "Wanted", "Verdict"].map((text) => h("th", { scope: "col" }, text)))), h("tbody", {}, rows)));
        return panel(list.stage === "paper" ? "From the Lab to paper" : "From paper to live", rows.length ? table : h("p", { class: "muted" }, "This gate asks for nothing."), {
            flush: rows.length > 0, cardy: true,
            actions: mayPromote ? button(`Promote to ${next}`, {
                tone: list.passed ? "primary" : "", icon: "arrow",
                onclick: () => act(`Promote to ${next}`, next === "live" ? "From then on it may be deployed with real money." : "It is packaged with its parameters and what it runs in, and may be deployed with play money.",
                    "promote", { stage: next }, `Promoted to ${next}.`),
            }) : list.passed ? badge("everything is met", "good") : null,
        });
    }

    function draw(view) {
        const reviews = view.reviews.map((one) => h("li", {}, badge(one.verdict === "approve" ? "approved" : "refused", one.verdict === "approve" ? "good" : "bad"), " ", h("strong", {}, one.reviewer), " ", when(one.time), one.note ? h("p", {}, one.note) : null));
        const note = () => field({ name: "note", label: "Why", kind: "area", rows: 3, hint: "For the record." });
        const review = (verdict, title) => act(title, "The last word of each operator counts, and one who refuses stands in the way.", "review", { verdict }, "Noted.", [note()]);
        const history = view.promotions.map((one) => h("li", {}, stageBadge(one.stage), " version ", short(one.version), " by ", one.by, " ", when(one.time), ", package ", short(one.package),
            one.ended_at ? h("p", { class: "muted" }, `Taken back by ${one.ended_by}: ${one.reason}`) : null));
        const demote = button("Take back", {
            small: true, tone: "quiet-danger",
            onclick: () => act("Take back", "What was packaged stays readable, and can be deployed no more.", "demote", { stage: "lab" }, "Taken back to the Lab.", [field({ name: "reason", label: "Why", required: true, hint: "For the record." })]),
        });
        return [
            panel("Where it stands", facts([
                ["Stage", stageBadge(view.stage)], ["Version", h("code", {}, view.version)], ["Figures of", view.source ?? "no backtest yet"],
                ["Parameters", h("code", {}, JSON.stringify(view.parameters))],
            ]), { actions: [h("a", { class: "button small", href: "#/deployments" }, "Deployments"), view.stage === "lab" ? null : demote] }),
            h("div", { class: "split" },
                h("div", { class: "stack" }, view.checklists.map((list) => gate(list, view))),
                h("aside", { class: "stack" },
                    panel("Reviews", reviews.length ? h("ul", { class: "plain-list" }, reviews) : h("p", { class: "muted" }, "No operator has said anything of this version yet. Its author's own word does not count."), {
                        actions: isOperator() ? [button("Approve", { small: true, icon: "check", onclick: () => review("approve", "Approve") }), button("Refuse", { small: true, tone: "quiet-danger", onclick: () => review("refuse", "Refuse") })] : null,
                    }),
                    panel("What was promoted", history.length ? h("ul", { class: "plain-list" }, history) : h("p", { class: "muted" }, "Nothing of this strategy yet.")))),
        ];
    }

    refresh();
    return h("div", { class: "stack" }, choice.element, place);
}

const orderWords = (one) => one?.words ?? h("span", { class: "muted" }, "nothing");

function reportView(replay) {
    if (replay.state === "failed") return callout("bad", "The replay did not begin", h("p", {}, capital(replay.cause ?? "")));
    const { report } = replay;
    const head = report.failed ? callout("bad", "It did not reach its end", h("pre", { tabindex: "0" }, report.failed))
        : report.agrees ? callout("good", "Every order is the same", h("p", {}, `${report.same} orders, cancels and amendments, ${report.lines} lines told.`))
        : callout("warn", `${report.differing} differ`, h("p", {}, `${report.same} are the same; ${report.lines} of ${report.lines_recorded} lines were told.`));
    const table = dataTable({
        label: "What differs", key: (one) => `${one.time} ${one.was?.words} ${one.now?.words}`,
        columns: [
            { label: "Time", main: true, render: (one) => when(one.time) },
            { label: "Was", render: (one) => orderWords(one.was) },
            { label: "Would be now", render: (one) => orderWords(one.now) },
        ],
    });
    table.set(report.differences);
    return [head, report.remarks.length ? h("ul", { class: "plain-list" }, report.remarks.map((text) => h("li", { class: "muted" }, capital(text) + "."))) : null,
        report.differences.length ? table.element : null];
}

/** The tab with past runs, each of which can be told again. */
export function runsTab(tab) {
    const { strategy, context, base } = tab;
    const result = h("div", { class: "stack" });
    const rest = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

    async function replay(run) {
        const choice = versionField(strategy, strategy.versions.some((one) => one.version === run.version) ? run.version : undefined);
        await dialog(`Replay ${run.id}`, (close) => form({
            fields: [h("div", { class: "prose" }, "The strategy hears what the run heard, line by line. Nothing that it asks for leaves the Lab."), choice], submit: "Replay", cancel: () => close(),
            async onsubmit(values) {
                const begun = await post("/lab/replays", { run: run.id, version: values.version });
                close();
                await follow(begun);
            },
        }).element);
    }

    async function follow(begun) {
        let now = begun;
        fill(result, panel(`Replay of ${begun.run}`, h("p", { class: "muted" }, "Under way …")));
        while (now.state === "running" && !context.signal.aborted) {
            await rest(300);
            now = await get("/lab/replays/" + encodeURIComponent(begun.id), { signal: context.signal });
        }
        fill(result, panel(`Replay of ${now.run} with version ${now.replayed_version}`, h("div", { class: "stack" }, reportView(now))));
        result.scrollIntoView({ block: "start" });
    }

    const table = dataTable({
        label: "Runs", key: (one) => one.id,
        columns: [
            { label: "Run", main: true, render: (one) => h("span", { class: "name" }, one.id) },
            { label: "Version", render: (one) => short(one.version) },
            { label: "Account", render: (one) => one.account },
            { label: "Feed", wide: true, render: (one) => one.feed },
            { label: "Began", render: (one) => when(one.started_at) },
            { label: "Ended", wide: true, render: (one) => (one.ended_at ? when(one.ended_at) : badge("under way", "good")) },
            { label: "Fills", right: true, render: (one) => String(one.fills) },
            { label: "Cause", full: true, render: (one) => h("span", { class: "muted" }, one.cause?.split("\n")[0] || "–") },
            { label: "", render: (one) => (one.recorded ? button("Replay", { small: true, icon: "restart", onclick: () => replay(one) }) : h("span", { class: "muted" }, "not recorded")) },
        ],
        empty: () => empty("It never ran", "Each run is recorded. Afterwards it can be told again to this or another version, and every order that differs is shown."),
    });
    get(`${base}/runs?limit=200`, { signal: context.signal }).then((answer) => table.set(items(answer))).catch((error) => table.fail(error, context.reload));
    return h("div", { class: "stack" }, panel("Runs", table.element, { flush: true, cardy: true }), result);
}

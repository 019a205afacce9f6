"""What the pretended host says of studies, promotion, deployments and market data: numbers made up, shapes as in the host."""

import fake_lab
from fake_lab import DAY, START

HOUR = 3_600_000
FAST, SLOW = [2, 10, 18, 26, 34], [5, 38, 71, 104, 137, 170]


def score(fast, slow):
    return None if fast >= slow else round(1.6 - abs(fast - 14) / 18 - abs(slow - 80) / 90, 6)


def outcome(fast, slow):
    value = score(fast, slow)
    if value is None:
        return {"final_equity": "10000", "trades": 0, "failure": "Traceback (most recent call last):\n  File \"strategy.py\", line 16, in on_start\nValueError: fast must be at least 1 and less than slow", "figures": {}}
    return {"score": value, "final_equity": f"{10000 + 900 * value:.4f}", "trades": 400 - 2 * slow,
            "figures": {"sharpe": value, "total_return": 0.09 * value, "max_drawdown": 0.21 - 0.05 * value, "sortino": 1.4 * value, "calmar": value, "profit_factor": 1 + value / 3, "trades": 400 - 2 * slow}}


def points():
    found = [{"point": {"fast": fast, "slow": slow}, "outcome": outcome(fast, slow)} for fast in FAST for slow in SLOW]
    return sorted(found, key=lambda one: (one["outcome"].get("score") is None, -one["outcome"].get("score", 0)))


def heat_map(query):
    x, y = query.get("x", "fast"), query.get("y", "slow")
    values = {"fast": FAST, "slow": SLOW}
    figure = query.get("figure")

    def cell(across, down):
        fast, slow = (across, down) if x == "fast" else (down, across)
        found = outcome(fast, slow)
        return found["figures"].get(figure) if figure else found.get("score")

    return {"x_name": x, "y_name": y, "figure": figure, "cell": query.get("cell", "best"),
            "map": {"x": values[x], "y": values[y], "cells": [[cell(across, down) for across in values[x]] for down in values[y]]}}


SEARCH = {"space": {"fast": {"type": "int", "min": 2, "max": 34, "step": 8}, "slow": {"type": "int", "min": 5, "max": 170, "step": 33}}, "objective": "sharpe", "method": "grid"}


def study(number, short=False):
    kind = {1: "optimisation", 2: "walkforward", 3: "lookahead", 4: "optimisation", 5: "startup", 6: "lookahead"}[number]
    state = {4: "running"}.get(number, "completed")
    windows = [{"window": {"in_start": START + index * 30 * DAY, "out_start": START + (90 + index * 30) * DAY, "out_end": START + (120 + index * 30) * DAY}, "point": {"fast": FAST[index % 3 + 1], "slow": SLOW[index % 4 + 1]},
                "in_sample": outcome(18, 71 + index), "out_of_sample": outcome(10, 104 - index)} for index in range(6)]
    result = {
        1: {"best": points()[0], "points": 30, "failed": 4, "without_score": 4}, 4: None,
        2: {"efficiency": 0.61, "profitable_windows": 4, "figures": {"total_return": 0.113, "sharpe": 0.87, "max_drawdown": 0.142}, "windows": windows, "skipped": [],
            "equity": [[START + (90 + index) * DAY, f"{value:.2f}"] for index, value in enumerate(fake_lab.walk(8, 180, 10000, 0.006))]},
        3: {"verdict": "clean", "words": "412 decisions are the same with less to look at", "comparisons": 12, "decisions": 412, "difference": None},
        5: {"is_enough": False, "enough": None, "words": "what it decides still differs with 400 candles of history",
            "rows": [{"warm_up": 50, "same": False, "failure": None, "difference": {"time": START + 9 * HOUR, "first": [], "second": []}}, {"warm_up": 400, "same": True, "failure": None, "difference": None}]},
        6: {"verdict": "peeks", "words": "at 2024-01-03 14:00 it bought with the rest of the candles in reach, and did not without", "comparisons": 3, "decisions": 40, "difference": None},
    }[number]
    if short and result:
        result = {name: value for name, value in result.items() if name not in ("windows", "equity", "rows", "figures", "skipped")}
    plan = SEARCH if kind == "optimisation" else {**SEARCH, "in_sample": "90d", "out_of_sample": "30d", "anchoring": "rolling"} if kind == "walkforward" else {"cuts": 12} if kind == "lookahead" else {}
    return {"id": str(number), "kind": kind, "owner": "admin", "created_by": "admin", "title": "", "state": state, "cause": None, "job": fake_lab.job(2), "plan": plan,
            "created_at": START + 400 * DAY, "ended_at": None if state == "running" else START + 400 * DAY + 60_000, "done": 12 if state == "running" else 30, "total": 30, "result": result}


CRITERIA = {
    "paper": [{"kind": "minimum_trades", "limit": "10"}, {"kind": "maximum_drawdown", "limit": "0.5"}, {"kind": "lookahead_check"}],
    "live": [{"kind": "minimum_trades", "limit": "30"}, {"kind": "minimum_out_of_sample_sharpe", "limit": "0.5"}, {"kind": "maximum_drawdown", "limit": "0.25"}, {"kind": "lookahead_check"}, {"kind": "startup_check"},
             {"kind": "minimum_days_on_paper", "limit": "14"}, {"kind": "position_limit"}, {"kind": "daily_loss_limit"}, {"kind": "stop_limit"}, {"kind": "reviews", "limit": "1"}]}


def promotion(strategy):
    def item(kind, title, verdict, figure, limit):
        return {"kind": kind, "title": title, "verdict": verdict, "figure": figure, "limit": limit}
    paper = [item("minimum_trades", "trades in the backtest", "met", "240", "at least 10"), item("maximum_drawdown", "maximum drawdown of the backtest", "met", "13.62 %", "at most 50 %"),
             item("lookahead_check", "look-ahead check", "not_known", None, "passed")]
    live = [item("minimum_out_of_sample_sharpe", "Sharpe ratio out of sample", "not_known", None, "at least 0.5"), item("minimum_days_on_paper", "days on paper", "not_met", "2.4", "at least 14"),
            item("position_limit", "limit on its position", "met", "5000 in all", "set"), item("stop_limit", "drawdown at which it is stopped", "not_met", "none", "set"),
            item("reviews", "reviewed by an operator who is not its author", "not_met", "none", "at least 1")]
    return {"strategy": strategy.id, "version": strategy.versions[0]["version"], "stage": "lab", "parameters": {"fast": 20, "slow": 50}, "source": "backtest 2: binance/BTCUSDT/1h, 2024-01-01 to 2025-01-01, taker fee 0.001, slippage 0.0005",
            "checklists": [{"stage": "paper", "passed": False, "items": paper}, {"stage": "live", "passed": False, "items": live}],
            "reviews": [{"reviewer": "ada", "verdict": "approve", "note": "Read it, tried it.", "time": START + 400 * DAY}],
            "promotions": [{"id": "1", "package": "3fa94c0d11ee" * 5 + "3fa9", "version": strategy.versions[0]["version"], "stage": "paper", "time": START + 390 * DAY, "by": "admin", "ended_at": START + 395 * DAY, "ended_by": "admin", "reason": "drawdown"}]}


def package(strategy, digit):
    return {"package": digit * 64, "strategy": strategy.id, "name": strategy.name, "owner": strategy.owner, "version": strategy.versions[0]["version"], "stage": "paper", "promoted_at": START + 400 * DAY, "promoted_by": "admin",
            "manifest": {"parameters": {"fast": 20, "slow": 50}, "runtime": {"profile": "python", "name": "bare", "python": "3.11.2", "packages": {}}, "state": None, "backtest": "2", "data": [{"series": "binance/BTCUSDT/1h", "sha256": "ab12" * 16}]}}


def deployment(strategy, number, ended=False):
    return {"id": str(number), "package": "a" * 64, "strategy": strategy.id, "version": strategy.versions[0]["version"], "runs_as": strategy.id, "owner": strategy.owner, "account": "paper", "feed": "simulated", "capital": "1000",
            "deployed_at": START + 400 * DAY, "deployed_by": "admin", "ended_at": START + 401 * DAY if ended else None, "ended_by": "admin" if ended else None, "state": None if ended else "running", "reason": None, "run": "r4"}


def trial(first, second):
    side = {"capital": "1000", "equity": "1012.4", "total_return": 0.0124, "max_drawdown": 0.021}
    return {"id": "1", "owner": "admin", "began_at": START + 400 * DAY, "began_by": "admin", "ended_at": None, "ended_by": None, "first": deployment(first, 1), "second": deployment(second, 2),
            "comparison": {"first": side, "second": {**side, "total_return": -0.0031}, "pairs": 212, "pair_ms": 60000, "difference": -0.00002, "low": -0.0001, "high": 0.00008, "probability": 0.41, "welch_probability": 0.5,
                           "words": "what lies between them may well be chance (p 0.41)"}}


def collector(name, state, **more):
    candles = {"kind": "candles", "venue": "binance", "symbols": ["BTCUSDT", "ETHUSDT"], "resolutions": ["1m", "1h"], "from": START, "live": "stream", "every": "1m", "enabled": state != "disabled"}
    made = {"id": name, "kind": "candles", "venue": "binance", "state": state, "attempt": None, "last_success": START + 400 * DAY, "last_failure": None, "last_reason": None, "next_due": START + 400 * DAY + 60_000, "failures_in_a_row": 0,
            "stream": {"open": True, "fault": None}, "counts": {"succeeded": 812, "failed": 3, "stored": 61_204}, "refused": {}, "settings": {"id": name, **candles}}
    return {**made, **more}


def download(number, state, **more):
    done = 21_000 if state != "done" else 43_200
    return {"id": str(number), "venue": "binance", "symbol": "BTCUSDT", "resolution": "1m", "from": START, "to": START + 30 * DAY, "state": state, "bars_total": 43_200, "bars_known": 0, "bars_done": done, "stored": done, "refused": {},
            "bars_per_second": 5120, "seconds_left": 5 if state == "running" else None, "reason": None, **more}


class MarketData:
    """What the page of market data shows; empty on a new host."""

    def __init__(self, empty):
        self.asked = None  # The last search or backtest that was asked for.
        self.criteria = {gate: list(items) for gate, items in CRITERIA.items()}
        self.collectors = [] if empty else [
            collector("btc", "waiting"), collector("india", "backing_off", venue="coindcx", last_failure=START + 401 * DAY, last_reason="it did not answer within 30 s", failures_in_a_row=4, stream=None),
            collector("aud", "disabled", kind="prices", venue="coinspot", stream=None, next_due=None, refused={"crossed": 2}, settings={"id": "aud", "kind": "prices", "venue": "coinspot", "every": "5m", "enabled": False})]
        self.downloads = [] if empty else [download(1, "done"), download(2, "failed", reason="it does not answer: connection refused"), download(3, "running")]
        self.series = {"items": [], "next": None} if empty else fake_lab.SERIES


def answer(handler, parts, method):
    """An answer for what this module tells of; None for everything else."""
    world, query = handler.world, handler.query
    data = world.data
    strategies = list(world.strategies.values())
    if parts[:2] == ["lab", "criteria"]:
        if method == "PATCH":
            for gate, items in handler.given().items():
                for index, one in enumerate(items):
                    if one["kind"] == "maximum_drawdown" and not 0 <= float(one["limit"]) <= 1:
                        raise handler.refusal(400, "invalid_field", f"{gate}[{index}].limit is {one['limit']}, allowed are 0 to 1", f"{gate}[{index}].limit")
                data.criteria[gate] = items
        return data.criteria
    if method == "POST" and parts[:2] == ["lab", "algorithms"] and parts[3:] == ["backtests"]:
        data.asked = handler.given()
        return fake_lab.run(6)
    if method == "POST" and parts == ["lab", "optimisations"]:
        data.asked = handler.given()
        return study(4)
    if method == "GET" and parts[0] == "lab" and parts[1] in ("studies", "optimisations"):
        if len(parts) == 2:
            return handler.page(study(number, short=True) for number in (6, 5, 4, 3, 2, 1) if strategies)
        if parts[2] in "123456" and len(parts) == 3:
            return study(int(parts[2]))
        if parts[3:] == ["points"]:
            return {"items": points(), "next": None}
        if parts[3:] == ["heatmap"]:
            return heat_map(query)
    if method == "GET" and parts[:2] == ["lab", "algorithms"] and parts[3:] == ["promote"]:
        return promotion(handler.find(parts[2]))
    if method == "GET" and parts[:1] == ["strategies"] and parts[2:] == ["runs"]:
        return handler.page(())
    if method == "GET" and parts[:1] == ["floor"]:
        two = strategies[:2]
        return handler.page({"available": [package(one, digit) for one, digit in zip(two, "ab")], "deployments": [deployment(one, index + 1, ended=index == 1) for index, one in enumerate(two)],
                             "trials": [trial(*two)] if len(two) == 2 else []}[parts[1]])
    return market(handler, parts, method)


def market(handler, parts, method):
    """Series, collectors and downloads."""
    data = handler.world.data
    if parts[:2] == ["data", "series"]:
        if method == "DELETE":
            data.series = {"items": [], "next": None}
        return data.series
    if parts == ["data", "gaps"]:
        return {"venue": "binance", "symbol": "BTCUSDT", "resolution": "1h", "from": START, "to": START + 30 * DAY, "counts": {"missing": {"gaps": 2, "candles": 5}, "unasked": {"gaps": 1, "candles": 123}},
                "gaps": [{"from": START + 5 * HOUR, "to": START + 8 * HOUR, "candles": 3, "kind": "missing"}, {"from": START + 2 * DAY, "to": START + 2 * DAY + 123 * HOUR, "candles": 123, "kind": "unasked"}]}
    if parts[:2] == ["data", "downloads"]:
        if method == "POST":
            given = handler.given()
            if given["symbol"].startswith("NO"):
                raise handler.refusal(400, "invalid_field", "symbol must be a name such as \"BTCUSDT\"", "symbol")
            data.downloads.append({**download(len(data.downloads) + 1, "running"), **{name: given[name] for name in ("venue", "symbol", "resolution")}})
        if method == "DELETE":
            next(one for one in data.downloads if one["id"] == parts[2])["state"] = "cancelled"
        return handler.page(data.downloads)
    if parts[:2] == ["data", "collectors"]:
        if method == "POST" and len(parts) == 2:
            given = handler.given()
            data.collectors.append(collector(given["id"], "collecting", settings={**collector("x", "waiting")["settings"], **given}))
        return handler.page(data.collectors)
    return None

"""What the pretended host says of the Lab's runs: numbers made up, shapes as in the host."""

import math
import random

DAY = 86_400_000
START = 1_704_067_200_000

METRICS = [
    ("net_profit", "Net profit", "money", "higher", 1874.2), ("final_equity", "Final equity", "money", "higher", 11874.2), ("total_return", "Total return", "part", "higher", 0.18742),
    ("annual_return", "Annual return", "part", "higher", 0.1921), ("volatility", "Volatility", "part", "lower", 0.2304), ("sharpe", "Sharpe", "ratio", "higher", 0.9803),
    ("sortino", "Sortino", "ratio", "higher", 1.506), ("calmar", "Calmar", "ratio", "higher", 1.41), ("omega", "Omega", "ratio", "higher", 1.169),
    ("max_drawdown", "Maximum drawdown", "part", "lower", 0.1362), ("longest_drawdown_days", "Longest drawdown", "days", "lower", 71.5), ("ulcer_index", "Ulcer index", "part", "lower", 0.0857),
    ("value_at_risk", "Value at risk", "part", "higher", -0.0187), ("conditional_value_at_risk", "CVaR", "part", "higher", -0.0227), ("downside_deviation", "Downside deviation", "part", "lower", 0.15),
    ("tail_ratio", "Tail ratio", "ratio", "higher", 1.096), ("stability", "Stability", "ratio", "higher", 0.393), ("recovery_factor", "Recovery factor", "ratio", "higher", 1.38),
    ("kelly", "Kelly", "part", "higher", 0.0726), ("best_period", "Best period", "part", "higher", 0.041), ("worst_period", "Worst period", "part", "higher", -0.036),
    ("positive_periods", "Winning periods", "part", "higher", 0.527), ("correlation", "Correlation", "ratio", "neither", 0.41), ("beta", "Beta", "ratio", "neither", 0.22),
    ("benchmark_return", "Buy and hold", "part", "neither", 0.48), ("trades", "Trades", "count", "neither", 240), ("win_rate", "Win rate", "part", "higher", 0.4333),
    ("profit_factor", "Profit factor", "ratio", "higher", 1.31), ("expectancy", "Expectancy", "money", "higher", 7.81), ("average_win", "Average win", "money", "higher", 76.4),
    ("average_loss", "Average loss", "money", "higher", -44.7), ("payoff_ratio", "Payoff ratio", "ratio", "higher", 1.709), ("largest_win", "Largest win", "money", "higher", 312.4),
    ("largest_loss", "Largest loss", "money", "higher", -118.2), ("average_trade_return", "Average trade", "part", "higher", 0.0021), ("sqn", "SQN", "ratio", "higher", 1.62),
    ("longest_winning_streak", "Longest winning streak", "count", "higher", 6), ("longest_losing_streak", "Longest losing streak", "count", "lower", 9),
    ("average_trade_hours", "Average duration", "hours", "neither", 14.2), ("median_trade_hours", "Median duration", "hours", "neither", 9), ("longest_trade_hours", "Longest duration", "hours", "neither", 96),
    ("average_mae", "Average MAE", "part", "lower", 0.0091), ("largest_mae", "Largest MAE", "part", "lower", 0.0474), ("average_mfe", "Average MFE", "part", "higher", 0.0152),
    ("fees", "Fees", "money", "lower", 231.5), ("exposure", "Exposure", "part", "neither", 0.38), ("turnover", "Turnover", "ratio", "neither", 41.3),
]


def job(number):
    return {
        "strategy": "moving-average-crossover", "version": f"{number:064x}", "parameters": {"fast": 10 * number, "slow": 50, "use_stop": True},
        "series": [{"venue": "binance", "symbol": "BTCUSDT", "resolution": "1h"}], "start": START, "end": START + 366 * DAY, "warm_up": 50, "capital": "10000", "mode": "batched",
        "costs": {"maker_fee": "0.001", "taker_fee": "0.001", "slippage": "0.0005", "half_spread_ticks": 0, "latency_ms": 200, "intrabar": "pessimistic", "market_fill": "next_open", "funding_hours": 8,
                  **({"maker_fee": "0.0002", "half_spread_ticks": 2, "impact": "0.1", "impact_curve": "square_root"} if number == 2 else {"slippage": "0"} if number == 3 else {})}, "seed": "1",
    }


def run(number):
    states = {4: "running", 5: "failed", 6: "queued"}
    state = states.get(number, "completed")
    return {
        "id": str(number), "owner": "admin", "created_by": "admin", "title": {1: "fast 10", 2: "fast 20", 3: "fast 30"}.get(number, ""), "state": state,
        "cause": "KeyError: 'fast'\n  strategy.py, line 12, in on_candle" if state == "failed" else None, "job": job(number), "repeats": None, "created_at": START + 400 * DAY,
        "started_at": START + 400 * DAY, "ended_at": None if state in ("running", "queued") else START + 400 * DAY + 900, "progress": {"bars": 5400 if state == "running" else 8784, "total": 8784},
        "kept": False, "data_hashes": ["ab12" * 16], "result_hash": None if state != "completed" else "cd34" * 16,
        "summary": None if state != "completed" else {"total_return": 0.18742 - 0.04 * number, "max_drawdown": 0.1362, "trades": 240, "wins": 104, "final_equity": "11874.2", "profit": "1874.2", "fees": "231.5"},
    }


def walk(seed, count, start, step):
    source = random.Random(seed)
    values = [start]
    for _ in range(count - 1):
        values.append(values[-1] * math.exp(step * source.gauss(0.03, 1)))
    return values


def equity(number):
    values = [round(value, 2) for value in walk(number, 1500, 10000, 0.006)]
    peak, falls = values[0], []
    for value in values:
        peak = max(peak, value)
        falls.append(value / peak - 1)
    return {"times": [START + index * 366 * DAY // 1500 for index in range(1500)], "values": values, "drawdowns": falls}


def trades(count):
    source = random.Random(5)
    made = []
    for index in range(count):
        entry = START + index * 36 * 3_600_000
        price, gain = 42000 + 90 * index, source.gauss(0.002, 0.012)
        made.append({"symbol": "BTCUSDT", "side": "long" if index % 3 else "short", "entry_time": entry, "exit_time": entry + 14 * 3_600_000, "entry_price": f"{price}.5",
                     "exit_price": f"{price * (1 + gain):.2f}", "quantity": "0.05", "fees": "4.21", "profit": f"{price * 0.05 * gain:.2f}", "return": gain, "mae": abs(source.gauss(0, 0.01)), "mfe": abs(source.gauss(0, 0.015))})
    return made


def spread(middle, wide):
    return {"mean": middle, "p5": middle - 2 * wide, "p25": middle - wide, "median": middle, "p75": middle + wide, "p95": middle + 2 * wide}


def metric(one, value):
    name, title, unit, better, _ = one
    return {"name": name, "title": title, "unit": unit, "better": better, "meaning": f"What {title.lower()} says, in a sentence.", "value": value}


def report(number):
    closes = walk(99, 1464, 42000, 0.008)
    source = random.Random(3)
    return {
        **{name: value for name, value in run(number).items() if name in ("id", "title", "state", "cause", "job", "data_hashes")}, "bars": 8784, "milliseconds": 812,
        "metrics": [metric(one, one[4]) for one in METRICS], "period": {"milliseconds": DAY, "count": 366}, "equity": equity(number),
        "price": {"series": job(number)["series"][0], "bar": 6 * 3_600_000, "times": [START + index * 6 * 3_600_000 for index in range(1464)], "open": [closes[max(0, index - 1)] for index in range(1464)],
                  "high": [max(closes[max(0, index - 1)], closes[index]) * 1.003 for index in range(1464)], "low": [min(closes[max(0, index - 1)], closes[index]) * 0.997 for index in range(1464)], "close": closes},
        "trades": {"total": 240, "items": trades(240)}, "histogram": {"lowest": -0.034, "width": 0.0035, "counts": [1, 2, 5, 9, 17, 26, 38, 44, 37, 26, 16, 10, 5, 2, 1, 0, 1]},
        "months": [{"year": 2024 + index // 12, "month": index % 12 + 1, "return": source.gauss(0.01, 0.04)} for index in range(13)],
        "years": [{"year": 2024, "return": 0.171}, {"year": 2025, "return": 0.014}],
        "drawdowns": [{"depth": 0.1362 / (index + 1), "peak": START + index * 40 * DAY, "trough": START + index * 40 * DAY + 9 * DAY, "recovery": START + index * 40 * DAY + 30 * DAY if index else None} for index in range(6)],
        "regimes": [{"label": label, "periods": 115, "mean_return": mean, "sharpe": mean * 900, "win_rate": 0.52} for label, mean in
                    (("low volatility", 0.0009), ("normal volatility", 0.0004), ("high volatility", -0.0002), ("trend down", -0.0011), ("sideways", 0.0003), ("trend up", 0.0021))],
        "monte_carlo": [{"method": method, "runs": 1000, "final_equity": spread(11874.2, wide), "max_drawdown": spread(0.14, 0.03), "loss_share": 0.0 if wide == 0 else 0.061, "ruin_share": 0, "worse_drawdown_share": 0.47}
                        for method, wide in (("reshuffle", 0), ("resample", 900))],
        "log": ["started with fast 10, slow 50", "crossed upward at 43120.5"] * 8,
    }


def compare(ids):
    runs = [run(int(one)) for one in ids]
    factors = [1 - 0.2 * index for index in range(len(runs))]
    metrics = []
    for one in METRICS:
        values = [one[4] * factor for factor in factors]
        best = {"higher": max(values), "lower": min(values), "neither": None}[one[3]]
        metrics.append({**{name: value for name, value in metric(one, None).items() if name != "value"}, "values": values, "best": best})
    pairs = [{"first": runs[a]["id"], "second": runs[b]["id"], "correlation": 0.83, "verdict": "The difference is not beyond chance (p 0.212).",
              "bootstrap": {"method": "stationary bootstrap of pairs", "figure": "sharpe", "difference": -0.0123, "low": -0.041, "high": 0.017, "probability": 0.212, "pairs": 366},
              "welch": {"method": "Welch's t-test of mean returns", "difference": -0.0004, "t": -0.7, "degrees_of_freedom": 721.4, "probability": 0.48}} for a in range(len(runs)) for b in range(a + 1, len(runs))]
    growth = {"times": equity(1)["times"]}
    return {"runs": [{"id": one["id"], "title": one["title"], "job": one["job"], "state": one["state"], "cause": None, "growth": {**growth, "values": [value / 10000 for value in equity(int(one["id"]))["values"]]}} for one in runs],
            "metrics": metrics, "pairs": pairs,
            "holdings": [{"run": one["id"], "symbol": "BTCUSDT", "return": 0.21, "correlation": 0.41, "beta": 0.33} for one in runs]}


def algorithm(name, title, status, tags, versions):
    parameters = [
        {"name": "fast", "default": 9, "type": "int", "min": 2, "max": 50, "step": 1, "about": "closes in the fast mean"},
        {"name": "slow", "default": 21, "type": "int", "min": 5, "max": 200, "about": "closes in the slow mean"},
        {"name": "most_of_equity", "default": 0.2, "type": "decimal", "min": "0.05", "max": "1"},
        {"name": "style", "default": "plain", "type": "choice", "choices": ["plain", "bold"]}, {"name": "on", "default": True, "type": "bool"}]
    return {"id": name, "name": title, "owner": "admin", "created_at": START, "description": None, "notes": "", "tags": tags, "status": status, "version": "ab12" * 4,
            "version_count": versions, "kind": "python", "symbol": "BTCUSDT", "resolution": "1h", "warm_up": 100, "runs": 6 if versions > 1 else 0, "parameters": parameters}


SERIES = {"items": [{"venue": "binance", "symbol": "BTCUSDT", "resolution": "1h", "candles": 58419, "first": 1502942400000, "last": 1713711600000, "absent": 128,
                     "bytes": 674816, "replaced": 0, "refused": {}, "keep_days": None}], "next": None}


def answer(parts, query):
    """What `GET /lab/…` says of strategies and runs; None for what is not about them."""
    if parts == ["lab", "algorithms"]:
        return {"items": [algorithm("moving-average-crossover", "Moving average crossover", "deployable", ["trend", "btc"], 2), algorithm("grid", "Grid", "lab", [], 1)], "next": None}
    if parts == ["lab", "backtests"]:
        listed = [run(number) for number in (6, 5, 4, 3, 2, 1)]
        return {"items": [one for one in listed if query.get("state") in (None, one["state"])], "next": None}
    if parts == ["lab", "compare"]:
        return compare(query.get("ids", "").split(","))
    if parts[:2] == ["lab", "backtests"] and len(parts) == 3 and parts[2] in "123456":
        return run(int(parts[2]))
    if parts[:2] == ["lab", "backtests"] and len(parts) == 4 and parts[3] == "report" and parts[2] in "123":
        return report(int(parts[2]))
    return None

"""A stand-in for the host, with canned answers, for the tests of the command line. Prints its port."""

import http.server
import json
import threading

TOKEN = "bp_test_token_4711"
STATUS = {
    "state": "running", "run": "r1", "since": 1700000000000, "reason": None, "restarts": 0, "next_start": None,
    "pid": 7, "feed": "simulated", "account": "paper", "capital": "1000", "equity": "1010.5",
    "realised_pnl": "10.5", "unrealised_pnl": "0", "position": [],
    "usage": {"cpu_seconds": 1.5, "memory_bytes": 1048576, "memory_limit_bytes": 536870912},
}
polls = 0
looks = 0


def closing(symbol, state, quantity, orders=(), reason=None):
    orders = [{"id": id, "side": "sell", "remaining": quantity, "status": status, "closes": False} for id, status in orders]
    return {"account": "paper", "venue": "paper", "symbol": symbol, "strategy": "s1", "state": state, "quantity": quantity,
            "orders": orders, "attempts": 1, "reason": reason}


def halted(look):
    """What a flatten has come to at the n-th look."""
    items = [
        [closing("BTCUSDT", "cancelling", "0.5", [("7", "pending_cancel")]),
         closing("ETHUSDT", "waiting", "2", reason="the outcome of order 9 is unknown")],
        [closing("BTCUSDT", "closing", "0.5", [("8", "open")]),
         closing("ETHUSDT", "waiting", "2", reason="the outcome of order 9 is unknown")],
        [closing("BTCUSDT", "closed", "0", reason="closed"), closing("ETHUSDT", "stuck", "2", reason="refused")],
    ][min(look, 3) - 1]
    halt = {"scope": "account:paper", "by": "ada", "since": 0, "reason": "odd"}
    return {"halted": False, "halts": [halt], "flatten": {"done": look > 2, "left": 0, "stuck": 1, "items": items}}


def strategy(id, name, state="running"):
    return {
        "id": id, "name": name, "owner": "ada", "version": "v1", "versions": [], "profile": "python",
        "kind": "python", "config": {}, "warnings": [], "created_at": 1700000000000,
        "status": dict(STATUS, state=state),
    }


STRATEGIES = [
    strategy("s1", "crossover"), strategy("s2", "twin"), strategy("s3", "twin"),
    strategy("idle", "idle one", "stopped"), strategy("slow", "slow one", "starting"),
    strategy("evil", "red \x1b[31m alert"),
]
STRATEGIES[3]["status"]["reason"] = "killed for memory: limit 64 MiB, peak 64 MiB"
STRATEGIES[0]["status"]["violations"] = 3
STRATEGIES[0]["status"]["start"] = {"door": "warm", "milliseconds": 3.1}
LINES = [
    {"seq": n, "time": 1700000000000 + n, "level": "info", "source": "strategy", "message": f"line {n}"}
    for n in range(1, 6)
]
VIOLATIONS = [
    {
        "rule": "network", "words": "network is not available to strategies", "advice": "use `subscribe`",
        "system_call": "socket", "arguments": "AF_INET, SOCK_STREAM", "fatal": False, "count": 12, "in_run": 3,
        "first": 1700000000000, "last": 1700000060000, "run": "r1",
    },
    {
        "rule": "machine", "words": "only an attacker changes the machine", "advice": "tell the operator",
        "system_call": "mount", "arguments": "\"\x1b[31m\"", "fatal": True, "count": 1, "in_run": 0,
        "first": 1700000000000, "last": 1700000000000, "run": "r0",
    },
]




def backtest(id, state):
    done = state == "completed"
    summary = {"final_equity": "10250.5", "total_return": 0.02505, "max_drawdown": 0.1234, "trades": 12,
               "metrics": {"sharpe": 1.5, "sortino": None, "total_return": 0.02505, "kelly": 0.1}}
    return {
        "id": id, "owner": "ada", "title": "", "state": state, "cause": "it \"died\"" if state == "failed" else None,
        "job": {"strategy": "s1", "version": "abc123", "parameters": {"fast": 5 if id == "7" else 6},
                "series": [{"venue": "binance", "symbol": "BTCUSDT", "resolution": "1h"}], "start": 1704067200000,
                "end": 1706745600000, "capital": "10000"},
        "data_hashes": ["d1"], "result_hash": "r1" if done else None, "summary": summary if done else None,
    }


def reconciliation(account, accepted=()):
    """Account bin misses coins until that was accepted; every other agrees."""
    differs = account == "bin" and not accepted
    order = {"id": "42", "strategy": "s1", "side": "buy", "quantity": "2", "symbol": "BTCUSDT"}
    question = {
        "order": order, "unknown": "outcome", "since": 1700000000000, "asked_at": 1700000001000,
        "candidates": ["7", "8"], "doing": "an operator must say which",
    }
    return {
        "account": account, "venue": "binance", "environment": "testnet", "agrees": not differs,
        "last_began": 1700000000000, "last_milliseconds": 210, "gap": None, "merging": False,
        "away": "banned" if differs else None, "away_until": 1700000060000 if differs else None,
        "orders": [question] if differs else [], "compared": True, "first_sight": False,
        "balances_at": 1700000000000, "balances_fault": None,
        "balances": [{
            "asset": "BTC", "booked": "0.5", "venue": "0.4" if differs else "0.5",
            "difference": "-0.1" if differs else "0", "state": "external" if differs else "agrees",
            "external": "-0.1" if differs else "0", "since": 1700000000000 if differs else None,
            "blocking": differs,
        }],
        "accepted": list(accepted),
    }


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self, body, status=200, cookies=()):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for cookie in cookies:
            self.send_header("Set-Cookie", cookie)
        self.end_headers()
        self.wfile.write(data)

    def fail(self, status, code, message, field=None):
        self.answer({"error": {"code": code, "message": message, "field": field}}, status)

    def events(self):
        after = int(self.headers.get("Last-Event-ID") or 0)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        # Two lines a connection, then it breaks: the reader has to come back for the rest.
        for line in [l for l in LINES + [dict(LINES[0], seq=6, message="line 6")] if l["seq"] > after][:2]:
            self.wfile.write(f"id: {line['seq']}\nevent: log\ndata: {json.dumps(line)}\n\n".encode())
            self.wfile.flush()
        self.close_connection = True

    def lab(self, path, parts, query, sent, body):
        if path == "/lab/algorithms":
            return self.answer({"id": "s1", "uploaded_version": "abc123"}, 201)
        if parts[1] == "algorithms" and parts[3:] == ["backtests"]:
            run = backtest("7" if body.get("title") != "bad" else "8", "queued")
            run["job"]["asked"] = body
            return self.answer(run, 202)
        if path == "/lab/backtests":
            return self.answer({"items": [backtest("7", "completed"), backtest("8", "failed")], "next": None})
        if parts[-1] == "report.html":
            return self.answer("a report")
        if parts[-1] == "compare":
            ids = query[len("ids="):].split(",")
            held = [{"run": one, "symbol": "BTCUSDT", "return": 0.1, "correlation": 0.25, "beta": 0.5} for one in ids]
            pair = {"first": ids[0], "second": ids[1], "correlation": -0.5, "verdict": "", "bootstrap": None, "welch": None}
            return self.answer({"runs": [], "metrics": [], "holdings": held, "pairs": [pair]})
        if parts[-1] == "repeat":
            return self.answer(backtest("9" if parts[2] == "7" else "7", "queued"), 202)
        if parts[-1] == "events":
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b'id: 1\nevent: progress\ndata: {"id":"7","bars":5,"total":10}\n\n')
            self.close_connection = True
            return None
        if parts[1] == "backtests" and parts[2] in ("7", "8", "9"):
            return self.answer(backtest(parts[2], "failed" if parts[2] == "8" else "completed"))
        return self.fail(404, "not_found", f"there is no backtest \"{parts[-1]}\"")

    def any(self):
        global polls, looks
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        parts = path.strip("/").split("/")
        body = json.loads(sent) if sent.startswith(b"{") else {}
        cookie = self.headers.get("Cookie") or ""
        session = "bullpen_session=abc" in cookie and self.headers.get("X-CSRF-Token") == "csrf1"
        if path == "/health":
            return self.answer({"status": "ok", "version": "9", "uptime_seconds": 1, "parts": {"journal": "ok"}})
        if path == "/login":
            if body != {"name": "ada", "password": "correct horse"}:
                return self.fail(401, "wrong_credentials", "name or password is wrong")
            user = {"user": {"name": "ada", "role": "operator"}, "csrf_token": "csrf1"}
            return self.answer(user, cookies=["bullpen_session=abc; HttpOnly; SameSite=Strict"])
        if not session and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.fail(401, "not_logged_in", "log in first")
        if path == "/tokens" and self.command == "POST":
            return self.answer({"id": "t1", "token": TOKEN}, 201)
        if path in ("/tokens/t1", "/logout"):
            return self.answer({})
        if path == "/users" and self.command == "POST":
            if body["name"] == "hang":
                print("hanging", flush=True)
                threading.Event().wait()
            return self.answer({"name": body["name"], "role": body["role"], "length": len(body["password"])}, 201)
        if path == "/strategies" and self.command == "GET":
            after = 3 if "after=" in query else 0
            return self.answer({"items": STRATEGIES[after:after + 3], "next": None if after else "c1"})
        if path in ("/strategies", "/strategies/deploy"):
            made = strategy("new", "new", "stopped")
            made["config"] = {"sent": sent.decode("latin1"), "type": self.headers["Content-Type"]}
            return self.answer(made, 201)
        if path == "/strategies/validate":
            problem = {
                "code": "python_syntax", "message": "invalid syntax", "field": "a.py", "line": 3,
                "source": "def f(:",
            }
            return self.answer({"valid": False, "problems": [problem], "warnings": [], "config": None})
        if path == "/halt" and (self.command == "GET" or body.get("scope") == "account:paper"):
            looks += 1
            return self.answer(halted(looks))
        if path == "/reconciliation":
            return self.answer({"items": [reconciliation("bin"), reconciliation("paper")], "next": None})
        if parts[0] == "accounts" and parts[2:] == ["reconcile"]:
            return self.answer(reconciliation(parts[1], body["expected"] if body.get("accept") else ()))
        if path in ("/limits", "/limits/peak", "/halt", "/resume") or parts[0] in ("accounts", "feeds"):
            return self.answer({"asked": self.command + " " + path, "got": body})
        if parts[0] == "users" and parts[2:] == ["password"]:
            return self.answer({"got": body})
        if parts[0] == "credentials":
            credential = {
                "id": "key-1", "venue": "binance", "environment": "testnet", "account": "live", "key": "vmPU…Eh8A",
                "active": True, "warnings": ["this key may withdraw"], "test": {"outcome": "works"}, "got": body,
            }
            if body.get("api_key") == "refused":
                return self.fail(400, "invalid_field", "api_key: the venue does not take this key: no", "api_key")
            return self.answer({"items": [credential], "next": None} if self.command == "GET" else credential)
        if parts[0] == "lab":
            return self.lab(path, parts, query, sent, body)
        if path == "/positions":
            return self.answer({"items": [], "next": None})
        if path == "/garbage":
            return self.answer([])
        if parts[0] != "strategies" or parts[1] not in [s["id"] for s in STRATEGIES]:
            return self.fail(404, "not_found", f"there is no strategy \"{parts[-1]}\"")
        found = next(s for s in STRATEGIES if s["id"] == parts[1])
        if len(parts) == 2:
            return self.answer({} if self.command == "DELETE" else found)
        if parts[2] == "status":
            polls += 1
            return self.answer(dict(found["status"]))
        if parts[2] == "violations":
            return self.answer({"items": VIOLATIONS if parts[1] == "s1" else [], "next": None})
        if parts[2] in ("start", "restart"):
            return self.answer(dict(STATUS, state="starting"))
        if parts[2] == "stop":
            if parts[1] == "idle":
                return self.fail(409, "not_running", "strategy \"idle\" is not running")
            return self.answer(dict(STATUS, state="stopping"))
        if parts[2] == "logs":
            if "text/event-stream" in self.headers.get("Accept", ""):
                return self.events()
            return self.answer({"items": LINES[:2], "next": None})
        if parts[2] == "signals" and self.command == "POST":
            return self.answer({"id": "g1", "got": body}, 202)
        return self.answer({"items": [], "next": None})

    do_GET = do_POST = do_PATCH = do_DELETE = any


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


server = Server(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()

#!/usr/bin/env python3
"""A stand-in for the host's HTTP API, for looking at the pages without a host.

It serves the pages, the answers of the API in their true shapes, and event streams that move. Everything is invented
and kept in memory. Standard library only.

    fake_api.py --port 8099 [--assets Sources/Web/Assets] [--vendor .build/vendor/web] [--empty] [--fast]

Log in as admin / bullpen (operator) or ada / bullpen (author).
"""

import argparse
import json
import pathlib
import queue
import random
import re
import threading
import time
import traceback
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import fake_lab
import fake_money
import fake_office
import fake_strategy
import fake_studies
import fake_upload
from fake_world import World

ROOT = pathlib.Path(__file__).resolve().parents[2]
CSP = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:"
TYPES = {
    ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml", ".json": "application/json",
}


class Refusal(Exception):
    def __init__(self, status, code, message, field=None, problems=None):
        super().__init__(message)
        self.status, self.code, self.message, self.field, self.problems = status, code, message, field, problems


def found(body):
    """What is there, with its status; None stays None."""
    return None if body is None else (200, body)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    refusal = Refusal
    world = None
    assets = None
    vendor = None

    def log_message(self, *_):
        pass

    def send(self, status, body, kind="application/json", more=()):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in [("Content-Type", kind), ("Content-Length", len(data)), ("Content-Security-Policy", CSP), ("Cache-Control", "no-store"), *more]:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def do_GET(self):
        self.answer()

    do_POST = do_PATCH = do_DELETE = do_GET

    def answer(self):
        url = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(url.query))
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = [urllib.parse.unquote(part) for part in url.path.split("/") if part]
        try:
            if self.command == "GET" and self.static(url.path):
                return
            if self.headers.get("Accept") == "text/event-stream":
                self.stream(parts)
                return
            with self.world.lock:
                status, body, more = self.route(parts)
            self.send(status, body, more=more)
        except Refusal as refusal:
            error = {"code": refusal.code, "message": refusal.message, "field": refusal.field}
            if refusal.problems:
                error["problems"] = refusal.problems
            self.send(refusal.status, {"error": error})
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        except Exception:
            traceback.print_exc()
            self.send(500, {"error": {"code": "internal", "message": "The pretended host stumbled.", "field": None}})

    def static(self, path):
        base, name = (self.vendor, path[len("/vendor/"):]) if path.startswith("/vendor/") else (self.assets, path.lstrip("/") or "index.html")
        file = (base / name).resolve() if base else None
        if not file or not file.is_relative_to(base.resolve()) or not file.is_file():
            if path != "/vendor/manifest.json":
                return False
            # As scripts/stage writes it when nothing was fetched.
            self.send(200, {"charts": False, "editor": False})
            return True
        self.send(200, file.read_bytes(), TYPES.get(file.suffix, "application/octet-stream"))
        return True

    def user(self):
        cookie = re.search("bullpen_session=(\\w+)", self.headers.get("Cookie") or "")
        session = self.world.sessions.get(cookie.group(1)) if cookie else None
        if not session:
            raise Refusal(401, "unauthorised", "Log in first.")
        if self.command != "GET" and self.headers.get("X-CSRF-Token") != session["csrf"]:
            raise Refusal(403, "csrf", "The CSRF token is missing or old.")
        return session

    def stream(self, parts):
        self.user()
        inbox = queue.Queue()
        with self.world.lock:
            # Of one study nothing new comes.
            owner = self.world if parts in (["events"], ["lab", "events"]) else self.world.quiet if parts[0] == "lab" else self.find(parts[1])
            last = self.headers.get("Last-Event-ID")
            for line in owner.log if last and owner not in (self.world, self.world.quiet) else []:
                if line["seq"] > int(last):
                    inbox.put(("log", line, line["seq"]))
            owner.watchers.add(inbox)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            self.wfile.write(b": hello\n\n")
            while True:
                try:
                    event = inbox.get(timeout=10)
                    if event is None:  # A test cuts the line.
                        return
                    kind, data, sequence = event
                    lead = f"id: {sequence}\n" if sequence else ""
                    self.wfile.write(f"event: {kind}\n{lead}data: {json.dumps(data)}\n\n".encode())
                except queue.Empty:
                    self.wfile.write(b": still here\n\n")
        finally:
            owner.watchers.discard(inbox)

    def find(self, name):
        strategy = self.world.strategies.get(name)
        if not strategy:
            raise Refusal(404, "not_found", f'there is no strategy "{name}"')
        return strategy

    def given(self):
        return json.loads(self.body or b"{}")

    def page(self, items):
        items = list(items)
        limit = int(self.query.get("limit", 100))
        start = int(self.query.get("after") or 0)
        return {"items": items[start:start + limit], "next": str(start + limit) if start + limit < len(items) else None}

    def visible(self):
        """The strategies that whoever asks may see."""
        return [one for one in self.world.strategies.values() if self.is_operator or one.owner == self.me["name"]]

    def demand_operator(self):
        if not self.is_operator:
            raise Refusal(403, "not_allowed", "Only an operator may see this.")

    def route(self, parts):
        """Status, body and more headers."""
        world, method = self.world, self.command
        if parts == ["health"]:
            return 200, {"status": "ok", "version": "0.1.0", "uptime_seconds": int(time.time() - world.started), "parts": {"journal": "ok", "market data": "ok", "spawner": "ok", "paper venue": "ok"}}, ()
        if parts == ["login"]:
            return self.log_in()
        session = self.user()
        self.me, self.is_operator = session["user"], session["user"]["role"] == "operator"
        if parts == ["session"]:
            return 200, {"user": self.me, "csrf_token": session["csrf"]}, ()
        if parts == ["logout"]:
            world.sessions.clear()
            return 200, {}, ()
        if parts == ["strategies"] and method == "GET":
            return 200, self.page(one.view() for one in self.visible()), ()
        told = parts and (
            fake_upload.answer(self, parts, method) or found(fake_studies.answer(self, parts, method)) or fake_strategy.answer(self, parts, method)
            or method == "GET" and found(fake_lab.answer(parts, self.query)) or fake_money.answer(self, parts, method) or fake_office.answer(self, parts, method))
        if not told:
            raise Refusal(404, "not_found", "There is no such address.")
        return *told, ()

    def log_in(self):
        world, body = self.world, self.given()
        user = next((one for one in world.users if one["name"] == body.get("name")), None)
        if not user or body.get("password") != "bullpen" or user["disabled"]:
            raise Refusal(401, "wrong_login", "Name or password is wrong.")
        token = f"{random.getrandbits(128):032x}"
        world.sessions[token] = {"csrf": token[::-1], "user": {"name": user["name"], "role": user["role"]}}
        return 200, {"user": world.sessions[token]["user"], "csrf_token": token[::-1]}, [("Set-Cookie", f"bullpen_session={token}; HttpOnly; SameSite=Strict; Path=/")]


def serve(port=0, empty=False, assets=ROOT / "Sources/Web/Assets", vendor=ROOT / ".build/vendor/web", pause=1.0):
    """Starts serving in threads; returns the server, whose `server_address` says where."""
    world = World(empty)
    handler = type("Bound", (Handler,), {"world": world, "assets": pathlib.Path(assets), "vendor": pathlib.Path(vendor) if vendor else None})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    server.world = world
    threading.Thread(target=world.run, args=(pause,), daemon=True).start()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--port", type=int, default=8099)
    options.add_argument("--assets", default=ROOT / "Sources/Web/Assets")
    options.add_argument("--vendor", default=ROOT / ".build/vendor/web")
    options.add_argument("--empty", action="store_true", help="nothing has been uploaded yet")
    options.add_argument("--fast", action="store_true", help="a market that moves four times a second")
    chosen = options.parse_args()
    running = serve(chosen.port, chosen.empty, chosen.assets, chosen.vendor, 0.25 if chosen.fast else 1.0)
    print(f"http://127.0.0.1:{running.server_address[1]}", flush=True)
    threading.Event().wait()

"""An HTTP server that misbehaves on order, on sockets alone, for the tests of what a client knows afterwards.

PUT /script/NAME with a JSON list of steps; each request to /do/NAME... takes the next step, the last one for ever. A step:
status, body, headers, delay (seconds), truncate (bytes of the body that are sent before the connection closes), and
end: "close" or "reset" (after reading, without an answer) or "hang". GET /log/NAME gives what came, in order.
Prints its port, then serves until it is killed. Usage: misbehaving_server.py [certificate key]
"""

import json
import os
import socket
import struct
import sys
import threading
import time

# With -I Python leaves the script's own folder out of the path; and nothing compiled is to lie among the tests.
sys.path.append(os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

from connections import serve  # noqa: E402

lock = threading.Lock()
scripts = {}
logs = {}


def step_for(name):
    with lock:
        steps = scripts.get(name) or [{}]
        return steps.pop(0) if len(steps) > 1 else steps[0]


def answer(connection, status, body, headers=(), truncate=None):
    head = f"HTTP/1.1 {status} Answer\r\nContent-Length: {len(body)}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in dict(headers).items())
    connection.sendall(head.encode() + b"\r\n" + body[:truncate])


def handle(connection, stream):
    """One request; whether the connection goes on."""
    line = stream.readline().decode()
    if not line:
        return False
    method, path, _ = line.split(" ", 2)
    headers = {}
    while (line := stream.readline().decode().strip()):
        key, _, value = line.partition(":")
        headers[key.strip().lower()] = value.strip()
    body = stream.read(int(headers.get("content-length") or 0))
    kind, name = (path.split("?")[0].strip("/").split("/") + ["", ""])[:2]
    if kind == "script":
        with lock:
            scripts[name] = json.loads(body)
            logs[name] = []
        answer(connection, 200, b"{}")
        return True
    if kind == "log":
        with lock:
            text = json.dumps(logs.get(name, []))
        answer(connection, 200, text.encode())
        return True
    with lock:
        logs.setdefault(name, []).append(
            {"method": method, "path": path, "headers": headers, "body": body.decode(), "at": int(time.time() * 1000)}
        )
    step = step_for(name)
    time.sleep(step.get("delay", 0))
    end = step.get("end")
    if end == "hang":
        threading.Event().wait()
    if end == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if end:
        return False
    text = step.get("body", "{}")
    if step.get("echo"):
        text = json.dumps({"path": path, "headers": headers, "body": body.decode()})
    answer(connection, step.get("status", 200), text.encode(), step.get("headers", {}), step.get("truncate"))
    return "truncate" not in step


def serve_one(connection, stream):
    while handle(connection, stream):
        pass


serve(serve_one, is_prompt=True)

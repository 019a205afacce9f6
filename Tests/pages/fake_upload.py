"""What the pretended host finds in an uploaded bundle."""

import json
import random
import re

from fake_strategy import Strategy, now


def parse_multipart(kind, body):
    boundary = re.search('boundary="?([^";]+)', kind).group(1).encode()
    parts = {}
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, content = part.strip(b"\r\n").partition(b"\r\n\r\n")
        if part.startswith(b"\r\n") and content == b"" and b"\r\n\r\n" not in part:
            content = b""
        name = re.search(rb'name="([^"]*)"', head).group(1).decode()
        filename = re.search(rb'filename="([^"]*)"', head)
        parts[name] = (filename.group(1).decode() if filename else None, content)
    return parts


def report(parts):
    filename, content = parts.get("file", (None, b""))
    problems = []
    config = {"name": parts.get("name", (None, b""))[1].decode() or (filename or "strategy").rsplit(".", 1)[0], "pair": "BTCUSDT", "resolution": "1m",
              "lookback_period": 100, "leverage": 10, "profile": "python", "kind": "python", "entry": "strategy.py", "custom_params": {"quantity": "0.01"}}
    if (filename or "").endswith(".py"):
        try:
            compile(content.decode(), filename, "exec")
        except SyntaxError as error:
            problems.append({"code": "python_syntax", "message": f"SyntaxError: {error.msg}", "field": filename, "line": error.lineno, "source": (error.text or "").rstrip("\n")})
    given = parts.get("config", (None, b""))[1].decode().strip()
    if given:
        try:
            extra = json.loads(given)
            for name in extra:
                if name not in config and name not in ("description", "author", "risk_per_trade"):
                    problems.append({"code": "unknown_field", "message": f"strategy.json has no field \"{name}\"", "field": name, "line": None, "source": None})
            config.update(extra)
        except json.JSONDecodeError as error:
            problems.append({"code": "json_syntax", "message": f"strategy.json is not JSON: {error.msg}", "field": "config", "line": error.lineno, "source": given.split("\n")[error.lineno - 1]})
    if "import requests" in content.decode(errors="replace"):
        problems.append({"code": "package_missing", "message": "requests is not in the profile python, which has only the standard library; a strategy has no network", "field": "requirements.txt", "line": None, "source": None})
    return {"valid": not problems, "problems": problems, "warnings": ["leverage 10 acts as 1 on a spot account"] if not problems else [], "config": config}


def answer(handler, parts, method):
    """Status and body; None for what uploads nothing."""
    is_version = parts[2:] == ["versions"]
    if method != "POST" or parts[0] != "strategies" or not is_version and parts[1:] not in (["validate"], []):
        return None
    world = handler.world
    files = parse_multipart(handler.headers["Content-Type"], handler.body)
    found = report(files)
    if parts[1:] == ["validate"]:
        return 200, found
    if not found["valid"]:
        raise handler.refusal(400, "bundle_refused", "the bundle was refused: " + found["problems"][0]["message"], problems=found["problems"])
    if is_version:
        strategy = handler.find(parts[1])
        strategy.versions.insert(0, {"version": f"{random.getrandbits(256):064x}", "uploaded_at": now()})
        return 201, strategy.view()
    strategy = Strategy(world, found["config"]["name"], owner=handler.me["name"], parameters=found["config"]["custom_params"])
    if files["file"][0].endswith(".py"):
        strategy.files["strategy.py"] = files["file"][1].decode()
    world.strategies[strategy.id] = strategy
    world.note(handler.me["name"], "strategy.upload", strategy.id)
    return 201, strategy.view()

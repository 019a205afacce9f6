"""What the Python tests share: where things are, a host in a few lines, and a small JSON Schema check."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
import threading

PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SDK = os.path.join(PACKAGE, "Sources", "PythonSDK")
TEMPLATES = os.path.join(PACKAGE, "strategy-templates")
SCHEMAS = os.path.join(PACKAGE, "docs", "schemas")

sys.path.insert(0, SDK)


def schema(name):
    with open(os.path.join(SCHEMAS, f"{name}.schema.json"), encoding="utf-8") as file:
        return json.load(file)


class SchemaFault(AssertionError):
    """A value that its schema refuses."""


def check(value, rule, root=None, path="$"):
    """Checks a value against the part of JSON Schema 2020-12 that our schemas use; an unknown keyword is a fault."""
    root = root or rule
    for keyword, wanted in rule.items():
        test = _KEYWORDS.get(keyword)
        if test is None:
            raise SchemaFault(f"keyword {keyword} is not one that this check knows")
        test(value, wanted, rule, root, path)


def _fault(path, words):
    raise SchemaFault(f"{path}: {words}")


def _is(value, kind):
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(
        value, {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}[kind]
    )


def _type(value, wanted, rule, root, path):
    kinds = wanted if isinstance(wanted, list) else [wanted]
    if not any(_is(value, kind) for kind in kinds):
        _fault(path, f"{value!r} is not {' or '.join(kinds)}")


def _ref(value, wanted, rule, root, path):
    assert wanted.startswith("#/$defs/"), wanted
    check(value, root["$defs"][wanted.removeprefix("#/$defs/")], root, path)


def _one_of(value, wanted, rule, root, path):
    faults = []
    matches = 0
    for choice in wanted:
        try:
            check(value, choice, root, path)
            matches += 1
        except SchemaFault as fault:
            faults.append(str(fault))
    if matches != 1:
        about = [fault for fault in faults if ".type" not in fault] or faults
        _fault(path, f"matches {matches} of {len(wanted)}: {'; '.join(about[:3])}")


def _any_of(value, wanted, rule, root, path):
    for choice in wanted:
        try:
            return check(value, choice, root, path)
        except SchemaFault:
            continue
    _fault(path, f"{value!r} matches none of {len(wanted)}")


def _properties(value, wanted, rule, root, path):
    if isinstance(value, dict):
        for name, member in value.items():
            if name in wanted:
                check(member, wanted[name], root, f"{path}.{name}")


def _required(value, wanted, rule, root, path):
    if isinstance(value, dict):
        for name in wanted:
            if name not in value:
                _fault(path, f"{name} is missing")


def _additional(value, wanted, rule, root, path):
    if isinstance(value, dict):
        for name in value:
            if name not in rule.get("properties", {}):
                if wanted is False:
                    _fault(path, f"{name} is not known")
                check(value[name], wanted, root, f"{path}.{name}")


def _only(kind, test):
    def checked(value, wanted, rule, root, path):
        if _is(value, kind) and not test(value, wanted):
            _fault(path, f"{value!r} does not fit {wanted!r}")

    return checked


_KEYWORDS = {
    "$schema": lambda *_: None,
    "$id": lambda *_: None,
    "$defs": lambda *_: None,
    "title": lambda *_: None,
    "description": lambda *_: None,
    "default": lambda *_: None,
    "examples": lambda *_: None,
    "type": _type,
    "$ref": _ref,
    "oneOf": _one_of,
    "anyOf": _any_of,
    "properties": _properties,
    "required": _required,
    "additionalProperties": _additional,
    "const": lambda v, w, r, o, p: (v == w and type(v) is type(w)) or _fault(p, f"{v!r} is not {w!r}"),
    "enum": lambda v, w, r, o, p: v in w or _fault(p, f"{v!r} is not one of {w}"),
    "items": lambda v, w, r, o, p: [check(e, w, o, f"{p}[{i}]") for i, e in enumerate(v)] if isinstance(v, list) else 0,
    "pattern": _only("string", lambda v, w: re.search(w, v, re.ASCII)),
    "minLength": _only("string", lambda v, w: len(v) >= w),
    "maxLength": _only("string", lambda v, w: len(v) <= w),
    "minimum": _only("number", lambda v, w: v >= w),
    "maximum": _only("number", lambda v, w: v <= w),
    "exclusiveMinimum": _only("number", lambda v, w: v > w),
    "exclusiveMaximum": _only("number", lambda v, w: v < w),
    "maxProperties": _only("object", lambda v, w: len(v) <= w),
    "propertyNames": lambda v, w, r, o, p: [check(n, w, o, f"{p}.{n}") for n in v] if isinstance(v, dict) else 0,
    "minItems": _only("array", lambda v, w: len(v) >= w),
    "maxItems": _only("array", lambda v, w: len(v) <= w),
    "uniqueItems": _only("array", lambda v, w: not w or len({repr(e) for e in v}) == len(v)),
}

START = 1_735_689_600_000
CONFIG = {"pair": "BTCUSDT", "resolution": "1m", "lookback_period": 100, "custom_params": {}}


def refusal(request, reason="no"):
    """A denial of what never became an order: of the order itself nothing is said."""
    return {
        "type": "order",
        "request": request,
        "order": "",
        "symbol": "",
        "side": "buy",
        "order_type": "market",
        "quantity": "0",
        "time_in_force": "gtc",
        "status": "denied",
        "filled_quantity": "0",
        "reason": reason,
        "time": 5,
    }


def hello(entry="strategy.py", parameters=None, config=None, **changes):
    message = {
        "type": "hello",
        "protocol": 1,
        "strategy": "s-1",
        "run": "r-1",
        "mode": "paper",
        "time": START,
        "entry": entry,
        "parameters": parameters or {},
        "config": {**CONFIG, **(config or {})},
        "instruments": [
            {
                "symbol": "BTCUSDT",
                "base": "BTC",
                "quote": "USDT",
                "tick_size": "0.01",
                "step_size": "0.00001",
                "minimum_notional": "5",
            }
        ],
        "account": {
            "currency": "USDT",
            "equity": "10000",
            "available": "10000",
            "kind": "margin",
            "leverage": "1",
        },
        "positions": [],
        "orders": [],
        "brackets": [],
        "state": None,
        "heartbeat_ms": 5000,
    }
    message.update(changes)
    return message


def candle(index, close, opened=None, high=None, low=None, history=False, symbol="BTCUSDT"):
    opened = close if opened is None else opened
    message = {
        "type": "candle",
        "symbol": symbol,
        "resolution": "1m",
        "time": START + index * 60_000,
        "close_time": START + (index + 1) * 60_000,
        "open": str(opened),
        "high": str(max(opened, close) if high is None else high),
        "low": str(min(opened, close) if low is None else low),
        "close": str(close),
        "volume": "1.5",
    }
    if history:
        message["history"] = True
    return message


class Child:
    """A strategy in a process of its own, spoken to over pipes as the host does."""

    _host_schema = schema("protocol-host")
    _strategy_schema = schema("protocol-strategy")

    def __init__(self, command, first):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={}, cwd="/"
        )
        self.errors = ""
        self._drain = threading.Thread(target=self._read_errors, daemon=True)
        self._drain.start()
        self._pings = 0
        self.say(first)

    @classmethod
    def python(cls, bundle, first=None):
        command = [sys.executable, "-I", "-B", os.path.join(SDK, "start.py"), bundle]
        return cls(command, first or hello())

    def _read_errors(self):
        self.errors = self.process.stderr.read().decode("utf-8", "replace")

    def say(self, *messages):
        """Says lines, each checked against the schema first."""
        for message in messages:
            check(message, self._host_schema)
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def hear(self):
        """The next line; None at the end."""
        line = self.process.stdout.readline()
        if not line:
            return None
        assert len(line) <= 65_536
        message = json.loads(line)
        check(message, self._strategy_schema)
        return message

    def answers(self):
        """All that was said up to now: pings, and collects what comes before the pong."""
        self._pings += 1
        self.say({"type": "ping", "id": self._pings})
        lines = []
        while True:
            message = self.hear()
            if message is None:
                raise AssertionError(f"the strategy ended: {self.end()[1]}")
            if message == {"type": "pong", "id": self._pings}:
                return lines
            lines.append(message)

    def end(self):
        """Closes the pipe and waits. The exit code and the log."""
        for stream in (self.process.stdin,):
            try:
                stream.close()
            except BrokenPipeError:
                pass
        self.process.stdout.read()
        self.process.stdout.close()
        code = self.process.wait(timeout=30)
        self._drain.join()
        self.process.stderr.close()
        return code, self.errors

    def stop(self):
        """Says stop; what the strategy still said, its exit code and its log."""
        self.say({"type": "stop", "reason": "test", "deadline_ms": 5000})
        lines = list(iter(self.hear, None))
        return (lines, *self.end())


class Bundle:
    """A folder with the given files, for as long as the `with` lasts."""

    def __init__(self, source=None, **files):
        self._files = {"strategy.py": source} if source is not None else {}
        self._files.update({name.replace("__", "."): text for name, text in files.items()})

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory()
        for name, text in self._files.items():
            with open(os.path.join(self._folder.name, name), "w", encoding="utf-8") as file:
                file.write(textwrap.dedent(text))
        return self._folder.name

    def __exit__(self, *_):
        self._folder.cleanup()

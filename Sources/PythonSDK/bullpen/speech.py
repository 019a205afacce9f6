"""What a strategy says: lines of the protocol, kept until its handler returns."""

from __future__ import annotations

import json
from collections import deque
from decimal import Decimal
from typing import Any, Callable, Dict, List, Optional

from .model import BullpenError, Number, decimal_text

LOG_BYTES = 8 * 1024
STATE_BYTES = 48 * 1024
SIGNAL_DATA_BYTES = 16 * 1024

_LEVELS = frozenset(("debug", "info", "warning", "error"))
_ID_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")


class Finished(Exception):
    """The strategy has ended its own run."""


def _plain(value: Any) -> Any:
    """Says in JSON what `json` does not know: decimals as strings, numpy numbers and arrays as theirs."""
    if isinstance(value, Decimal):
        return format(value, "f")
    for method in ("tolist", "item"):
        convert = getattr(value, method, None)
        if convert is not None:
            return convert()
    if isinstance(value, (set, frozenset, deque)):
        return list(value)
    raise TypeError(f"a {type(value).__name__} cannot be written as JSON")


_encode = json.JSONEncoder(
    separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=True, default=_plain
).encode
encode_text: Callable[[str], str] = json.encoder.encode_basestring


def to_json(value: Any, what: str) -> str:
    """The value as JSON text; `what` names it when it cannot be said."""
    try:
        return _encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise BullpenError(f"{what} cannot be written as JSON: {error}") from None


def check_id(text: str, what: str) -> str:
    """The id itself, when the protocol takes it."""
    if not (1 <= len(text) <= 36 and _ID_CHARACTERS.issuperset(text)):
        raise BullpenError(f"{what} {text!r} must be 1 to 36 letters, digits, '.', '_' or '-'")
    return text


class Speech:
    """What was said and not yet written, and the words that are no orders."""

    def __init__(self) -> None:
        self.lines: List[str] = []
        """What is to be written, without line breaks."""
        self.write_early: Optional[Callable[[], None]] = None
        self._buffered = 0
        self.acted = False
        """Whether anything was said that the host has to do something about."""
        self.is_over = False
        self.state: Any = None

    def say(self, line: str) -> None:
        """Keeps a line to be written when the handler returns."""
        self.lines.append(line)
        self._buffered += len(line)
        if self._buffered > 1 << 18 and self.write_early is not None:
            self.write_early()

    def take_output(self) -> bytes:
        """All lines said so far, ready to be written."""
        self.lines.append("")
        data = "\n".join(self.lines).encode("utf-8", "replace")
        self.lines.clear()
        self._buffered = 0
        return data

    def signal(self, action: str, symbol: Optional[str], data: Dict[str, Any]) -> None:
        """Says `signal`."""
        self.acted = True
        if not 1 <= len(action.encode("utf-8", "replace")) <= 64:
            raise BullpenError("a signal's action has 1 to 64 bytes")
        line = f'{{"type":"signal","action":{encode_text(action)}'
        if symbol is not None:
            line += f',"symbol":{encode_text(symbol)}'
        if data:
            text = to_json(data, "the signal's data")
            if len(text.encode("utf-8", "replace")) > SIGNAL_DATA_BYTES:
                raise BullpenError(f"a signal's data has at most {SIGNAL_DATA_BYTES} bytes of JSON")
            line += f',"data":{text}'
        self.say(line + "}")

    def log(self, message: str, level: str) -> None:
        """Says `log`; what is too long is cut."""
        if level not in _LEVELS:
            raise BullpenError(f"level {level!r} must be one of debug, info, warning, error")
        if len(message) * 4 > LOG_BYTES:
            encoded = message.encode("utf-8", "replace")
            if len(encoded) > LOG_BYTES:
                message = encoded[: LOG_BYTES - 3].decode("utf-8", "ignore") + "…"
        self.say(f'{{"type":"log","level":"{level}","message":{encode_text(message)}}}')

    def metric(self, name: str, value: Number) -> None:
        """Says `metric`."""
        if not (1 <= len(name) <= 64 and _ID_CHARACTERS.issuperset(name)):
            raise BullpenError(f"metric name {name!r} must be 1 to 64 letters, digits, '.', '_' or '-'")
        self.say(f'{{"type":"metric","name":"{name}","value":"{decimal_text(value)}"}}')

    def save_state(self, state: Any) -> None:
        """Says `state`."""
        text = to_json(state, "the state")
        size = len(text.encode("utf-8", "replace"))
        if size > STATE_BYTES:
            raise BullpenError(f"the state has {size} bytes of JSON, at most {STATE_BYTES} are kept")
        self.state = json.loads(text)
        self.say(f'{{"type":"state","state":{text}}}')

    def subscribe(self, symbol: str, resolution: Optional[str], trades: bool, quotes: bool) -> None:
        """Says `subscribe`."""
        self.acted = True
        if resolution is None and not trades and not quotes:
            raise BullpenError("subscribe needs a resolution, trades=True or quotes=True")
        line = f'{{"type":"subscribe","symbol":{encode_text(symbol)}'
        if resolution is not None:
            line += f',"resolution":{encode_text(resolution)}'
        if trades:
            line += ',"trades":true'
        if quotes:
            line += ',"quotes":true'
        self.say(line + "}")

    def timer(self, timer_id: str, milliseconds: int, repeat: bool) -> None:
        """Says `timer`."""
        check_id(timer_id, "timer")
        self.acted = True
        if not 0 <= milliseconds <= 604_800_000:
            raise BullpenError("a timer waits at most a week")
        if repeat and 0 < milliseconds < 10:
            raise BullpenError("a repeating timer waits at least 10 ms")
        line = f'{{"type":"timer","id":"{timer_id}","after_ms":{milliseconds}'
        self.say(line + (',"repeat":true}' if repeat else "}"))

    def finish(self, reason: str) -> None:
        """Says `bye` and ends the run."""
        self.is_over = True
        text = reason.encode("utf-8", "replace")[:1024].decode("utf-8", "ignore")
        self.say(f'{{"type":"bye","reason":{encode_text(text)}}}')
        raise Finished

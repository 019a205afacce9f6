"""Runs one strategy over standard input and output, as the host starts it."""

from __future__ import annotations

import faulthandler
import gc
import importlib.util
import json
import os
import sys
import traceback
from _signal import SIGUSR1  # `signal` makes enumerations of them all, which every start would wait for.
from types import ModuleType, TracebackType
from typing import Any, BinaryIO, List, NoReturn, Optional, Type

from .batches import Line
from .model import BullpenError
from .session import Session
from .speech import Finished
from .strategy import Strategy, current_session, set_current_session

CRASHED = 1
"""Exit code when a handler raised."""
NOT_LOADED = 2
"""Exit code when the entry file could not be loaded, or holds no strategy."""

_SDK_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Pipe:
    """The protocol's two descriptors, taken away from everybody else in the process."""

    def __init__(self) -> None:
        self._output = os.dup(1)
        # print, and C code that writes to descriptor 1, reach the log like standard error.
        os.dup2(2, 1)
        # input() sees an end of file at once, and not the host's lines.
        source = os.dup(0)
        nothing, writer = os.pipe()
        os.dup2(nothing, 0)
        os.close(nothing)
        os.close(writer)
        for stream in (sys.stdout, sys.stderr):
            # There may be no locale inside the walls, and a log should be seen at once.
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:
                reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
        self.input: BinaryIO = os.fdopen(source, "rb", buffering=1 << 16)

    def write(self, data: bytes) -> None:
        """Writes all of it."""
        written = os.write(self._output, data)
        while written < len(data):
            data = data[written:]
            written = os.write(self._output, data)


_pipe: Optional[Pipe] = None


def _read_hello(pipe: Pipe) -> Session:
    line = pipe.input.readline()
    if not line:
        _leave(NOT_LOADED, "the host closed the pipe before it said hello")
    try:
        return Session(json.loads(line))
    except (ValueError, KeyError, TypeError, BullpenError) as error:
        _leave(NOT_LOADED, f"the first line from the host is not a hello of protocol 1: {error!r}")


def _loop(session: Session, pipe: Pipe) -> None:
    """Takes lines until the run is over; each handler's output is one write."""
    read = pipe.input.readline
    decode = json.JSONDecoder().raw_decode
    handle = session.handle
    lines = session.lines
    write = pipe.write
    while not session.is_over:
        line = read()
        if not line:
            return  # The host is gone; there is nobody left to say good-bye to.
        handle(decode(str(line, "utf-8"))[0])
        if lines:
            write(session.take_output())


def _lab_loop(session: Session, pipe: Pipe) -> None:
    """The same for a backtest, where the host waits for the answer to each `ping` and `go`.

    What the strategy has no handler for is not read before somebody asks: of an order that changed three times since the
    last candle only the last is looked at, and positions are read when they are.
    """
    read = pipe.input.readline
    decode = json.JSONDecoder().raw_decode
    handle, write, lines = session.handle, pipe.write, session.lines
    take_line = session.take_line
    strategy = session.strategy
    hears_orders = _overrides(strategy, "on_order")
    hears_fills = _overrides(strategy, "on_fill")
    hears_positions = _overrides(strategy, "on_position")
    held = b""
    while not session.is_over:
        line = read()
        if not line:
            return
        if line.startswith(_CANDLE):
            if line.count(b'"') == Line.MARKS:
                if held:
                    handle(decode(str(held, "utf-8"))[0])
                    held = b""
                take_line(line)
                continue
        elif line.startswith(_PING) and not held:
            if lines:
                lines.append(f'{{"type":"pong","id":{int(line[len(_PING) : -2])}}}')
                write(session.take_output())
            else:
                # Both words have four letters.
                write(_PONG + line[20:])
            session.acted = False
            continue
        if not hears_fills and line.startswith(_FILL):
            continue
        if not hears_positions and line.startswith(_POSITION):
            session.keep_position(line)
            continue
        if not hears_orders and line.startswith(_ORDER):
            if held and line[: line.find(b'"', len(_ORDER)) + 1] != held[: held.find(b'"', len(_ORDER)) + 1]:
                handle(decode(str(held, "utf-8"))[0])
            held = line
            continue
        if held:
            handle(decode(str(held, "utf-8"))[0])
            held = b""
        if line.startswith(_GO):
            session.go(int(line[len(_GO) : -2]))
        elif line.startswith(_PING):
            lines.append(f'{{"type":"pong","id":{int(line[len(_PING) : -2])}}}')
            session.acted = False
        else:
            handle(decode(str(line, "utf-8"))[0])
            continue  # Nobody waits for what is said so far.
        write(session.take_output())
    if session.lines:
        write(session.take_output())


_ORDER = b'{"type":"order","request":"'
_FILL = b'{"type":"fill","'
_POSITION = b'{"type":"position","symbol":"'
_GO = b'{"type":"go","until":'
_PING = b'{"type":"ping","id":'
_PONG = b'{"type":"pong","id":'
_CANDLE = b'{"type":"candle","'


def _overrides(strategy: Optional[Strategy], name: str) -> bool:
    return getattr(getattr(strategy, name), "__func__", None) is not getattr(Strategy, name)


def _seed(session: Session) -> None:
    """Lets random numbers of a backtest begin where its job says."""
    seed = session.hello.get("seed")
    if seed is None:
        return
    import random  # Not for those who run live: it loads more than it is worth there.

    random.seed(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(seed % (1 << 32))


def _run(session: Session, strategy: Strategy, pipe: Pipe) -> None:
    def flush() -> None:
        if session.lines:
            pipe.write(session.take_output())

    session.write_early = flush
    _seed(session)
    try:
        session.begin(strategy)
        flush()
        gc.freeze()  # What is loaded by now stays; looking through it again and again would delay orders.
        if session.mode == "lab":
            gc.set_threshold(50_000, 20, 20)  # Batches make many objects that no cycle holds.
            _lab_loop(session, pipe)
        else:
            _loop(session, pipe)
    except Finished:
        pass
    except BrokenPipeError:
        return
    except Exception as error:
        # What was asked for before the fault stands: the calls had returned.
        session.is_over = True
        try:
            flush()
        except OSError:
            pass
        _print_fault(error)
        _leave(CRASHED, None)
    try:
        flush()
    except BrokenPipeError:
        pass


def start(strategy: Strategy) -> None:
    """Runs `strategy` until the host stops it; what `start()` in an author's file comes to."""
    global _pipe
    session = current_session()
    if session is None:
        if sys.stdin is not None and sys.stdin.isatty():
            raise BullpenError(
                "a strategy is run by the host: upload this file. To try it here, use bullpen.testing.Harness"
            )
        _pipe = Pipe()
        session = _read_hello(_pipe)
        set_current_session(session)
    if session.strategy is not None:
        raise BullpenError("start() was called twice")
    if _pipe is None:
        raise BullpenError("start() does nothing in a test: the harness runs the strategy")
    strategy._bullpen_session = session
    _run(session, strategy, _pipe)


def main(bundle: str) -> NoReturn:
    """What `start.py` does: hello, load, run, leave."""
    global _pipe
    _pipe = Pipe()
    # The host asks one that does not answer where it is, before it gives up on it. Works within long calls, too.
    faulthandler.register(SIGUSR1, file=2, all_threads=False)
    session = _read_hello(_pipe)
    set_current_session(session)
    _seed(session)
    module = _load(bundle, str(session.hello["entry"]))
    if session.strategy is None:  # else the file called start() itself, and the run is over
        start(_make(_find(module)))
    _leave(0, None)


def _load(bundle: str, entry: str) -> ModuleType:
    path = os.path.normpath(os.path.join(bundle, entry))
    # The author's own modules come before the library's, as with any script, but not before the SDK.
    sys.path.insert(1, os.path.dirname(path))
    if os.path.dirname(path) != os.path.normpath(bundle):
        sys.path.insert(2, bundle)
    # Never "__main__": what a file does when run by hand is not for the host.
    name = os.path.splitext(os.path.basename(path))[0]
    if name in sys.modules or not name.isidentifier():
        name = "bullpen_entry"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not os.path.isfile(path):
        _leave(NOT_LOADED, f"the bundle has no Python file {entry!r}; name the file in strategy.json's \"entry\"")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except SystemExit as error:
        session = current_session()
        if session is not None and session.is_over:
            _leave(0, None)  # the file ran its strategy to the end by itself, and then said exit()
        _leave(NOT_LOADED, f"{entry} called exit({error.code!r}) while it was loaded")
    except Exception as error:
        _print_fault(error)
        if isinstance(error, ModuleNotFoundError):
            _leave(
                NOT_LOADED,
                f"{entry} could not be loaded: there is no module {error.name!r} here. Put your own modules into the "
                "bundle, and other people's into requirements.txt with a profile that has them",
            )
        _leave(NOT_LOADED, f"{entry} could not be loaded: {_summary(error)}")
    return module


def _summary(error: BaseException) -> str:
    return "".join(traceback.format_exception_only(type(error), error)).strip().splitlines()[-1]


def _strategy_classes(module: ModuleType) -> List[Type[Any]]:
    """The strategies among the module's names, without the SDK's own and without bases of others."""
    bases: List[Type[Any]] = [Strategy]
    legacy = sys.modules.get("base_strategy")
    if legacy is not None:
        bases.append(legacy.BaseStrategy)
    learning = sys.modules.get("bullpen.learning")
    if learning is not None:
        bases += [learning.Model, learning.ModelStrategy]
    found: List[Type[Any]] = []
    for value in vars(module).values():
        if not isinstance(value, type) or value in bases or value in found:
            continue
        if issubclass(value, tuple(bases)) and value.__module__.split(".")[0] not in ("bullpen", "base_strategy"):
            found.append(value)
    local = [each for each in found if each.__module__ == module.__name__]
    candidates = local or found
    return [each for each in candidates if not any(o is not each and issubclass(o, each) for o in candidates)]


def _find(module: ModuleType) -> Type[Any]:
    named = getattr(module, "STRATEGY", None)
    if isinstance(named, type):
        return named
    classes = _strategy_classes(module)
    if len(classes) == 1:
        return classes[0]
    file = os.path.basename(module.__file__ or "the entry file")
    if not classes:
        _leave(
            NOT_LOADED,
            f"{file} holds no strategy: write a class that inherits from bullpen.Strategy, bullpen.learning.Model or base_strategy.BaseStrategy",
        )
    names = ", ".join(each.__name__ for each in classes)
    _leave(NOT_LOADED, f"{file} holds several strategies ({names}): add the line STRATEGY = {classes[0].__name__}")


def _make(kind: Type[Any]) -> Strategy:
    try:
        made = kind()
    except Exception as error:
        _print_fault(error)
        _leave(NOT_LOADED, f"{kind.__name__}() could not be made without arguments: {_summary(error)}")
    return adapted(made)


def adapted(made: Any) -> Strategy:
    """The strategy itself, or the one that drives a BaseStrategy."""
    if isinstance(made, Strategy):
        return made
    adapter = getattr(made, "_bullpen_adapter", None)
    if adapter is None:
        raise BullpenError(f"a {type(made).__name__} is not a strategy")
    strategy = adapter()
    assert isinstance(strategy, Strategy)
    return strategy


def _print_fault(error: BaseException) -> None:
    """The traceback from the author's first line on; what lies above it is the SDK's business."""
    trace: Optional[TracebackType] = error.__traceback__
    while trace is not None and _is_ours(trace):
        trace = trace.tb_next
    traceback.print_exception(type(error), error, trace or error.__traceback__, file=sys.stderr)


def _is_ours(trace: TracebackType) -> bool:
    file = trace.tb_frame.f_code.co_filename
    return file.startswith(_SDK_FOLDER) or file.startswith("<frozen importlib")


def _leave(code: int, message: Optional[str]) -> NoReturn:
    if message is not None:
        print(f"bullpen: {message}", file=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            pass  # The log's reader is gone.
    # Leave without waiting for threads that the author may have started.
    os._exit(code)

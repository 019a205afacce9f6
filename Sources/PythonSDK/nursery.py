"""What the host runs as a nursery: python3 <options> nursery.py <library> <script> [<module> ...]

Loads the modules, then makes a strategy's process for each request of the host. All that happens between two
strategies happens in C, in the library: a page of memory that Python touches here would no longer be shared with
the strategies before. In a strategy's process `main` goes on as if the interpreter had just been started with the
script; no line of the strategy's own code is run, or seen, in the nursery itself.
"""

import ctypes
import gc
import importlib
import os
import sys
from types import CodeType, ModuleType
from typing import Dict, List, Optional, Tuple

_PROC = 6
"""The descriptor of /proc that the host gives a nursery, and no strategy."""


_kept: List[object] = []


class _Child(ctypes.Structure):
    """struct nursery_child."""

    _fields_ = [
        ("arguments", ctypes.c_void_p),
        ("environment", ctypes.c_void_p),
        ("arguments_length", ctypes.c_uint32),
        ("environment_length", ctypes.c_uint32),
    ]


def _texts(address: int, length: int) -> List[str]:
    return [os.fsdecode(text) for text in ctypes.string_at(address, length).split(b"\0")[:-1]]


def _thread_count() -> int:
    folder = os.open("self/task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=_PROC)
    try:
        return len(os.listdir(folder))
    finally:
        os.close(folder)


def _compiled(script: str) -> CodeType:
    with open(script, "rb") as file:
        return compile(file.read(), script, "exec")


def _warm_up(names: List[str]) -> None:
    """Does what every strategy does first, so that what it loads, keeps and adapts is there, and shared.

    The interpreter adapts code that runs often by writing into it: each strategy would have its own copy.
    """
    for name in names:
        importlib.import_module(name)
    from bullpen import Strategy
    from bullpen.strategy import set_current_session
    from bullpen.testing import Harness

    class Rehearsal(Strategy):
        def on_candle(self, candle):  # type: ignore[no-untyped-def]
            closes.append(float(candle.close))
            if "pandas" in names:
                import pandas

                frame = pandas.DataFrame({"close": closes[-32:]})
                frame["close"].rolling(4).mean().iloc[-1]
                frame["close"].ewm(span=4).mean().iloc[-1]
                pandas.Series(closes[-32:]).rolling(4).mean().iloc[-1]
            if len(closes) % 16 == 0:
                self.buy("0.01")

    closes: List[float] = []
    Harness(Rehearsal).closes(*(100 + number % 7 for number in range(64)))
    set_current_session(None)


def _fill_gaps(library: ctypes.PyDLL) -> List[object]:
    """Fills the gaps between what is in memory, so that what a strategy makes lies together behind it.

    Something new in a gap would make a page that all share a page of the strategy's own. What is returned must be kept.
    """
    library.nursery_fill_gaps()
    # The interpreter's own allocator has pools of 16 KiB for objects of 16, 32, ... 512 bytes; a few of each kind
    # have gaps. Integers of this size take 32 bytes, and bytes 33 more than they hold.
    per_size = 128 << 10
    filling: List[object] = list(range(1 << 40, (1 << 40) + per_size // 32))
    for size in range(48, 513, 16):
        filling.extend(bytes(size - 33) for _ in range(per_size // size))
    return filling


def _serve(library: ctypes.PyDLL) -> Tuple[List[str], List[str]]:
    """Comes back in a strategy's process, with its command line and environment."""
    child = _Child()
    if library.nursery_serve(ctypes.byref(child)) != 0:
        sys.exit("nursery: the library refused to serve")
    lists = (
        _texts(child.arguments, child.arguments_length),
        _texts(child.environment, child.environment_length),
    )
    library.nursery_release()
    return lists


def _renew_streams() -> None:
    """Puts new streams on descriptors 0, 1 and 2, which are the strategy's by now."""
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        old = getattr(sys, name)
        new = open(
            number, mode, encoding=old.encoding, errors=old.errors, closefd=False, buffering=1 if number == 2 else -1
        )
        new.buffer.raw.name = f"<{name}>"
        new.mode = mode
        setattr(sys, name, new)
        setattr(sys, f"__{name}__", new)


def _renew_environment(texts: List[str]) -> None:
    wanted: Dict[str, str] = dict(text.partition("=")[::2] for text in texts)  # type: ignore[misc]
    for name in list(os.environ):
        if name not in wanted:
            del os.environ[name]
    for name, value in wanted.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


def _renew_random_numbers() -> None:
    # The standard library does so by itself for its own.
    numbers = sys.modules.get("numpy.random")
    if numbers is not None:
        numbers.seed()


def _run(code: CodeType, script: str) -> Optional[BaseException]:
    """Runs the script as the interpreter would. Returns what it did not catch itself."""
    main = ModuleType("__main__")
    main.__dict__.update(__file__=script, __builtins__=sys.modules["builtins"], __cached__=None)
    sys.modules["__main__"] = main
    try:
        exec(code, main.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        return error
    return None


def main() -> None:
    path = list(sys.path)
    options = sys.orig_argv.index(sys.argv[0])
    library_path, script, modules = sys.argv[1], sys.argv[2], sys.argv[3:]
    # With -I Python leaves the script's own folder out of the path; the SDK is exactly that folder.
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    library = ctypes.PyDLL(library_path)
    _warm_up(modules)
    sys.path[:] = path
    code = _compiled(script)
    threads = _thread_count()
    if threads != 1:
        sys.exit(f"nursery: {threads} threads are running, and only one may be: {', '.join(modules)}")
    names = sorted({name.partition(".")[0] for name in sys.modules})
    # What is there by now stays; looking through it in each strategy would make it each strategy's own.
    gc.collect()
    _kept.extend(_fill_gaps(library))
    gc.freeze()
    if library.nursery_ready("\n".join(names).encode()) != 0:
        sys.exit("nursery: nobody waits for it")
    arguments, environment = _serve(library)
    _renew_streams()
    _renew_environment(environment)
    _renew_random_numbers()
    sys.orig_argv[:] = arguments
    sys.argv[:] = arguments[options:]
    fault = _run(code if sys.argv[0] == script else _compiled(sys.argv[0]), sys.argv[0])
    if fault is not None:
        trace = fault.__traceback__
        fault.__traceback__ = trace.tb_next if trace else None
        sys.excepthook(type(fault), fault, fault.__traceback__)
        sys.exit(1)


if __name__ == "__main__":
    main()

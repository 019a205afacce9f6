"""Candles that a backtest gives many at a time.

A line has them in columns of text. Only what a strategy reads of a candle is taken out of its column, and all of the column
at once: reading prices one by one would cost more than most strategies do.
"""

from __future__ import annotations

from _collections import _tuplegetter  # type: ignore[import-not-found]
from decimal import Decimal
from functools import partial
from itertools import repeat
from typing import Any, Dict, Iterator, List, Optional, Tuple, Union

from .model import Candle, Message

_LENGTHS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


class Columns:
    """The candles of one series in a batch, by column."""

    __slots__ = ("symbol", "resolution", "length", "count", "_runs", "_texts", "_floats", "_decimals", "_times", "_all")

    def __init__(self, message: Message) -> None:
        self.symbol: str = message["symbol"]
        self.resolution: str = message["resolution"]
        self.length = int(self.resolution[:-1]) * _LENGTHS[self.resolution[-1]]
        self._runs: List[List[int]] = message["times"]
        self.count = sum(run[1] for run in self._runs)
        self._texts: Message = message
        self._floats: Dict[str, List[float]] = {}
        self._decimals: Dict[str, List[Decimal]] = {}
        self._times: List[int] = []
        self._all: Optional[Tuple[List[Any], ...]] = None

    def floats(self, name: str) -> List[float]:
        """A column in floating point."""
        column = self._floats.get(name)
        if column is None:
            column = self._floats[name] = list(map(float, self._texts[name].split()))
        return column

    def decimals(self, name: str) -> List[Decimal]:
        """A column, exactly."""
        column = self._decimals.get(name)
        if column is None:
            column = self._decimals[name] = list(map(Decimal, self._texts[name].split()))
        return column

    def times(self) -> List[int]:
        """When each candle opened."""
        if not self._times:
            length = self.length
            for start, count in self._runs:
                self._times.extend(range(start, start + count * length, length))
        return self._times

    def whole(self, row: int) -> Candle:
        """One candle with all that it has."""
        if self._all is None:
            self._all = (self.times(), *map(self.decimals, ("open", "high", "low", "close", "volume")))
        times, opens, highs, lows, closes, volumes = self._all
        time = times[row]
        return Candle(
            self.symbol,
            self.resolution,
            time,
            time + self.length,
            opens[row],
            highs[row],
            lows[row],
            closes[row],
            volumes[row],
            False,
        )


class Line:
    """One candle in a line of its own, which is cut at its quotation marks when somebody asks for more than its close."""

    __slots__ = ("line", "_parts")

    MARKS = 36
    """So many has a `candle` line as the host writes it, history aside."""
    _PLACES = {"open": 19, "high": 23, "low": 27, "close": 31, "volume": 35}

    def __init__(self, line: bytes) -> None:
        self.line = line
        self._parts: Optional[List[bytes]] = None

    @property
    def parts(self) -> List[bytes]:
        """The line between its quotation marks."""
        parts = self._parts
        if parts is None:
            parts = self._parts = self.line.split(b'"')
        return parts

    @property
    def symbol(self) -> str:
        """The instrument."""
        return str(self.parts[7], "utf-8")

    @property
    def resolution(self) -> str:
        """Such as "1m"."""
        return str(self.parts[11], "ascii")

    @property
    def length(self) -> int:
        """From its open to its close, in milliseconds."""
        return int(self.parts[16][1:-1]) - int(self.parts[14][1:-1])

    def floats(self, name: str) -> List[float]:
        """A number of it in floating point."""
        return [float(self.parts[self._PLACES[name]])]

    def decimals(self, name: str) -> List[Decimal]:
        """A number of it, exactly."""
        return [Decimal(str(self.parts[self._PLACES[name]], "ascii"))]

    def times(self) -> List[int]:
        """When it opened."""
        return [int(self.parts[14][1:-1])]

    def whole(self, row: int) -> Candle:
        """It with all that it has."""
        parts = self.parts
        return Candle(
            self.symbol,
            self.resolution,
            int(parts[14][1:-1]),
            int(parts[16][1:-1]),
            Decimal(str(parts[19], "ascii")),
            Decimal(str(parts[23], "ascii")),
            Decimal(str(parts[27], "ascii")),
            Decimal(str(parts[31], "ascii")),
            Decimal(str(parts[35], "ascii")),
            False,
        )


def _exact(name: str) -> Any:
    def read(self: BatchCandle) -> Decimal:
        return self.columns.decimals(name)[self.row]

    return property(read, doc=getattr(Candle, name).__doc__)


def _rough(name: str) -> Any:
    def read(self: BatchCandle) -> float:
        return self.columns.floats(name)[self.row]

    return property(read, doc=f"`{name}` in floating point.")


class BatchCandle(Candle):
    """A `Candle` that is one row of a batch, or a line of its own. It does what a `Candle` does."""

    __slots__ = ()

    # Read in C; what the rest of Python sees of the tuple is the whole candle.
    columns: Union[Columns, Line] = _tuplegetter(0, "Where it stands.")
    row: int = _tuplegetter(1, "Which row of them it is.")
    number: int = _tuplegetter(2, "Its number in the run.")
    close_float: float = _tuplegetter(3, "`close` in floating point.")

    open = _exact("open")
    high = _exact("high")
    low = _exact("low")
    close = _exact("close")
    volume = _exact("volume")
    open_float = _rough("open")
    high_float = _rough("high")
    low_float = _rough("low")
    volume_float = _rough("volume")
    history = False

    @property
    def symbol(self) -> str:
        """The instrument."""
        return self.columns.symbol

    @property
    def resolution(self) -> str:
        """Such as "1m"."""
        return self.columns.resolution

    @property
    def time(self) -> int:
        """When it opened."""
        return self.columns.times()[self.row]

    @property
    def close_time(self) -> int:
        """When it closed."""
        return self.columns.times()[self.row] + self.columns.length

    def whole(self) -> Candle:
        """The same as a `Candle` of its own."""
        return self.columns.whole(self.row)

    def _asdict(self) -> Dict[str, Any]:
        return self.whole()._asdict()

    def _replace(self, **changes: Any) -> Candle:
        return self.whole()._replace(**changes)

    def __getitem__(self, index: Any) -> Any:
        return self.whole()[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.whole())

    def __len__(self) -> int:
        return len(Candle._fields)

    def __eq__(self, other: object) -> bool:
        return self.whole() == (other.whole() if type(other) is BatchCandle else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.whole())

    def __repr__(self) -> str:
        return repr(self.whole())

    def __reduce__(self) -> Any:
        return (Candle, tuple(self.whole()))


_make = partial(tuple.__new__, BatchCandle)
"""Makes one of the four things that it is in C, past the constructor that takes a whole candle's."""


def line_candle(line: bytes, number: int) -> BatchCandle:
    """The candle of a line, of which the last two strings are the close and the volume."""
    candle: BatchCandle = _make((Line(line), 0, number, float(line.rsplit(b'"', 6)[1])))
    return candle


class Batch:
    """The candles of one line, in order."""

    __slots__ = ("first", "candles", "rest", "is_single")

    def __init__(self, message: Message) -> None:
        self.first: int = message["first"]
        series = [Columns(entry) for entry in message["series"]]
        order = message.get("order")
        numbers = range(self.first, self.first + sum(columns.count for columns in series))
        parts = [zip(repeat(columns), range(columns.count), columns.floats("close")) for columns in series]
        self.candles: List[BatchCandle]
        self.is_single = order is None
        if order is None:
            columns = series[0]
            self.candles = list(
                map(_make, zip(repeat(columns), range(columns.count), numbers, columns.floats("close")))
            )
        else:
            self.candles = []
            for number, entry in zip(numbers, order):
                columns, row, close = next(parts[entry])
                self.candles.append(_make((columns, row, number, close)))
        self.rest = iter(self.candles)
        """Those that were not gone through yet."""

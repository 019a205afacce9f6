"""Strategies that learn, in scikit-learn's words: `fit(X, y)`, `predict(X)`, `score(X, y)`.

    from bullpen.features import Features
    from bullpen.learning import Model
    from sklearn.linear_model import LogisticRegression

    class Riser(Model):
        features = Features().returns(1).returns(5).distance(20).volatility(20)

        def fit(self, X, y):
            self.estimator = LogisticRegression().fit(X, y)

        def predict(self, X):
            return self.estimator.predict_proba(X)[:, 1]

        def wanted(self, prediction):
            return 1 if prediction > 0.52 else 0

The host runs it as any strategy. A row of features is made as each candle closes, from that candle and those before; a
row is learned from only when the candles that its target needs have closed. So nothing looks ahead. Every `refit_every`
candles the model is scored on what it has not seen yet, and then learned anew from the newest `train` rows.
"""

from __future__ import annotations

import math
from collections import deque
from decimal import Decimal
from typing import Any, Deque, List, Optional, Sequence, Tuple

from .features import Features, History
from .model import BullpenError, Candle
from .strategy import Strategy

try:
    import numpy
except ImportError:  # The profile python has none; rows are lists then.
    numpy = None  # type: ignore[assignment]


def rises(before: float, after: float) -> float:
    """A target for classification: 1 when the close was higher `horizon` candles later, else 0."""
    return 1.0 if after > before else 0.0


def change(before: float, after: float) -> float:
    """A target for regression: by what part the close changed within `horizon` candles."""
    return after / before - 1


class Model:
    """A model that trades. Write `fit` and `predict`, and say what is `wanted`; the rest is done for you.

    `horizon`, `train`, `refit_every` and `most_of_equity` may be set in the class, and by parameters of these names,
    so that a search can vary them. `strategy` is the strategy that drives the model, for everything else.
    """

    features: Features = Features().returns(1).returns(5).distance(20).volatility(20)
    horizon: int = 1
    """How many candles ahead the target lies."""
    train: int = 500
    """The most rows that are learned from, the newest."""
    refit_every: int = 100
    """Candles between two fits."""
    minimum: int = 50
    """Fewer rows are not learned from."""
    most_of_equity: Decimal = Decimal("0.2")
    """The part of the equity that a position of 1 costs."""

    def __new__(cls, *arguments: Any, **named: Any) -> Model:
        """Ties the model to its run, so that `__init__` can already read parameters."""
        model = super().__new__(cls)
        model.strategy = ModelStrategy(model)
        return model

    strategy: ModelStrategy

    # The model: override these.

    def fit(self, X: Any, y: Any) -> Any:
        """Learns. X has a row for each sample and a column for each feature; with numpy both are arrays."""
        raise BullpenError(f"{type(self).__name__} needs a method fit(self, X, y)")

    def predict(self, X: Any) -> Any:
        """A prediction for each row of X."""
        raise BullpenError(f"{type(self).__name__} needs a method predict(self, X)")

    def score(self, X: Any, y: Any) -> float:
        """How good the model is on rows that it has not seen; more is better.

        Unless overridden: the part of right answers where every target is 0 or 1 (a prediction above a half is a 1), else
        the coefficient of determination.
        """
        told = [float(value) for value in self.predict(X)]
        truth = [float(value) for value in y]
        if set(truth) <= {0.0, 1.0}:
            return sum((a > 0.5) == (b > 0.5) for a, b in zip(told, truth)) / len(truth)
        mean = sum(truth) / len(truth)
        total = sum((value - mean) ** 2 for value in truth)
        return 1 - sum((a - b) ** 2 for a, b in zip(told, truth)) / total if total else 0.0

    def target(self, before: float, after: float) -> float:
        """What is predicted, from the close at a row and the close `horizon` candles later: `rises`, `change` or yours."""
        return rises(before, after)

    def wanted(self, prediction: Any) -> Optional[float]:
        """What to hold after a prediction: 1 long, 0 nothing, -1 short, or between; None to leave things as they are."""
        return 1 if prediction > 0.5 else 0

    def on_start(self) -> None:
        """Once, before the first candle."""

    def on_prediction(self, prediction: Any, candle: Candle) -> None:
        """Acts on a prediction: holds what is `wanted`. Override it to trade in another way, by `self.strategy`."""
        wanted = self.wanted(prediction)
        if wanted is not None and not self.strategy.open_orders:
            self.strategy.hold(wanted, candle)

    def parameter(self, name: str, default: Any = None) -> Any:
        """As `Strategy.parameter`."""
        return self.strategy.parameter(name, default)

    def log(self, message: object, level: str = "info") -> None:
        """As `Strategy.log`."""
        self.strategy.log(message, level)

    def _bullpen_adapter(self) -> Strategy:
        return self.strategy


class ModelStrategy(Strategy):
    """Drives a model: makes rows, has it learn when it is time, asks it and lets it act."""

    def __init__(self, author: Model) -> None:
        self.author = author

    def on_start(self) -> None:
        """Reads the parameters."""
        author = self.author
        for name in ("horizon", "train", "refit_every", "most_of_equity"):
            setattr(author, name, self.parameter(name, getattr(author, name)))
        if author.horizon < 1 or author.train < 2 or author.refit_every < 1:
            raise BullpenError("horizon and refit_every must be at least 1, train at least 2")
        self.is_fitted = False
        self._history = History(author.features.need)
        self._waiting: Deque[Tuple[List[float], float]] = deque()
        self._rows: Deque[Tuple[List[float], float]] = deque(maxlen=author.train)
        self._unseen: List[Tuple[List[float], float]] = []
        self._since_fit = 0
        author.on_start()

    def on_candle(self, candle: Candle) -> None:
        """Makes a row, learns when it is time, predicts and acts."""
        if candle.symbol != self.symbol or candle.resolution != self.resolution:
            return
        row = self._learned_row(candle)
        if candle.history:
            return
        self._since_fit += 1
        if not self.is_fitted or self._since_fit >= self.author.refit_every:
            self._refit()
        if self.is_fitted and row is not None:
            self.author.on_prediction(self.author.predict(_table([row]))[0], candle)

    def hold(self, part: float, candle: Candle) -> None:
        """Trades towards `part` of `most_of_equity`; a position that has the right sign already is left alone."""
        held = self.position().quantity
        direction = (part > 0) - (part < 0)
        if direction == (held > 0) - (held < 0):
            return
        if held:
            if held > 0:
                self.sell(held, reduce_only=True)
            else:
                self.buy(-held, reduce_only=True)
        if direction:
            money = self.equity * Decimal(str(self.author.most_of_equity)) * Decimal(str(abs(part)))
            quantity = self.fit(money / candle.close)
            if quantity > 0:
                self.order("buy" if direction > 0 else "sell", quantity)

    def _learned_row(self, candle: Candle) -> Optional[List[float]]:
        """The row of this candle, None while there are too few; rows whose target is known by now are kept."""
        self._history.take(candle)
        close = candle.close_float
        row = self.author.features.row(self._history.window()) if self._history.is_full else None
        if row is not None:
            self._waiting.append((row, close))
            if len(self._waiting) > self.author.horizon:
                past, before = self._waiting.popleft()
                sample = (past, float(self.author.target(before, close)))
                self._rows.append(sample)
                if self.is_fitted:
                    self._unseen.append(sample)
        return row

    def _refit(self) -> None:
        samples = list(self._rows)
        if len(samples) < max(self.author.minimum, 2):
            return
        if self._unseen:
            unseen, self._unseen = self._unseen, []
            score = float(self.author.score(_table([x for x, _ in unseen]), _column([y for _, y in unseen])))
            if math.isfinite(score):
                self.metric("out_of_sample_score", score)
        targets = [y for _, y in samples]
        if min(targets) == max(targets):
            return  # nothing to tell apart
        self.author.fit(_table([x for x, _ in samples]), _column(targets))
        self._since_fit = 0
        if not self.is_fitted:
            self.log(f"learned from {len(samples)} rows of {len(self.author.features.names)} features")
        self.is_fitted = True


def _table(rows: List[List[float]]) -> Any:
    return rows if numpy is None else numpy.array(rows, dtype=float)


def _column(values: List[float]) -> Any:
    return values if numpy is None else numpy.array(values, dtype=float)


class Ridge:
    """Linear regression with a little shrinkage, on features in standard units, for profiles without scikit-learn."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha
        self.weights: List[float] = []
        self._means: List[float] = []
        self._spreads: List[float] = []
        self._offset = 0.0

    def fit(self, X: Any, y: Any) -> Ridge:
        """Learns by the normal equations."""
        rows = [[float(value) for value in row] for row in X]
        targets = [float(value) for value in y]
        count, width = len(rows), len(rows[0])
        self._means = [sum(row[i] for row in rows) / count for i in range(width)]
        self._spreads = [
            math.sqrt(sum((row[i] - self._means[i]) ** 2 for row in rows) / count) or 1.0 for i in range(width)
        ]
        self._offset = sum(targets) / count
        units = [self._units(row) for row in rows]
        matrix = [
            [sum(row[i] * row[j] for row in units) + (self.alpha if i == j else 0.0) for j in range(width)]
            + [sum(row[i] * (target - self._offset) for row, target in zip(units, targets))]
            for i in range(width)
        ]
        self.weights = _solve(matrix)
        return self

    def predict(self, X: Any) -> List[float]:
        """A number for each row."""
        return [self._offset + sum(w * x for w, x in zip(self.weights, self._units(row))) for row in X]

    def _units(self, row: Sequence[float]) -> List[float]:
        return [(float(x) - mean) / spread for x, mean, spread in zip(row, self._means, self._spreads)]


def _solve(matrix: List[List[float]]) -> List[float]:
    """Gauss's elimination with pivots, of a matrix with its right side as the last column."""
    size = len(matrix)
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(matrix[row][column]))
        matrix[column], matrix[pivot] = matrix[pivot], matrix[column]
        if matrix[column][column] == 0.0:
            continue  # a feature that says nothing, without shrinkage
        for row in range(size):
            if row != column:
                factor = matrix[row][column] / matrix[column][column]
                for index in range(column, size + 1):
                    matrix[row][index] -= factor * matrix[column][index]
    return [matrix[i][size] / matrix[i][i] if matrix[i][i] else 0.0 for i in range(size)]

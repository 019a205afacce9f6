"""A classifier that is trained on the lookback and again every so often, and asked after each candle."""

from decimal import Decimal
from typing import Optional

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from bullpen import Candle, Strategy
from features import LOOKBACK, describe, examples


class Classifier(Strategy):
    def on_start(self) -> None:
        self.horizon = self.parameter("horizon", 5)
        self.confidence = self.parameter("confidence", 0.52)
        self.learn_every = self.parameter("learn_every", 60)
        self.most_of_equity = self.parameter("most_of_equity", Decimal("0.2"))
        self.model: Optional[Pipeline] = None
        self.since_learning = 0
        self.held_for = 0

    def on_candle(self, candle: Candle) -> None:
        if candle.history:
            return
        self.since_learning += 1
        if self.model is None or self.since_learning >= self.learn_every:
            self.learn()
        if self.model is None:
            return
        row = describe(self.candles(LOOKBACK + 1))
        rise = float(self.model.predict_proba(row)[0][1])
        self.metric("probability_of_a_rise", rise)
        if not self.open_orders:
            self.act(candle, rise)

    def learn(self) -> None:
        """Fits in some ten milliseconds. A larger model: mind the heartbeat, and learn in on_start where possible."""
        rows, rises = examples(self.candles(), self.horizon)
        if len(rows) < 50 or rises.min() == rises.max():
            return  # too little to learn from, or nothing ever happened
        self.model = make_pipeline(StandardScaler(), LogisticRegression(C=0.5)).fit(rows, rises)
        self.since_learning = 0
        self.log(f"learned from {len(rows)} candles, {rises.mean():.0%} of them before a rise")

    def act(self, candle: Candle, rise: float) -> None:
        held = self.position().quantity
        if held > 0:
            self.held_for += 1
            if rise < 0.5 or self.held_for >= 2 * self.horizon:
                self.sell(held, reduce_only=True)
        elif rise >= self.confidence:
            stop = self.stop_loss_price("buy")
            if stop is None:
                return
            most = self.instrument().round_quantity(self.equity * self.most_of_equity / candle.close)
            quantity = min(self.position_size(candle.close - stop), most)
            if quantity * candle.close >= self.instrument().minimum_notional:
                self.held_for = 0
                self.signal("RISE", self.symbol, probability=round(rise, 4))
                self.buy(quantity)

"""A regression in scikit-learn's words: fit, predict and score; the SDK makes the rows and says when to learn."""

from bullpen.features import Features
from bullpen.learning import Model, Ridge, change


class Regression(Model):
    features = Features().returns(1).returns(5).momentum(20).distance(20).rsi(14).volume(20)

    def on_start(self):
        self.edge = self.parameter("edge", 0.0002)
        self.alpha = self.parameter("alpha", 1.0)
        self.direction_down = -1 if self.parameter("shorts", True) and self.strategy.account.kind == "margin" else 0

    def target(self, before, after):
        return change(before, after)

    def fit(self, X, y):
        # With the profile python-scientific: make_pipeline(StandardScaler(), sklearn.linear_model.Ridge(alpha=…))
        self.estimator = Ridge(self.alpha).fit(X, y)

    def predict(self, X):
        return self.estimator.predict(X)

    def wanted(self, prediction):
        """Long above the edge, short below it where shorts are allowed, and flat when the sign turns."""
        held = self.strategy.position().quantity
        if prediction > self.edge:
            return 1
        if prediction < -self.edge:
            return self.direction_down
        return 0 if float(held) * prediction < 0 else None

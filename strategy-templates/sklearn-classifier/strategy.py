"""A classifier in scikit-learn's words; the SDK makes the rows, says when to learn, and scores it on what it has not seen."""

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bullpen.learning import Model, rises
from features import FEATURES


class Classifier(Model):
    features = FEATURES

    def on_start(self):
        self.confidence = float(self.parameter("confidence", 0.52))
        self.strength = float(self.parameter("strength", 0.5))

    def target(self, before, after):
        return rises(before, after)

    def fit(self, X, y):
        self.estimator = make_pipeline(StandardScaler(), LogisticRegression(C=self.strength)).fit(X, y)

    def predict(self, X):
        return self.estimator.predict_proba(X)[:, 1]

    def wanted(self, prediction):
        """Long while a rise is likely enough, and flat once it is the less likely."""
        self.strategy.metric("probability_of_a_rise", float(prediction))
        if prediction >= self.confidence:
            return 1
        return 0 if prediction < 0.5 else None

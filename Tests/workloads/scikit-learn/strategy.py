"""What authors do with scikit-learn: several kinds of models, pipelines, validation, saving, and asking for many jobs."""

import contextlib
import warnings

import joblib
import numpy as np
import sklearn
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.metrics import classification_report
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from bullpen import Candle, Strategy


class Workload(Strategy):
    def on_start(self) -> None:
        warnings.simplefilter("ignore")
        rows, rises = examples(300)
        sklearn.show_versions
        for model in (
            LogisticRegression(), SGDClassifier(), SVC(probability=True), KNeighborsClassifier(),
            RandomForestClassifier(10), GradientBoostingClassifier(n_estimators=5), MLPClassifier((8,), max_iter=20),
        ):
            make_pipeline(StandardScaler(), model).fit(rows, rises).predict(rows)
        HistGradientBoostingRegressor(max_iter=5).fit(rows, rows[:, 0]).predict(rows)
        GaussianProcessRegressor().fit(rows[:50], rows[:50, 0])
        LinearRegression().fit(rows, rows[:, 0]), PCA(2).fit_transform(rows), KMeans(3, n_init=2).fit(rows)
        cross_val_score(LogisticRegression(), rows, rises, cv=TimeSeriesSplit(3))
        GridSearchCV(SVC(), {"C": [0.1, 1.0]}, cv=2).fit(rows, rises)
        classification_report(rises, rises)
        # Asking for more than one process ends in one, and asking for threads in threads.
        with contextlib.suppress(Exception):
            joblib.Parallel(n_jobs=2)(joblib.delayed(abs)(n) for n in range(4))
        joblib.Parallel(n_jobs=2, backend="threading")(joblib.delayed(abs)(n) for n in range(4))
        with contextlib.suppress(Exception):
            RandomForestClassifier(10, n_jobs=2).fit(rows, rises)
        self.model = LogisticRegression().fit(rows, rises)
        joblib.dump(self.model, "/work/model.joblib")
        self.model = joblib.load("/work/model.joblib")

    def on_candle(self, candle: Candle) -> None:
        if not candle.history:
            rise = self.model.predict_proba(np.random.rand(1, 4))[0][1]
            self.metric("probability", round(float(rise), 4))


def examples(count: int):
    rows = np.random.default_rng(1).normal(size=(count, 4))
    return rows, (rows[:, 0] + 0.1 * rows[:, 1] > 0).astype(int)

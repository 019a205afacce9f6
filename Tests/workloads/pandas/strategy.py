"""What authors do with numpy and pandas: frames, rolling windows, groups, resampling, linear algebra, files."""

import contextlib
import io
import threading

import numpy as np
import pandas as pd

from bullpen import Candle, Strategy


class Workload(Strategy):
    def on_start(self) -> None:
        self.closes = []
        arrays()
        frames()
        files()
        worker = threading.Thread(target=arrays)
        worker.start()
        worker.join()

    def on_candle(self, candle: Candle) -> None:
        self.closes.append(float(candle.close))
        if candle.history or len(self.closes) < 20:
            return
        series = pd.Series(self.closes[-100:])
        fast, slow = series.rolling(5).mean().iloc[-1], series.rolling(20).mean().iloc[-1]
        self.metric("spread", round(float(fast - slow), 4))


def arrays() -> None:
    generator = np.random.default_rng()
    matrix = generator.normal(size=(300, 300))
    np.linalg.inv(matrix), np.linalg.svd(matrix[:50]), np.linalg.eigh(matrix @ matrix.T), np.linalg.lstsq(
        matrix, matrix[0], rcond=None)
    np.fft.rfft(matrix[0]), np.sort(matrix, axis=0), np.convolve(matrix[0], np.ones(20) / 20)
    np.random.seed(1), np.random.rand(10)
    large = np.zeros((2000, 2000))
    large += 1
    np.save("/work/matrix.npy", matrix), np.load("/work/matrix.npy", mmap_mode="r").sum()
    np.savez_compressed("/work/matrix.npz", a=matrix), np.load("/work/matrix.npz")["a"]
    matrix.tofile("/work/raw"), np.fromfile("/work/raw"), np.memmap("/work/raw", mode="r+", shape=(10,))[:].sum()


def frames() -> None:
    index = pd.date_range("2026-01-01", periods=5000, freq="min", tz="UTC")
    frame = pd.DataFrame({"close": 100 + np.random.randn(5000).cumsum(), "volume": np.random.rand(5000)}, index=index)
    frame.resample("15min").agg({"close": "ohlc", "volume": "sum"})
    frame["close"].rolling(50).std(), frame["close"].ewm(span=20).mean(), frame["close"].pct_change()
    frame.groupby(frame.index.hour)["close"].mean(), frame.tz_convert("Asia/Kolkata"), frame.describe(), frame.corr()
    frame.merge(frame.shift(1), left_index=True, right_index=True), frame.sort_values("volume").tail(3)
    frame.query("close > 100"), frame.eval("close * volume"), frame.to_string(max_rows=5)
    frame["kind"] = pd.cut(frame["close"], 5)
    frame.pivot_table(index=frame.index.hour, values="close", aggfunc="median")


def files() -> None:
    frame = pd.DataFrame({"a": range(1000), "b": [f"row {n}" for n in range(1000)]})
    frame.to_csv("/work/frame.csv", index=False), pd.read_csv("/work/frame.csv")
    frame.to_csv("/work/frame.csv.gz", index=False), pd.read_csv("/work/frame.csv.gz")
    frame.to_pickle("/work/frame.pickle"), pd.read_pickle("/work/frame.pickle")
    frame.to_json("/work/frame.json"), pd.read_json("/work/frame.json"), pd.read_csv(io.StringIO("a,b\n1,2"))
    with contextlib.suppress(Exception):
        pd.read_csv("https://example.com/prices.csv")
    with contextlib.suppress(Exception):
        frame.to_parquet("/work/frame.parquet")

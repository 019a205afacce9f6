"""The lab job in other people's engines. Prints one line of JSON: bars a second, final equity, fills, peak memory in KiB.

usage: lab_peers.py backtesting|backtrader|vectorbt FILE [COUNT]

What is timed is the run alone: not the start, the imports or reading the file.
"""

import json
import os
import resource
import sys
import time

# Its progress would be read as the result, and costs time.
os.environ["TQDM_DISABLE"] = "1"

import pandas


def read(path, count):
    frame = pandas.read_csv(path, nrows=count)
    frame.index = pandas.to_datetime(frame.pop("timestamp"), unit="s")
    return frame


def with_backtesting(frame):
    from backtesting import Backtest, Strategy

    frame = frame.rename(columns=str.capitalize)

    def mean(values, count):
        return pandas.Series(values).rolling(count).mean()

    class Crossover(Strategy):
        def init(self):
            self.fast = self.I(mean, self.data.Close, 10)
            self.slow = self.I(mean, self.data.Close, 50)

        def next(self):
            if self.fast[-1] > self.slow[-1]:
                if not self.position:
                    self.buy(size=1)
            elif self.position:
                self.position.close()

    job = Backtest(frame, Crossover, cash=1_000_000, commission=0.001)
    begin = time.perf_counter()
    stats = job.run()
    seconds = time.perf_counter() - begin
    return seconds, stats["Equity Final [$]"], 2 * stats["# Trades"]


def with_backtrader(frame):
    import backtrader

    class Crossover(backtrader.Strategy):
        def __init__(self):
            self.fast = backtrader.ind.SMA(period=10)
            self.slow = backtrader.ind.SMA(period=50)
            self.fills = 0

        def notify_order(self, order):
            self.fills += order.status == order.Completed

        def next(self):
            if self.fast[0] > self.slow[0]:
                if not self.position:
                    self.buy(size=1)
            elif self.position:
                self.close()

    engine = backtrader.Cerebro(stdstats=False)
    engine.broker.setcash(1_000_000)
    engine.broker.setcommission(commission=0.001)
    engine.adddata(backtrader.feeds.PandasData(dataname=frame))
    engine.addstrategy(Crossover)
    begin = time.perf_counter()
    strategy = engine.run()[0]
    return time.perf_counter() - begin, engine.broker.getvalue(), strategy.fills


def with_vectorbt(frame):
    import vectorbt

    def run():
        fast = frame.close.rolling(10).mean()
        slow = frame.close.rolling(50).mean()
        above = (fast > slow).shift(1, fill_value=False)
        below = ((fast <= slow) & slow.notna()).shift(1, fill_value=False)
        portfolio = vectorbt.Portfolio.from_signals(
            frame.close, above, below, price=frame.open, size=1, fees=0.001, init_cash=1_000_000, freq="1min"
        )
        return portfolio.final_value(), portfolio.orders.count()

    run()  # compiles
    begin = time.perf_counter()
    value, fills = run()
    return time.perf_counter() - begin, value, fills


ENGINES = {"backtesting": with_backtesting, "backtrader": with_backtrader, "vectorbt": with_vectorbt}

bars = read(sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else None)
duration, equity, fill_count = ENGINES[sys.argv[1]](bars)
print(
    json.dumps(
        {
            "bars_per_second": len(bars) / duration,
            "final_equity": round(float(equity), 4),
            "fills": int(fill_count),
            "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        }
    )
)

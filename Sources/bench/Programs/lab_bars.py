"""Makes the bars of the lab measurements: a seeded random walk of one-minute bars, as CSV.

usage: lab_bars.py FILE [COUNT]

Prices have three digits. With this seed ten times the sum of five closes is never the sum of fifty, so that floating point
cannot change a signal, and the strategy holds nothing at the end.
"""

import math
import random
import sys

START = 1_704_067_200
SEED = 4


def main(path, count):
    source = random.Random(SEED)
    gauss, uniform = source.gauss, source.random
    close = 1000.0
    rows = []
    for _ in range(count):
        opened = close * math.exp(0.00010 * gauss(0, 1))
        close = opened * math.exp(0.00050 * gauss(0, 1))
        high = max(opened, close) * math.exp(abs(0.00020 * gauss(0, 1)))
        low = min(opened, close) * math.exp(-abs(0.00020 * gauss(0, 1)))
        open_mills = round(opened * 1000)
        close = round(close, 3)
        close_mills = round(close * 1000)
        high_mills = max(round(high * 1000), open_mills, close_mills)
        low_mills = min(round(low * 1000), open_mills, close_mills)
        rows.append((open_mills, high_mills, low_mills, close_mills, round(1 + 99 * uniform(), 3)))
    with open(path, "w", encoding="ascii") as file:
        file.write("timestamp,open,high,low,close,volume\n")
        for index, (opened, high, low, closed, volume) in enumerate(rows):
            file.write(
                f"{START + 60 * index},{opened / 1000:.3f},{high / 1000:.3f},{low / 1000:.3f},"
                f"{closed / 1000:.3f},{volume:.3f}\n"
            )


main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 500_000)

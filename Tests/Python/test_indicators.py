"""The indicators, against values that others have worked out."""

import unittest
from decimal import Decimal

import support  # noqa: F401  puts the SDK on the path

from bullpen.indicators import atr, bollinger, ema, rsi, sma, stdev


class Indicators(unittest.TestCase):
    def test_known_values(self):
        values = [Decimal(value) for value in (1, 2, 3, 4, 5)]
        self.assertEqual(sma(values, 5), 3)
        self.assertIsNone(sma(values, 6))
        self.assertEqual(ema(values, 3), 4)
        self.assertEqual(ema([1.0, 2.0, 3.0, 9.0], 3), 5.5)
        self.assertEqual(stdev([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0], 8), 2.0)
        bands = bollinger([Decimal(value) for value in (2, 4, 4, 4, 5, 5, 7, 9)], 8, 1.5)
        self.assertEqual(bands, (Decimal(2), Decimal(5), Decimal(8)))
        self.assertIsNone(atr([], 14))

    def test_rsi_as_wilder_has_it(self):
        # The worked example of StockCharts' ChartSchool, in its rounding.
        closes = [44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826, 45.8931]
        closes += [46.0328, 45.6140, 46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439]
        self.assertAlmostEqual(rsi(closes[:15]), 70.53, places=2)
        self.assertAlmostEqual(rsi(closes[:16]), 66.32, places=2)
        self.assertAlmostEqual(rsi(closes), 57.97, places=0)
        self.assertEqual(rsi([Decimal(1)] * 20), 50)
        self.assertEqual(rsi([float(value) for value in range(20)]), 100)
        self.assertEqual(rsi([float(-value) for value in range(20)]), 0)


if __name__ == "__main__":
    unittest.main()

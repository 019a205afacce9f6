"""The class of the older platform."""

import json
import unittest

import support  # noqa: F401  puts the SDK on the path

from base_strategy import BaseStrategy
from bullpen import BullpenError
from bullpen.testing import Harness


class OlderPlatform(unittest.TestCase):
    def test_history_is_kept_apart_unless_asked_for(self):
        class Old(BaseStrategy):
            def __init__(self):
                self.heard = []

            def on_market_data(self, market_data):
                self.heard.append(market_data)

        class Eager(Old):
            receives_history = True

        for kind, count in ((Old, 1), (Eager, 3)):
            harness = Harness(kind, config={"pair": "BTCUSDT"})
            harness.closes(1, 2, history=True)
            harness.quote(2.5, 3.5)
            harness.closes(3)
            self.assertEqual(len(harness.author.heard), count)
            self.assertEqual([data["close"] for data in harness.author.past_market_data()], [1.0, 2.0])
            self.assertEqual(
                json.loads(json.dumps(harness.author.heard[-1])),
                {
                    "pair": "BTCUSDT",
                    "resolution": "1m",
                    "timestamp": harness.time - 60_000,
                    "open": 2.0,
                    "high": 3.0,
                    "low": 2.0,
                    "close": 3.0,
                    "volume": 1.0,
                    "price": 3.0,
                    "bid": 2.5,
                    "ask": 3.5,
                },
            )

    def test_orders_go_out_as_they_were_asked_for(self):
        harness = Harness(BaseStrategy)
        harness.candle(100)
        harness.author.place_order("BUY", 0.5)
        harness.author.place_order("sell", "0.25", 120, pair="B-BTC_USDT")
        harness.flush()
        self.assertEqual(
            [(order.side, str(order.quantity), order.order_type, order.symbol) for order in harness.orders],
            [("buy", "0.5", "market", "BTCUSDT"), ("sell", "0.25", "limit", "BTCUSDT")],
        )
        with self.assertRaisesRegex(BullpenError, "'BUY' or 'SELL'"):
            harness.author.place_order("HOLD", 1)


if __name__ == "__main__":
    unittest.main()

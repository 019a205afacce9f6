"""What freqtrade trades by while it is tried: it wants to be in the market as long as a file says so."""

import os

from freqtrade.strategy import IStrategy


class Peer(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "1m"
    minimal_roi = {"0": 100}
    stoploss = -0.99
    process_only_new_candles = False
    startup_candle_count = 0
    order_types = {"entry": "market", "exit": "market", "stoploss": "market", "stoploss_on_exchange": False}

    def bot_start(self, **kwargs):
        # ccxt knows Binance's spot errors by the address of the real Binance; on loopback it would not know any.
        for api in (self.dp._exchange._api, self.dp._exchange._api_async):
            known = api.get_exceptions_by_url
            api.get_exceptions_by_url = lambda url, name, known=known: known("https://api.binance.com/", name)

    def populate_indicators(self, dataframe, metadata):
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        dataframe["enter_long"] = int(os.path.exists(os.environ["PEER_FLAG"]))
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        dataframe["exit_long"] = 0
        return dataframe

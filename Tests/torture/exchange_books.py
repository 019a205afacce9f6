"""Compares what the host's journal says with what a simulated exchange's own books say.

The journal is read where a dead host left it, without changing a byte of it. Money is Decimal from text, never a float.
"""

import collections
import decimal
import os
import sqlite3

from books import LIVE, Books
from live_host import demand

Decimal = decimal.Decimal
NEVER_THERE = ("denied", "not_placed", "rejected")


def name_of(order):
    """Our name of an exchange's order. One that took another's place at Binance has a number behind it."""
    return order["client_id"].split("_")[0]


def number_in(name):
    """The order's number in the journal, which our names end with."""
    return int(name.rsplit("-", 1)[1], 36)


def number_there(name):
    """The number that CoinSpot's simulator has for an order, which its ids end with; None of none."""
    return None if name is None else str(int(name[-16:], 16))


class Witness:
    """The exchange's books, gathered piece by piece while it lives."""

    def __init__(self, exchange):
        self.exchange = exchange
        self.last_order = self.last_trade = 0
        self.orders = 0
        self.names = collections.Counter()
        self.trades = {}

    def look(self):
        """What is new since the last look."""
        books = self.exchange.books("?from=%d&after=%d" % (self.last_order + 1, self.last_trade))
        news = {"orders": [], "trades": []}
        for account in books["accounts"]:
            for order in account["orders"]:
                news["orders"].append(order)
                self.last_order = max(self.last_order, order["number"])
                self.names[order["account"], order["client_id"]] += 1
            for trade in account["trades"]:
                trade["account"] = account["account"]
                news["trades"].append(trade)
                self.last_trade = max(self.last_trade, trade["number"])
                self.trades[str(trade["number"])] = trade
        self.orders += len(news["orders"])
        return news

    def figures(self):
        return {"venue_orders": self.orders, "venue_trades": len(self.trades)}


class ExchangeBooks(Books):
    """The journal of a host at rest."""

    def __init__(self, data, venue):
        self.kind = venue
        path = os.path.join(data, "journal.db")
        # Nobody may write the index of the log anew before the next host does. A host that ended well leaves no log.
        how = "mode=ro&readonly_shm=1" if os.path.exists(path + "-wal") else "immutable=1"
        self.desk = sqlite3.connect("file:%s?%s" % (path, how), uri=True)
        self.desk.row_factory = sqlite3.Row
        self.connections = [self.desk]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def has_names(self):
        """Whether the exchange keeps our names of orders."""
        return self.kind != "coinspot"

    @property
    def has_trade_ids(self):
        """Whether the journal's trade ids are the exchange's numbers."""
        return self.kind == "binance"

    # MARK: After each death

    def figures(self):
        def last(table, column):
            return self.desk.execute("SELECT coalesce(max(%s), 0) FROM %s" % (column, table)).fetchone()[0]

        return {"orders": last("desk_orders", "id"), "fills": last("desk_fills", "number")}

    def check_news(self, news, witness):
        """Every order that came to the exchange was in the journal before, as it came, and came once."""
        if not self.has_names:
            return
        for order in news["orders"]:
            demand(
                witness.names[order["account"], order["client_id"]] == 1, "the exchange has order %s %d times",
                order["client_id"], witness.names[order["account"], order["client_id"]])
            name = name_of(order)
            mine = self.desk.execute("SELECT * FROM desk_orders WHERE id = ?", (number_in(name),)).fetchone()
            demand(
                mine is not None and mine["client_id"] == name, "order %s (%s) of the exchange is in no journal",
                order["number"], order["client_id"])
            for field in ("account", "symbol", "side"):
                demand(
                    mine[field] == order[field], "%s of order %s is %s here and %s at the exchange", field, name,
                    mine[field], order[field])

    def check_progress(self, passed):
        """What was written since the last look. Returns up to where it was looked at."""
        last_order, last_fill, last_event = passed
        for row in self.desk.execute("SELECT id, client_id, request, strategy FROM desk_orders WHERE id > ?", (last_order,)):
            demand(number_in(row["client_id"]) == row["id"], "order %d is called %s", row["id"], row["client_id"])
        count, newest = self.desk.execute(
            "SELECT count(*), coalesce(max(id), ?) FROM desk_events WHERE id > ?", (last_event, last_event)).fetchone()
        demand(count == newest - last_event, "%d events were written between %d and %d", count, last_event, newest)
        for row in self.desk.execute("SELECT * FROM desk_fills WHERE number > ?", (last_fill,)):
            demand(not row["is_inferred"], "fill %s was inferred", row["trade"])
            demand(row["strategy"][:8] != "external", "fill %s was booked as nobody's", row["trade"])
        figures = self.figures()
        return figures["orders"], figures["fills"], newest

    def outcomes(self):
        return dict(self.desk.execute("SELECT status, count(*) FROM desk_orders GROUP BY 1 ORDER BY 2 DESC").fetchall())

    # MARK: When everything has come to its end

    def check_everything(self, books, accounts, currency, balance):
        found = [row[0] for row in self.desk.execute("PRAGMA integrity_check")]
        demand(found == ["ok"], "journal.db is damaged: %s", found[:5])
        self.currency = currency
        self.symbols = {row[0] for row in self.desk.execute("SELECT DISTINCT symbol FROM desk_orders")}
        self.check_requests()
        self.check_orders(books)
        self.check_trades(books)
        self.check_ledgers()
        self.check_events()
        self.check_balances(books, accounts, currency, balance)

    def check_requests(self):
        for column in ("client_id", "strategy, request"):
            twice = self.desk.execute(
                "SELECT %s, count(*) FROM desk_orders WHERE request IS NOT NULL GROUP BY %s HAVING count(*) > 1"
                % (column, column)).fetchall()
            demand(not twice, "more than one order of the same %s: %s", column, [tuple(row) for row in twice[:5]])

    def check_orders(self, books):
        """Every order of the exchange is one of ours, every one of ours is there or never was, and both agree."""
        there = collections.defaultdict(list)
        for account in books["accounts"]:
            for order in account["orders"]:
                demand(order["origin"] == "client", "the exchange has order %s by hand", order["number"])
                there[name_of(order) if self.has_names else str(order["number"])].append(order)
        seen = set()
        for mine in self.desk.execute("SELECT * FROM desk_orders"):
            status = mine["status"]
            name = mine["client_id"]
            demand(status not in LIVE, "order %s was left %s (%s)", name, status, mine["reason"])
            demand(mine["amend_quantity"] is None, "order %s was left with a change under way", name)
            key = name if self.has_names else number_there(mine["venue_order_id"])
            versions = there.get(key, []) if key is not None else []
            demand(key is None or key not in seen, "two of our orders are %s at the exchange", key)
            if versions:
                seen.add(key)
            if status in NEVER_THERE:
                demand(not versions, "order %s is %s and stands in the exchange's books: %s", name, status, versions)
                demand(Decimal(mine["filled_quantity"]) == 0, "order %s is %s and has filled", name, status)
                continue
            demand(versions, "order %s is %s, and the exchange never had it", name, status)
            self.check_order(mine, versions)
        strange = set(there) - seen
        demand(not strange, "the exchange has orders that are in no journal: %s", sorted(strange)[:5])

    def check_order(self, mine, versions):
        """One of ours against all that it ever was at the exchange: an order that is changed there may become another."""
        name = mine["client_id"]
        versions.sort(key=lambda order: order["number"])
        for order in versions[:-1]:
            demand(
                order["state"] == "cancelled" and Decimal(order["filled"]) == 0,
                "order %s was replaced by %s and is %s with %s filled", order["client_id"], versions[-1]["client_id"],
                order["state"], order["filled"])
        last = versions[-1]
        demand(
            mine["status"] == last["state"], "order %s is %s here and %s at the exchange (%s)", name, mine["status"],
            last["state"], mine["reason"])
        for field, told in (
            ("filled_quantity", "filled"), ("filled_notional", "filled_quote"), ("quantity", "quantity"), ("price", "price")
        ):
            here, out = (None if value is None else Decimal(value) for value in (mine[field], last.get(told)))
            demand(here == out, "%s of order %s is %s here and %s at the exchange", field, name, here, out)
        for field in ("account", "symbol", "side"):
            demand(mine[field] == last[field], "%s of order %s is %s here and %s there", field, name, mine[field], last[field])

    def check_trades(self, books):
        """Every trade of the exchange is booked once and as it was, and nothing else is."""
        fields = ("price", "quantity", "fee", "fee_currency", "side", "symbol", "time")

        def told(row, name):
            texts = ("fee_currency", "side", "symbol", "time")
            return (name,) + tuple(row[field] if field in texts else Decimal(row[field]) for field in fields)

        names = {row[0]: row for row in self.desk.execute("SELECT id, client_id, venue_order_id FROM desk_orders")}
        here, there = collections.Counter(), collections.Counter()
        ids = collections.Counter()
        for fill in self.desk.execute("SELECT * FROM desk_fills"):
            demand(not fill["is_inferred"], "fill %s was inferred", fill["trade"])
            order = names.get(fill["order_id"])
            demand(order is not None, "fill %s is of no order", fill["trade"])
            here[told(fill, order[1] if self.has_names else number_there(order[2]))] += 1
            ids[fill["account"], fill["symbol"], fill["trade"]] += 1
        for account in books["accounts"]:
            for trade in account["trades"]:
                there[told(trade, name_of(trade) if self.has_names else str(trade["order"]))] += 1
                if self.has_trade_ids:
                    key = (account["account"], trade["symbol"], str(trade["number"]))
                    demand(ids[key] == 1, "trade %s is booked %d times", key, ids[key])
        missing, invented = there - here, here - there
        demand(not missing, "trades of the exchange that are not booked: %s", list(missing.items())[:3])
        demand(not invented, "booked trades that the exchange never made: %s", list(invented.items())[:3])

    def base_currencies(self):
        return {symbol: symbol[: -len(self.currency)] for symbol in self.symbols}

    def check_balances(self, books, accounts, currency, balance):
        """The sub-ledgers of an account add up to what the exchange says it holds, to the last digit."""
        held = collections.defaultdict(Decimal)
        money = collections.defaultdict(Decimal)
        bases = self.base_currencies()
        for row in self.desk.execute("SELECT * FROM desk_ledgers"):
            held[row["account"], bases[row["symbol"]]] += Decimal(row["quantity"])
            money[row["account"]] += Decimal(row["realised"]) - Decimal(row["cost"]) - Decimal(row["fees"])
        for account in books["accounts"]:
            name = account["account"]
            demand(name in accounts, "the exchange has an account %s", name)
            for coin, amounts in account["balances"].items():
                if coin != currency and coin not in bases.values():
                    continue  # The exchange's gift, which nobody here trades.
                total = Decimal(amounts["total"])
                mine = balance + money[name] if coin == currency else held[name, coin]
                demand(total == mine, "account %s has %s %s, the ledgers say %s", name, total, coin, mine)
                demand(Decimal(amounts["locked"]) == 0, "account %s has %s %s locked", name, amounts["locked"], coin)

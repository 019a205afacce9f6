"""Compares what the host's journal says with what the paper venue's own database says.

Both are read from copies of the files at rest, write-ahead logs included, so that the host finds the originals as its
death left them. Money is Decimal from the text in the tables, never a float.
"""

import collections
import decimal
import json
import os
import shutil
import sqlite3

from live_host import Failed, demand

# Products and sums of the longest decimals are exact within this.
decimal.getcontext().prec = 120
Decimal = decimal.Decimal
STEP = Decimal("1e-18")

LIVE = ("pending", "submitted", "open", "partially_filled", "pending_cancel", "unknown")


class Books:
    """Both databases, as they were at one moment of rest."""

    def __init__(self, data, scratch):
        self.connections = []
        self.desk = self._open(data, scratch, "journal.db")
        self.venue = self._open(data, scratch, "paper.db")

    def _open(self, data, scratch, name):
        for path in (name, name + "-wal"):
            target = os.path.join(scratch, path)
            if os.path.exists(target):
                os.remove(target)
            if os.path.exists(os.path.join(data, path)):
                shutil.copyfile(os.path.join(data, path), target)
        for path in (name + "-shm",):
            if os.path.exists(os.path.join(scratch, path)):
                os.remove(os.path.join(scratch, path))
        connection = sqlite3.connect(os.path.join(scratch, name))
        connection.row_factory = sqlite3.Row
        self.connections.append(connection)
        found = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        demand(found == ["ok"], "%s is damaged: %s", name, found[:5])
        return connection

    def close(self):
        for connection in self.connections:
            connection.close()

    # MARK: What is in them

    def has(self, connection, table):
        return bool(connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone())

    def figures(self):
        """How much happened so far."""
        def count(connection, table):
            if not self.has(connection, table):
                return 0
            return connection.execute("SELECT count(*) FROM %s" % table).fetchone()[0]

        return {
            "orders": count(self.desk, "desk_orders"), "fills": count(self.desk, "desk_fills"),
            "events": count(self.desk, "desk_events"), "venue_orders": count(self.venue, "paper_orders"),
            "venue_trades": count(self.venue, "paper_trades"),
        }

    def saved_states(self):
        if not self.has(self.desk, "saved_states"):
            return {}
        return {row[0]: json.loads(row[1]) for row in self.desk.execute("SELECT strategy, state FROM saved_states")}

    def orders_since(self, number):
        """When each order after the one with the number was made, in milliseconds."""
        if not self.has(self.desk, "desk_orders"):
            return []
        return [row[0] for row in self.desk.execute(
            "SELECT created_at FROM desk_orders WHERE id > ? AND status <> 'denied' ORDER BY id", (number,))]

    # MARK: What must hold at every moment

    def check_always(self):
        """What holds whenever the host died."""
        if not (self.has(self.desk, "desk_orders") and self.has(self.venue, "paper_orders")):
            return
        for account, client, count in self.venue.execute(
            "SELECT account, client_id, count(*) FROM paper_orders GROUP BY 1, 2 HAVING count(*) > 1"
        ):
            raise Failed("the venue has order %s on %s %d times" % (client, account, count))
        for client, count in self.desk.execute(
            "SELECT client_id, count(*) FROM desk_orders GROUP BY 1 HAVING count(*) > 1"
        ):
            raise Failed("the journal gave the name %s to %d orders" % (client, count))
        for strategy, request, count in self.desk.execute(
            "SELECT strategy, request, count(*) FROM desk_orders WHERE request IS NOT NULL "
            "GROUP BY 1, 2 HAVING count(*) > 1"
        ):
            raise Failed("request %s of %s became %d orders" % (request, strategy, count))
        self.check_intents()
        self.check_fills(is_complete=False)
        self.check_ledgers()
        self.check_events()

    def check_intents(self):
        """Every order at the venue was in the journal before."""
        first = {}
        for body, time in self.desk.execute("SELECT body, recorded_at FROM desk_events WHERE kind = 'order' ORDER BY id"):
            client = body.split('"client_id":"', 1)[1].split('"', 1)[0]
            first.setdefault(client, time)
        ours = {row["client_id"]: row for row in self.desk.execute("SELECT * FROM desk_orders")}
        for order in self.venue.execute("SELECT * FROM paper_orders"):
            mine = ours.get(order["client_id"])
            demand(
                mine is not None, "venue order P%s (%s) is in no journal", order["number"], order["client_id"])
            for name in ("account", "symbol", "side", "type", "time_in_force"):
                demand(
                    mine[name] == order[name], "%s of order %s is %s here and %s at the venue", name,
                    order["client_id"], mine[name], order[name])
            demand(
                first[order["client_id"]] <= order["created_at"],
                "order %s was at the venue at %s, before it was in the journal at %s", order["client_id"],
                order["created_at"], first[order["client_id"]])
            if mine["venue_order_id"] is not None:
                demand(
                    mine["venue_order_id"] == "P%d" % order["number"],
                    "order %s is %s here and P%s at the venue", order["client_id"], mine["venue_order_id"],
                    order["number"])
        numbers = {"P%d" % row[0] for row in self.venue.execute("SELECT number FROM paper_orders")}
        for order in ours.values():
            if order["venue_order_id"] is not None:
                demand(
                    order["venue_order_id"] in numbers, "order %s is said to be %s, which the venue never had",
                    order["client_id"], order["venue_order_id"])

    def check_fills(self, is_complete):
        """Every fill is a trade of the venue's, told rightly; and in the end every trade is a fill."""
        trades = {"T%d" % row["number"]: row for row in self.venue.execute("SELECT * FROM paper_trades")}
        names = dict(self.desk.execute("SELECT id, client_id FROM desk_orders"))
        booked = collections.Counter()
        for fill in self.desk.execute("SELECT * FROM desk_fills"):
            trade = trades.get(fill["trade"])
            demand(trade is not None, "fill %s is no trade of the venue's", fill["trade"])
            demand(not fill["is_inferred"], "fill %s was inferred", fill["trade"])
            demand(
                names.get(fill["order_id"]) == trade["client_id"], "fill %s is booked on order %s, not on %s",
                fill["trade"], names.get(fill["order_id"]), trade["client_id"])
            for name in ("account", "symbol", "side", "fee_currency", "liquidity", "time"):
                demand(
                    fill[name] == trade[name], "%s of fill %s is %s here and %s at the venue", name,
                    fill["trade"], fill[name], trade[name])
            for name in ("price", "quantity", "fee"):
                demand(
                    Decimal(fill[name]) == Decimal(trade[name]), "%s of fill %s is %s here and %s at the venue",
                    name, fill["trade"], fill[name], trade[name])
            booked[fill["trade"]] += 1
        for trade, count in booked.items():
            demand(count == 1, "trade %s is booked %d times", trade, count)
        if is_complete:
            for trade in trades:
                demand(trade in booked, "trade %s of the venue was never booked", trade)

    def check_ledgers(self):
        """Every ledger is the sum of its fills, and every order has filled what its fills say."""
        sums = collections.defaultdict(lambda: [Decimal(0), Decimal(0), Decimal(0)])
        filled = collections.defaultdict(lambda: [Decimal(0), Decimal(0)])
        bases = self.base_currencies()
        for fill in self.desk.execute("SELECT * FROM desk_fills"):
            sign = 1 if fill["side"] == "buy" else -1
            quantity, price, fee = (Decimal(fill[name]) for name in ("quantity", "price", "fee"))
            notional = (price * quantity).quantize(STEP, decimal.ROUND_HALF_EVEN)
            total = sums[fill["strategy"], fill["account"], fill["symbol"]]
            total[0] += sign * quantity
            total[1] += sign * notional
            if fill["fee_currency"] == bases.get(fill["symbol"]):
                worth = (price * fee).quantize(STEP, decimal.ROUND_HALF_EVEN)
                total[0] -= fee
                total[1] -= worth
                total[2] += worth
            else:
                total[2] += fee
            filled[fill["order_id"]][0] += quantity
            filled[fill["order_id"]][1] += notional
        seen = set()
        for row in self.desk.execute("SELECT * FROM desk_ledgers"):
            key = (row["strategy"], row["account"], row["symbol"])
            seen.add(key)
            for name, here, there in (
                ("position", Decimal(row["quantity"]), sums[key][0]),
                ("cost less profit", Decimal(row["cost"]) - Decimal(row["realised"]), sums[key][1]),
                ("fees", Decimal(row["fees"]), sums[key][2]),
            ):
                demand(here == there, "%s of %s on %s in %s is %s, but its fills come to %s", name, *key, here, there)
        for key in sums:
            demand(key in seen, "%s on %s in %s has fills and no ledger", *key)
        for order in self.desk.execute("SELECT id, client_id, filled_quantity, filled_notional FROM desk_orders"):
            demand(
                Decimal(order["filled_quantity"]) == filled[order["id"]][0]
                and Decimal(order["filled_notional"]) == filled[order["id"]][1],
                "order %s says %s filled for %s, its fills say %s for %s", order["client_id"],
                order["filled_quantity"], order["filled_notional"], *filled[order["id"]])

    def base_currencies(self):
        return {
            row[0]: row[0].split("@")[0][: -len(row[1])] for row in self.venue.execute(
                "SELECT DISTINCT symbol, currency FROM paper_orders JOIN paper_accounts ON id = account")
        }

    def check_events(self):
        """The events are without gap, and what they come to is what the tables say."""
        count, last = self.desk.execute("SELECT count(*), coalesce(max(id), 0) FROM desk_events").fetchone()
        demand(count == last, "desk_events has %d rows and its last number is %d", count, last)
        told = collections.Counter()
        orders = {}
        ended = {}
        for kind, body in self.desk.execute("SELECT kind, body FROM desk_events WHERE kind IN ('order', 'fill') ORDER BY id"):
            event = json.loads(body)
            if kind == "fill":
                told[event["account"], event["symbol"], event["trade"]] += 1
                continue
            number = event["id"]
            if number in orders:
                demand(
                    Decimal(event["filled_quantity"]) >= Decimal(orders[number]["filled_quantity"]),
                    "the fill of order %s fell", event["client_id"])
            if event["status"] not in LIVE:
                ended[number] = event["status"]
            elif number in ended:
                raise Failed("order %s was %s and is %s again" % (event["client_id"], ended[number], event["status"]))
            orders[number] = event
        for key, times in told.items():
            demand(times == 1, "fill %s was journaled %d times", key[2], times)
        rows = 0
        for row in self.desk.execute("SELECT * FROM desk_orders"):
            rows += 1
            event = orders.get(row["id"])
            demand(event is not None, "order %s has no event", row["client_id"])
            for name in ("status", "filled_quantity", "quantity", "price", "venue_order_id", "cancel_wanted"):
                demand(
                    event.get(name) == row[name], "%s of order %s is %s in its row and %s in its last event", name,
                    row["client_id"], row[name], event.get(name))
        demand(rows == len(orders), "there are events of %d orders and rows of %d", len(orders), rows)
        fills = self.desk.execute("SELECT count(*) FROM desk_fills").fetchone()[0]
        demand(fills == len(told), "there are events of %d fills and rows of %d", len(told), fills)

    # MARK: What must hold in the end

    def check_in_the_end(self, balances):
        """What holds when every strategy was stopped with its orders cancelled and the host ended in good order."""
        self.check_always()
        self.check_fills(is_complete=True)
        self.check_states()
        self.check_holdings(balances)

    def check_states(self):
        there = {row["client_id"]: row for row in self.venue.execute("SELECT * FROM paper_orders")}
        for order in self.desk.execute("SELECT * FROM desk_orders"):
            name, status = order["client_id"], order["status"]
            demand(status not in LIVE, "order %s was left %s", name, status)
            demand(order["amend_quantity"] is None, "order %s was left with a change under way", name)
            venue = there.get(name)
            if venue is None:
                demand(
                    status in ("denied", "not_placed", "rejected"), "order %s is %s, and the venue never had it",
                    name, status)
                demand(Decimal(order["filled_quantity"]) == 0, "order %s filled and the venue never had it", name)
                continue
            demand(
                status == venue["state"], "order %s is %s here and %s at the venue (%s)", name, status, venue["state"],
                order["reason"])
            if status != "rejected":
                for field in ("quantity", "price", "filled_quantity", "filled_notional"):
                    here, told = (None if row[field] is None else Decimal(row[field]) for row in (order, venue))
                    demand(here == told, "%s of order %s is %s here and %s at the venue", field, name, here, told)

    def check_holdings(self, balances):
        """The sub-ledgers of an account add up to what the venue says it holds, to the last digit."""
        held = collections.defaultdict(Decimal)
        money = collections.defaultdict(Decimal)
        bases = self.base_currencies()
        for row in self.desk.execute("SELECT * FROM desk_ledgers"):
            held[row["account"], row["symbol"]] += Decimal(row["quantity"])
            money[row["account"]] += Decimal(row["realised"]) - Decimal(row["cost"]) - Decimal(row["fees"])
        for account, start in balances.items():
            kind, currency = self.venue.execute(
                "SELECT kind, currency FROM paper_accounts WHERE id = ?", (account,)).fetchone()
            totals = {
                row[0]: Decimal(row[1]) for row in self.venue.execute(
                    "SELECT currency, total FROM paper_balances WHERE account = ?", (account,))
            }
            symbols = [symbol for place, symbol in held if place == account]
            if kind == "spot":
                for symbol in symbols:
                    demand(
                        held[account, symbol] == totals.get(bases[symbol], 0),
                        "account %s holds %s of %s, the ledgers say %s", account, totals.get(bases[symbol]), symbol,
                        held[account, symbol])
                demand(
                    totals[currency] == start + money[account], "account %s has %s %s, the ledgers say %s", account,
                    totals[currency], currency, start + money[account])
                continue
            brought = Decimal(0)
            for row in self.venue.execute("SELECT * FROM paper_positions WHERE account = ?", (account,)):
                demand(
                    held[account, row["symbol"]] == Decimal(row["quantity"]),
                    "account %s holds %s of %s, the ledgers say %s", account, row["quantity"], row["symbol"],
                    held[account, row["symbol"]])
                brought += Decimal(row["realised"]) - Decimal(row["fees"])
                money[account] += Decimal(row["cost"]) - Decimal(row["realised"]) + Decimal(row["fees"])
            demand(money[account] == 0, "the money of account %s differs by %s from its ledgers'", account, money[account])
            demand(
                totals[currency] == start + brought, "account %s has %s %s, its positions say %s", account,
                totals[currency], currency, start + brought)

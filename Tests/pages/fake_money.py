"""What the pretended host says of money: positions, brackets, orders, halts and limits."""

from decimal import Decimal

from fake_strategy import now, text


def answer(handler, parts, method):
    """Status and body; None for what is not about money."""
    tell = {"brackets": brackets, "positions": positions, "halt": halts, "resume": halts, "limits": limits, "orders": story}.get(parts[0])
    return tell and tell(handler, parts, method)


def brackets(handler, parts, method):
    if method == "GET":
        return 200, handler.page(one for strategy in handler.visible() for one in strategy.brackets if one["status"] in ("waiting", "held", "triggered"))
    for strategy in handler.visible():
        for one in strategy.brackets:
            if one["id"] == parts[1]:
                one.update(status="cancelled", reason="cancelled by " + handler.me["name"], updated_at=now())
                return 200, one
    return None


def positions(handler, parts, method):
    if parts == ["positions"]:
        return 200, handler.page(one.position() for one in handler.visible() if one.account and one.quantity)
    if parts == ["positions", "orders"]:
        return 200, handler.page(order for one in handler.visible() for order in reversed(one.orders) if order["status"] in ("open", "partially_filled", "pending", "unknown"))
    sums = [{"strategy": one.id, "symbol": one.pair, "currency": "INR" if one.pair.endswith("INR") else "USDT", "realised_pnl": text(one.realised), "unrealised_pnl": text(one.unrealised), "fees": text(one.fees)} for one in handler.visible() if one.account]
    def add(key):
        groups = {}
        for one in sums:
            group = groups.setdefault((one.get(key), one["currency"]), {key: one.get(key), "currency": one["currency"], "realised_pnl": Decimal(0), "unrealised_pnl": Decimal(0), "fees": Decimal(0)})
            for name in ("realised_pnl", "unrealised_pnl", "fees"):
                group[name] += Decimal(one[name])
        return [{name: str(value) if isinstance(value, Decimal) else value for name, value in group.items() if name} for group in groups.values()]
    return 200, {"total": add(""), "by_strategy": add("strategy"), "by_symbol": add("symbol")}


def halts(handler, parts, method):
    world = handler.world
    if method == "POST":
        if not handler.is_operator:
            raise handler.refusal(403, "not_allowed", "Only an operator may do this.")
        scope = handler.given().get("scope", "all")
        world.halts = [one for one in world.halts if one["scope"] != scope]
        world.closings = []
        if parts == ["halt"]:
            world.halts.append({"scope": scope, "reason": handler.given().get("reason"), "by": handler.me["name"], "since": now()})
            if handler.given().get("flatten"):
                world.closings = [{"account": "paper", "venue": "paper", "symbol": "BTCUSDT", "strategy": "grid-btc", "began": now()}]
        world.note(handler.me["name"], parts[0], scope, handler.given())
        world.tell("halt", world.halt_view())
    return 200, world.halt_view()


def limits(handler, parts, method):
    world = handler.world
    if parts[1:] == ["peak"]:
        for one in world.limits["drawdowns"]:
            if one["scope"] == handler.given()["scope"]:
                one.update(peak=one["equity"], fallen="0", fraction="0", since=now())
        return 200, world.limits
    if method == "PATCH":
        for group, changes in handler.given().items():
            targets = [(world.limits["global"], changes)] if group == "global" else [(world.limits[group].setdefault(name, {}), values) for name, values in changes.items()]
            for target, values in targets:
                if values.get("leverage") and Decimal(values["leverage"]) < 1:
                    raise handler.refusal(400, "invalid_value", "leverage is at least 1", "leverage")
                target.update(values)
        world.note(handler.me["name"], "limits.change", "limits", handler.given())
    return 200, world.limits


def story(handler, parts, method):
    """What became of one order, for operators."""
    if parts[2:] != ["story"]:
        return None
    handler.demand_operator()
    name = parts[1]
    orders = [one for strategy in handler.world.strategies.values() for one in strategy.orders]
    order = next((one for one in orders if one["id"] == name), None)
    if order is None:
        return 404, {"error": {"code": "not_found", "message": f'there is no order "{name}"'}}
    at = order["created_at"]
    lines = [
        (0, "strategy", "asked", "asks to buy, as its request 1", None),
        (0, "risk", "allowed", "allowed", None),
        (2, "journal", "recorded", "written down as pending, before anything leaves", {"client_id": "bp-1", "written_at": at + 1}),
        (3, "request", "sent", "POST /api/v3/order", {"parameters": "symbol=BTCUSDT&side=BUY", "attempt": 1}),
        (45, "answer", "answered", "answered 200", {"status": 200, "text": "{\"orderId\":28}", "bytes": 14, "cut": False, "took_us": 42100, "attempt": 1}),
    ]
    entries = [{"time": at + late, "source": source, "kind": kind, "text": text, "details": details} for late, source, kind, text, details in lines]
    return 200, {"order": order, "account": "paper", "venue": "paper", "client_id": "bp-1", "venue_order": "28", "origin": "strategy", "summary": "open", "unknown_since": None, "questions": {"count": 0, "last": None}, "entries": entries, "left_out": 0, "lost": 0}

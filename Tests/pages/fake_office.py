"""What the pretended host says of what an operator sets up: feeds, accounts, keys, tokens and users; and of itself."""

import random
import re

from fake_strategy import now

PROFILES = [
    {"name": "python", "description": "Python 3.11 with its standard library", "available": True, "problems": [], "details": {"memory_mb": 512, "cpu_share": "0.5", "processes": 32}},
    {"name": "python-scientific", "description": "Python 3.11 with numpy, pandas and scikit-learn", "available": True, "problems": [], "details": {"memory_mb": 512, "packages": ["numpy 1.26.4", "pandas 2.2.2", "scikit-learn 1.5.1"]}},
    {"name": "native", "description": "A built ELF program", "available": False, "problems": ["Landlock is missing in this kernel: boot with lsm=landlock"], "details": {"memory_mb": 512}}]
CHECKS = [
    {"name": "user namespaces", "state": "ok", "detail": "may be made by this user", "remedy": None},
    {"name": "seccomp", "state": "ok", "detail": "filters and notifications, libseccomp 2.5.4", "remedy": None},
    {"name": "landlock", "state": "missing", "detail": "this kernel does not offer it", "remedy": "Boot with lsm=landlock,… on the kernel command line; the profile native needs it."},
    {"name": "cgroup memory", "state": "ok", "detail": "v1, /sys/fs/cgroup/memory is writable", "remedy": None},
    {"name": "clock", "state": "warning", "detail": "not synchronised by NTP", "remedy": "Install and start systemd-timesyncd."}]


def answer(handler, parts, method):
    """Status and body; None for what is not of these."""
    tell = {"feeds": things, "accounts": things, "credentials": credentials, "tokens": tokens, "users": users, "audit": audit}.get(parts[0])
    if tell:
        return tell(handler, parts, method)
    items = {"reconciliation": (), "profiles": PROFILES, "doctor": CHECKS}.get("/".join(parts))
    return None if items is None else (200, handler.page(items))


def things(handler, parts, method):
    """Feeds and accounts."""
    world, name = handler.world, parts[0]
    things = getattr(world, name)
    if method == "GET":
        return 200, handler.page(things)
    given = handler.given()
    if method == "POST":
        if not re.fullmatch("[a-z0-9-]+", given.get("id", "")):
            raise handler.refusal(400, "invalid_value", "an id has lower-case letters, digits and dashes", "id")
        settings = {key: value for key, value in given.items() if key not in ("id", "kind", "currency", "balance", "leverage", "symbol")}
        thing = {"id": given["id"], "kind": given["kind"], "settings": settings, "symbols": [given.get("symbol", "BTCUSDT")], "running": False, "last_event": None, "fault": None} if name == "feeds" else {**things[0], "id": given["id"], "kind": given["kind"], "currency": given["currency"], "equity": given["balance"], "available": given["balance"], "leverage": given.get("leverage", "1"), "balances": [{"currency": given["currency"], "total": given["balance"], "available": given["balance"]}]}
        things.append(thing)
    else:
        thing = next(one for one in things if one["id"] == parts[1])
        thing["settings"].update(given)
    world.note(handler.me["name"], name + ".change", given.get("id") or parts[1], given)
    return 200, thing


def credentials(handler, parts, method):
    world = handler.world
    mine = [one for one in world.credentials if handler.is_operator or one["owner"] == handler.me["name"]]
    if method == "GET":
        return 200, handler.page(mine)
    if len(parts) > 1:
        one = next(one for one in mine if one["id"] == parts[1])
        if method == "DELETE":
            world.credentials.remove(one)
            return 200, {}
        given = handler.given()
        if method == "PATCH":
            one.update(given)
            return 200, one
        if parts[2] == "rotate":
            one.update(key=given["api_key"][:4] + "…" + given["api_key"][-4:], rotated_at=now(), warnings=[])
        one["test"] = {**one["test"], "time": now()}
        return 200, one
    given = handler.given()
    if given["api_key"].startswith("bad"):
        raise handler.refusal(400, "invalid_field", "api_key: the venue does not take this key: -2015 invalid API-key", "api_key")
    one = world.credential(len(world.credentials) + 1, handler.me["name"], given["venue"], given.get("environment", "testnet"), given.get("account"), key=given["api_key"][:4] + "…" + given["api_key"][-4:])
    world.credentials.append(one)
    return 201, one


def tokens(handler, parts, method):
    world = handler.world
    if method == "GET":
        return 200, handler.page(world.tokens)
    if method == "DELETE":
        world.tokens = [one for one in world.tokens if one["id"] != parts[1]]
        return 200, {}
    given = handler.given()
    token = {"id": f"tok-{len(world.tokens) + 1}", "name": given["name"], "created_at": now(), "last_used_at": None, "expires_at": now() + 86400000 * given["expires_in_days"] if given.get("expires_in_days") else None}
    world.tokens.append(token)
    return 201, {"id": token["id"], "token": "bp_" + f"{random.getrandbits(240):060x}"}


def users(handler, parts, method):
    handler.demand_operator()
    world = handler.world
    if method == "GET":
        return 200, handler.page(world.users)
    given = handler.given()
    if len(parts) == 1:
        if any(one["name"] == given["name"] for one in world.users):
            raise handler.refusal(409, "exists", "There is a user of this name already.", "name")
        if len(given["password"]) < 10:
            raise handler.refusal(400, "weak_password", "A password has at least 10 characters.", "password")
        world.users.append({"name": given["name"], "role": given["role"], "disabled": False, "created_at": now()})
        return 201, world.users[-1]
    user = next(one for one in world.users if one["name"] == parts[1])
    if parts[2] in ("disable", "enable"):
        user["disabled"] = parts[2] == "disable"
    return 200, user


def audit(handler, parts, method):
    handler.demand_operator()
    head = {"record": str(len(handler.world.audit)), "hash": "5f" * 32}
    return 200, {**handler.page(handler.world.audit), "head": head}

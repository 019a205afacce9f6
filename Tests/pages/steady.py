"""Whether pages stand still while they load: on a phone and on a desk, over a network slow enough that every state is seen."""

from browser import PageError

SIZES = {"phone": (390, 844, False, True), "desk": (1280, 800, False, False)}
BOUND = 0.1
"""Cumulative layout shift, the sum of how much was moved how far; below this counts as good (web.dev/cls)."""
SLOW = {"offline": False, "latency": 100, "downloadThroughput": 500_000, "uploadThroughput": 250_000}
FAST = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
LOADED = "document.querySelector('main h1') && !document.querySelector('main .skeleton, .halt-place[aria-busy]')"


def watch(at, addresses):
    """Opens each page anew in both sizes. One that jumps is an error that names it and what moved."""
    browser = at.browser
    browser.call("Network.emulateNetworkConditions", **SLOW)
    worst = (0, "none of them")
    for size, look in SIZES.items():
        browser.look(*look)
        for address in addresses:
            jumped, moved = measured(at, address)
            if jumped > BOUND:
                raise PageError(f"{address} jumps by {jumped:.3f} on a {size} while it loads: {moved}")
            worst = max(worst, (jumped, f"{address} on a {size}"))
    browser.call("Network.emulateNetworkConditions", **FAST)
    at.step("nothing jumps, most %.3f at %s" % (worst[0], worst[1].replace("/", ".")))


def measured(at, address):
    """How much the page jumps while it loads, and what moved most."""
    browser = at.browser
    browser.open("about:blank")
    at.go(address)
    browser.until(lambda: browser.script(f"Boolean({LOADED})"), f"{address} to load", at.patience)
    # What comes after the last answer is drawn within two frames.
    browser.script("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 200))))")
    jumps = browser.script("window.jumps.splice(0)")
    biggest = max(jumps, key=lambda one: one["size"], default={"what": ""})
    return sum(one["size"] for one in jumps), biggest["what"]

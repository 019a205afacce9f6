"""What the model sees of each candle. No number looks ahead: the last of a window is the candle that has just closed."""

from bullpen.features import Features, Window


def body(window: Window) -> float:
    """From open to close, as a part of the way from low to high; below nought when it fell."""
    way = window.high[-1] - window.low[-1]
    return (window.close[-1] - window.open[-1]) / way if way else 0.0


FEATURES = Features().returns(1).momentum(5).momentum(20).distance(20).span().volume(20).add("body", 1, body)

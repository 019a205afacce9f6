"""Waits."""

from bullpen import Strategy


class Idle(Strategy):
    pass

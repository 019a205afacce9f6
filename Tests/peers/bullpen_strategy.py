"""What the host trades by while it is tried: from a signal on it wants to be in the market, as freqtrade's does."""

from bullpen import Strategy


class Peer(Strategy):
    def on_start(self):
        self.wants = False
        self.timer("look", 5, repeat=True)

    def on_signal(self, signal):
        self.wants = True
        self.look()

    def on_timer(self, timer_id):
        self.look()

    def look(self):
        if self.wants and self.position().is_flat and not self.open_orders:
            self.buy("0.001")

    def on_order(self, order):
        self.log(f"{order.status} {order.filled_quantity} {order.reason or ''}")

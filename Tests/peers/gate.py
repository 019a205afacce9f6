"""A way to the simulator that can be shut: what S3 needs, a connection refused before anything is sent."""

import socket
import threading
import time

from live_host import free_port


class Gate:
    """Hands bytes on between a port of its own and the simulator's."""

    def __init__(self, port):
        self.behind = port
        self.opened = []
        self.lock = threading.Lock()
        self.trigger = None
        self.shut_seconds = 0
        self.shut_at = []
        self.port = free_port()
        self.listener = None
        self._open()

    def _open(self):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        self.listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self.behind))
            except OSError:
                return
            pair = {"near": near, "far": far, "is_stream": False, "waits": False}
            with self.lock:
                self.opened.append(pair)
            threading.Thread(target=self._pump, args=(pair, "near", "far"), daemon=True).start()
            threading.Thread(target=self._pump, args=(pair, "far", "near"), daemon=True).start()

    def _pump(self, pair, source, target):
        try:
            while True:
                data = pair[source].recv(65536)
                if not data:
                    break
                if source == "near":
                    if b"pgrade: websocket" in data:
                        pair["is_stream"] = True
                    if self.trigger and self.trigger in data:
                        self.trigger = None
                        pair["waits"] = True
                pair[target].sendall(data)
                if source == "far" and pair["waits"]:
                    pair["waits"] = False
                    self.shut(self.shut_seconds)
        except OSError:
            pass  # Shut, or the other side went.
        close(pair)

    def shut_after(self, trigger, seconds):
        """Shuts it once a request that holds these bytes has been answered."""
        self.shut_seconds = seconds
        self.trigger = trigger

    def shut(self, seconds):
        """Refuses connections for so long and ends those for requests; streams live on."""
        self.shut_at.append(time.time())
        # To wake whoever accepts, or the kernel goes on taking connections for it.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            gone = [pair for pair in self.opened if not pair["is_stream"]]
            self.opened = [pair for pair in self.opened if pair["is_stream"]]
        for pair in gone:
            close(pair)
        timer = threading.Timer(seconds, self._open)
        timer.daemon = True
        timer.start()


def close(pair):
    for name in ("near", "far"):
        try:
            pair[name].shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # Not connected any more.
        pair[name].close()

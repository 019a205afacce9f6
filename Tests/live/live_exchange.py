"""A simulated exchange, `bullpen simulate`, as a process of its own: the torture, the peers and the walks trade there.

Import it with this folder on the path.
"""

import json
import os
import signal
import subprocess
import tempfile
import urllib.request

from live_host import STAGE, demand, until


class LiveExchange:
    """One exchange on a port of its own. In a `with` it lives from the beginning to the end.

    venue      which one it behaves like
    stage      the installation, by default that of the debug build
    arguments  more words of its command line
    folder     where it writes down what it says; a new file in /tmp, if nobody wants to read that
    """

    def __init__(self, venue="binance", stage=STAGE, arguments=(), folder=None):
        self.output = open(os.path.join(folder, "exchange.txt"), "w+b") if folder else tempfile.TemporaryFile()
        program = os.path.join(os.path.realpath(stage), "bin", "bullpen")
        self.process = subprocess.Popen(
            [program, "simulate", venue, "--port", "0", "--json", *arguments], stdin=subprocess.DEVNULL, stdout=self.output,
            stderr=self.output, start_new_session=True)
        told = json.loads(self._first_line())
        self.address, self.control = told["address"], told["control"]
        self.port = int(self.address.rsplit(":", 1)[1])

    def _first_line(self):
        def lines():
            said = os.pread(self.output.fileno(), 1 << 16, 0).decode("utf-8", "replace")
            demand(self.lives or "\n" in said, "the exchange did not start: %s", said)
            return said.split("\n")[:-1]

        return until(lines, 60, lambda: "the exchange does not say where it is", pause=0.01)[0]

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.end()

    @property
    def lives(self):
        return self.process.poll() is None

    def ask(self, method, path, body=None):
        """What its control answers: "/books", "/faults" and so on; "" is the exchange itself."""
        demand(self.lives, "the exchange has ended by itself with %s", self.process.returncode)
        request = urllib.request.Request(
            self.control + path, method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
            return json.load(answer)

    def books(self, query=""):
        return self.ask("GET", "/books" + query)

    def end(self):
        if self.lives:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.output.close()

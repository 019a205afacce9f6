"""A headless Chromium, driven by the DevTools protocol over a WebSocket. Standard library only."""

import base64
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import urllib.request


class PageError(AssertionError):
    """The page did not do what was expected."""


class Socket:
    """The client side of one WebSocket (RFC 6455)."""

    def __init__(self, url):
        host, _, path = url.removeprefix("ws://").partition("/")
        name, _, port = host.partition(":")
        self.socket = socket.create_connection((name, int(port)), timeout=60)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self.buffer += self.socket.recv(65536)
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise PageError(f"no WebSocket: {head[:80]!r}")

    def take(self, count):
        while len(self.buffer) < count:
            more = self.socket.recv(1 << 20)
            if not more:
                raise PageError("the browser closed the connection")
            self.buffer += more
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def send(self, text):
        data = text.encode()
        mask = os.urandom(4)
        size = len(data)
        head = b"\x81" + (bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size) if size < 65536 else b"\xff" + struct.pack(">Q", size))
        whole = int.from_bytes(data, "big") ^ int.from_bytes((mask * (size // 4 + 1))[:size], "big") if size else 0
        self.socket.sendall(head + mask + whole.to_bytes(size, "big"))

    def receive(self):
        message = b""
        while True:
            first, second = self.take(2)
            size = second & 0x7F
            if size == 126:
                size = struct.unpack(">H", self.take(2))[0]
            elif size == 127:
                size = struct.unpack(">Q", self.take(8))[0]
            data = self.take(size)
            if first & 0x0F == 8:
                raise PageError("the browser closed the connection")
            if first & 0x0F in (0, 1):
                message += data
                if first & 0x80:
                    return message.decode()


class Browser:
    """One browser with one tab. Use it in a `with`; what it wrote to its console is in `complaints`."""

    def __init__(self, width=1440, height=900, dark=False, phone=False):
        program = next((found for found in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if found), None)
        if not program:
            raise FileNotFoundError("no chromium here: apt-get install chromium")
        self.folder = tempfile.mkdtemp(prefix="bullpen-pages-")
        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-port=0", "--no-first-run",
             "--disable-dev-shm-usage", "--disable-extensions", "--force-color-profile=srgb", "--lang=en-US",
             f"--user-data-dir={self.folder}", f"--window-size={width},{height}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        self.number = 0
        self.complaints = []
        self.allowed = []
        self.expected_status = set()
        port_file = pathlib.Path(self.folder, "DevToolsActivePort")
        self.until(lambda: port_file.exists() and "\n" in port_file.read_text(), "the browser's debugging port")
        port = port_file.read_text().split("\n")[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=30) as answer:
            target = next(one for one in json.load(answer) if one["type"] == "page")
        self.socket = Socket(target["webSocketDebuggerUrl"])
        for domain in ("Page", "Runtime", "Log", "DOM", "Network"):
            self.call(domain + ".enable")
        self.call("Page.addScriptToEvaluateOnNewDocument", source="""
            window.jumps = [];
            new PerformanceObserver((list) => {
                for (const one of list.getEntries()) {
                    // Rows that make room for one that came live are news, and what a user does moves what it should.
                    const isNews = one.sources.length > 0 && one.sources.every(({ node }) => (node?.closest ? node : node?.parentElement)?.closest('tbody'));
                    if (!one.hadRecentInput && !isNews) window.jumps.push({
                        size: one.value, what: one.sources.map((source) => source.node?.parentElement?.className + '/' + (source.node?.className ?? source.node?.nodeName)).join(', ') });
                }
            }).observe({ type: 'layout-shift', buffered: true });""")
        self.look(width, height, dark, phone)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def look(self, width, height, dark=False, phone=False):
        """Sets the size of the window, light or dark, and whether it is a phone."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2 if phone else 1, mobile=phone)
        self.call("Emulation.setTouchEmulationEnabled", enabled=phone)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def until(self, holds, what, seconds=20):
        """Waits until `holds()` is true; what never comes is an error that names it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = holds()
            if value:
                return value
            time.sleep(0.05)
        raise PageError(f"waited {seconds} s in vain for {what}")

    def call(self, method, **parameters):
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.receive())
            if message.get("id") == self.number:
                if "error" in message:
                    raise PageError(f"{method}: {message['error']['message']}")
                return message["result"]
            self.notice(message)

    def notice(self, message):
        method, data = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = data["exceptionDetails"]
            self.complaints.append("exception: " + details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and data["type"] in ("error", "assert"):
            self.complaints.append("console: " + " ".join(str(one.get("value", one.get("description"))) for one in data["args"]))
        elif method == "Log.entryAdded" and data["entry"]["level"] in ("error", "warning"):
            entry = data["entry"]
            words = entry["text"] + " " + entry.get("url", "")
            if not any(f"status of {status}" in words for status in self.expected_status):
                self.complaints.append("log: " + words)

    def script(self, source):
        """Runs JavaScript, awaits it and returns its value."""
        result = self.call("Runtime.evaluate", expression=source, awaitPromise=True, returnByValue=True, userGesture=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise PageError(details.get("exception", {}).get("description", details["text"]))
        return result["result"].get("value")

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.until(lambda: self.script("document.readyState === 'complete'"), f"{url} to load")

    def find(self, selector, words=None, seconds=20, scroll=False):
        """Waits until something visible matches `selector` and holds `words`; returns its middle."""
        source = """(() => {
            const words = %s;
            const found = [...document.querySelectorAll(%s)].reverse().find((one) => one.checkVisibility({ visibilityProperty: true }) &&
                (words === null || one.textContent.includes(words) || (one.getAttribute('aria-label') ?? '').includes(words)));
            if (!found) return null;
            if (%s) found.scrollIntoView({ block: 'center', inline: 'nearest' });
            const box = found.getBoundingClientRect();
            return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
        })()""" % (json.dumps(words), json.dumps(selector), json.dumps(scroll))
        return self.until(lambda: self.script(source), f"{selector} {words or ''}", seconds)

    def click(self, selector, words=None):
        place = self.find(selector, words, scroll=True)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=place["x"], y=place["y"], button="left", clickCount=1)

    def fill(self, label, value):
        """Types into the field with this label, over what was there."""
        source = """(() => {
            const label = [...document.querySelectorAll('label')].reverse().find((one) => one.textContent.includes(%s) && one.htmlFor);
            const input = label && document.getElementById(label.htmlFor);
            if (!input) return false;
            input.focus();
            if (input.select) input.select();
            return true;
        })()""" % json.dumps(label)
        self.until(lambda: self.script(source), f"a field called {label}")
        self.call("Input.insertText", text=value)

    def press(self, key, **more):
        codes = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowDown": 40}
        typed = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=codes.get(key, ord(key.upper()[0])), **(typed if kind == "keyDown" else {}), **more)

    def choose_file(self, selector, path):
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(path)])

    def gone(self, selector, words=None, seconds=20):
        source = "![...document.querySelectorAll(%s)].some((one) => one.checkVisibility() && (%s === null || one.textContent.includes(%s)))" % (
            json.dumps(selector), json.dumps(words), json.dumps(words))
        self.until(lambda: self.script(source), f"{selector} {words or ''} to go", seconds)

    def shoot(self, path, whole=False):
        """Writes what is seen as PNG."""
        path = pathlib.Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.script("document.fonts.ready.then(() => new Promise((done) => setTimeout(done, 350)))")
        picture = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(picture["data"]))

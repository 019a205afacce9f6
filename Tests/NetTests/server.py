"""A server for the tests of the HTTP client. Prints its port, then answers until it is killed."""

import http.server
import sys
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self, body, status=200, kind="text/plain"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def any(self):
        length = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(length)
        parts = self.path.split("/")
        if parts[1] == "status":
            self.answer(b"", status=int(parts[2]))
        elif parts[1] == "bytes":
            self.answer(b"x" * int(parts[2]))
        elif parts[1] == "silence":
            threading.Event().wait()
        elif parts[1] == "echo":
            head = f"{self.command} {self.headers.get('X-Test')} {self.headers.get('Content-Type')} "
            self.answer(head.encode() + sent)
        elif parts[1] == "events":
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            for number in range(1, 4):
                self.wfile.write(f"id: {number}\ndata: {number}\n\n".encode())
                self.wfile.flush()
            threading.Event().wait()
        else:
            self.answer(f"{self.command} {self.path}".encode())

    do_GET = do_POST = do_PATCH = do_DELETE = any


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


server = Server(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
sys.stdout.close()
server.serve_forever()

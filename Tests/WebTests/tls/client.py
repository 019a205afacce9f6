"""Talks to a server over TLS as the test says: prints what comes back, one line for each request."""

import socket
import ssl
import sys

port, certificate = int(sys.argv[1]), sys.argv[2]
context = ssl.create_default_context(cafile=certificate)
context.set_alpn_protocols(["h2", "http/1.1"])


def connect():
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=10), server_hostname="localhost")


def response(stream):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += stream.read(1)
    fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:-2])
    return head.split(b"\r\n")[0].decode(), fields, stream.read(int(fields[b"content-length"]))


client = connect()
stream = client.makefile("rb")
print(client.selected_alpn_protocol(), client.version())
client.sendall(b"GET /fast HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3)
for _ in range(3):
    line, fields, body = response(stream)
    print(line, body.decode(), "HSTS" if b"strict-transport-security" in fields else "")
upload = bytes(3_000_000)
client.sendall(b"POST /large HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(upload) + upload)
print(response(stream)[2].decode())
client.sendall(b"GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n")
print("large" if len(response(stream)[2]) > 1 << 20 else "small")
client.sendall(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n" + bytes(2000))
print(response(stream)[0])
plain = socket.create_connection(("127.0.0.1", port), timeout=10)
plain.sendall(b"GET /fast HTTP/1.1\r\nHost: localhost\r\n\r\n")
try:
    print("plain got", plain.recv(100)[:8])
except ConnectionResetError:
    print("plain got b''")

"""A WebSocket server for the tests of the client, on Python's standard library and sockets: it writes every frame itself,
so that it can write wrong ones. Prints its port, then serves until it is killed. The path says what it does.

Usage: websocket_server.py [certificate key]
"""

import base64
import hashlib
import os
import socket
import struct
import sys
import threading

# With -I Python leaves the script's own folder out of the path; and nothing compiled is to lie among the tests.
sys.path.append(os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

from connections import serve  # noqa: E402

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def frame(opcode, payload=b"", final=True, length=None, extra=0):
    """A server's frame. `length` lies about the payload's; `extra` sets reserved bits."""
    size = len(payload) if length is None else length
    head = bytes([(0x80 if final else 0) | extra | opcode])
    if size < 126:
        head += bytes([size])
    elif size < 1 << 16:
        head += b"\x7e" + struct.pack(">H", size)
    else:
        head += b"\x7f" + struct.pack(">Q", size)
    return head + payload


def read_frame(stream):
    head = stream.read(2)
    if len(head) < 2:
        return None
    opcode, size = head[0] & 15, head[1] & 127
    if size == 126:
        size = struct.unpack(">H", stream.read(2))[0]
    elif size == 127:
        size = struct.unpack(">Q", stream.read(8))[0]
    if not head[1] & 0x80:
        return ("unmasked", b"")
    mask = stream.read(4)
    data = stream.read(size)
    return opcode, bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))


def closing(stream, connection):
    """Answers a close, and says what else came."""
    while True:
        got = read_frame(stream)
        if got is None:
            return
        if got[0] == CLOSE:
            connection.sendall(frame(CLOSE, got[1]))
            return


def behave(path, headers, stream, connection):
    kind, *rest = path.split("?")[0].strip("/").split("/")
    if kind == "echo":
        while True:
            got = read_frame(stream)
            if got is None:
                return
            opcode, data = got
            if opcode == CLOSE:
                connection.sendall(frame(CLOSE, data))
                return
            connection.sendall(frame(PONG if opcode == PING else opcode, data))
    elif kind == "headers":
        connection.sendall(frame(TEXT, "\n".join(f"{k}: {v}" for k, v in headers.items()).encode()))
        closing(stream, connection)
    elif kind == "fragments":
        # A ping between the pieces is allowed (RFC 6455, 5.4).
        connection.sendall(frame(TEXT, b"one ", final=False) + frame(0, b"two ", final=False))
        connection.sendall(frame(PING, b"between"))
        connection.sendall(frame(0, b"three"))
        closing(stream, connection)
    elif kind == "bytes":
        connection.sendall(frame(BINARY, b"x" * int(rest[0])))
        closing(stream, connection)
    elif kind == "pieces":
        size = int(rest[0])
        connection.sendall(frame(BINARY, b"x" * (size // 2), final=False))
        connection.sendall(frame(0, b"x" * (size - size // 2)))
        closing(stream, connection)
    elif kind == "huge":
        connection.sendall(frame(BINARY, b"x" * 100_000, length=1 << 62))
        closing(stream, connection)
    elif kind == "endless":
        # A message without end, in pieces that are each small.
        connection.sendall(frame(TEXT, b"x" * 1000, final=False))
        while True:
            connection.sendall(frame(0, b"x" * 1000, final=False))
    elif kind == "truncated":
        connection.sendall(frame(TEXT, b"only this", length=100))
    elif kind == "reset":
        connection.sendall(frame(TEXT, b"before"))
        read_frame(stream)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif kind == "silent":
        # Open, and nothing more: not even pongs.
        threading.Event().wait()
    elif kind == "pongs":
        # Alive, but without a message.
        while True:
            got = read_frame(stream)
            if got is None:
                return
            if got[0] == PING:
                connection.sendall(frame(PONG, got[1]))
    elif kind == "ping":
        connection.sendall(frame(PING, b"are you there"))
        opcode, data = read_frame(stream)
        connection.sendall(frame(TEXT, f"{opcode} {data.decode()}".encode()))
        closing(stream, connection)
    elif kind == "close":
        code = struct.pack(">H", int(rest[0])) + rest[1].encode() if rest else b""
        connection.sendall(frame(CLOSE, code))
        read_frame(stream)
    elif kind == "drop":
        return
    elif kind == "compressed":
        connection.sendall(frame(TEXT, b"not what it seems", extra=0x40))
        closing(stream, connection)
    elif kind == "bad-text":
        connection.sendall(frame(TEXT, b"\xff\xfe"))
        closing(stream, connection)
    elif kind == "ignores-close":
        connection.sendall(frame(TEXT, b"hello"))
        threading.Event().wait()
    elif kind == "count":
        total = 0
        while True:
            got = read_frame(stream)
            if got is None or got[0] == CLOSE:
                connection.sendall(frame(CLOSE, got[1]) if got else b"")
                return
            total += len(got[1])
            if got[1].endswith(b"end"):
                connection.sendall(frame(TEXT, str(total).encode()))


def serve_one(connection, stream):
    request = stream.readline().decode().split(" ")
    headers = {}
    while (line := stream.readline().decode().strip()):
        name, _, value = line.partition(":")
        headers[name.strip()] = value.strip()
    path = request[1]
    if path.startswith("/deny/"):
        connection.sendall(f"HTTP/1.1 {path[6:]} No\r\nContent-Length: 0\r\n\r\n".encode())
    elif path.startswith("/never"):
        threading.Event().wait()
    elif path.startswith("/redirect"):
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /echo\r\nContent-Length: 0\r\n\r\n")
    else:
        key = {name.lower(): value for name, value in headers.items()}["sec-websocket-key"]
        accept = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        if path.startswith("/wrong-accept"):
            accept = b"x" * 20
        connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + base64.b64encode(accept) + b"\r\n\r\n"
        )
        behave(path, headers, stream, connection)


serve(serve_one)

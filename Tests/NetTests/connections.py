"""How a server of these tests takes connections: each in a thread, with TLS where a certificate and its key are given.

Prints its port, then serves until it is killed.
"""

import os
import socket
import ssl
import sys
import threading


def serve(behave, is_prompt=False):
    """Calls `behave(connection, stream)` for each connection. `is_prompt` sends every piece at once."""
    context = None
    if len(sys.argv) == 3:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    print(listener.getsockname()[1], flush=True)
    sys.stdout.close()
    while True:
        accepted, _ = listener.accept()
        if is_prompt:
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=take, args=(behave, context, accepted), daemon=True).start()


def take(behave, context, connection):
    try:
        if context:
            connection = context.wrap_socket(connection, server_side=True)
        stream = connection.makefile("rb")
        behave(connection, stream)
        # The socket itself goes only when its file object is gone, too.
        stream.close()
    except (OSError, ValueError, KeyError, TypeError, IndexError) as fault:
        if os.environ.get("TRACE"):
            print(repr(fault), file=sys.stderr)
    finally:
        try:
            connection.close()
        except OSError:
            pass

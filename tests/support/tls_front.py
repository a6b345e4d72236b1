"""TLS in front of a plain port of this host: `python -m tests.support.tls_front PORT PLAIN_PORT CHAIN KEY`.

A Redis from a wheel has no TLS. After SIGHUP, new connections get the certificate that is in the file then.
"""

import contextlib
import signal
import socket
import socketserver
import ssl
import sys
import threading


def tls_front(address: tuple[str, int], port: int, context: ssl.SSLContext) -> socketserver.ThreadingTCPServer:
    """Return a server that passes the data of its TLS connections to a plain port, each in a thread."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            # A client that rejects the certificate ends the handshake; other clients disconnect while they wait.
            with (
                contextlib.suppress(OSError),
                context.wrap_socket(self.request, server_side=True) as near,
                socket.create_connection(("127.0.0.1", port)) as far,
            ):
                threading.Thread(target=_pump, args=(far, near), daemon=True).start()
                _pump(near, far)

    server = socketserver.ThreadingTCPServer(address, Handler)
    server.daemon_threads = True
    return server


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while octets := source.recv(65536):
            target.sendall(octets)
        target.shutdown(socket.SHUT_RDWR)


def main(port: str, plain_port: str, chain: str, key: str) -> None:
    """Serve until the end of the process."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    signal.signal(signal.SIGHUP, lambda *_: context.load_cert_chain(chain, key))
    with tls_front(("0.0.0.0", int(port)), int(plain_port), context) as server:
        server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A Redis that is reached by a port, over TLS, or through a Sentinel."""

import contextlib
import datetime
import ipaddress
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gonemaster_tasks.broker.embedded import EmbeddedRedis, find_server
from tests.support.tls_front import tls_front
from tests.support.workers import ROOT, wait_until

_LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """Return a port without a listener."""
    with socket.create_server((_LOOPBACK, 0)) as server:
        return int(server.getsockname()[1])


def documented_rules(password: str) -> list[str]:
    """Return the rules of `ACL SETUSER gonemaster` in the how-to."""
    page = (ROOT / "docs/howto/logins.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^    ACL SETUSER gonemaster (.*)$", page, re.MULTILINE)
    return ["reset", *line.replace("PASSWORD", password).split()]


@contextmanager
def redis_on_port(directory: Path) -> Iterator[int]:
    """Serve on a port of the loopback interface."""
    server, port = EmbeddedRedis(directory), free_port()
    plain = server.command
    server.command = lambda: [*plain(), "--bind", _LOOPBACK, "--port", str(port)]  # type: ignore[method-assign]
    server.start()
    try:
        yield port
    finally:
        server.stop()


@contextmanager
def sentinel(
    directory: Path, master_port: int, master_name: str, *, also: str = "", password: str | None = None
) -> Iterator[int]:
    """Start a Sentinel that knows the master. `also` is added to its configuration, `password` is its password."""
    port = free_port()
    configuration = directory / "sentinel.conf"
    configuration.write_text(
        f"bind {_LOOPBACK}\nport {port}\ndir {directory}\nsentinel monitor {master_name} {_LOOPBACK} {master_port} 1\n"
        + also
    )
    process = subprocess.Popen([find_server(), configuration, "--sentinel"], stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: _answers(port, password), what="the Sentinel")
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _answers(port: int, password: str | None) -> bool:
    with contextlib.closing(redis.Redis(_LOOPBACK, port, password=password)) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False


@contextmanager
def tls_in_front_of(port: int, directory: Path) -> Iterator[tuple[int, Path]]:
    """Serve a plain port over TLS; yield the port and the certificate, which is its own authority."""
    certificate, key = _certificate(directory)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    with tls_front((_LOOPBACK, 0), port, context) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1], certificate
        finally:
            server.shutdown()
            thread.join()


def _certificate(directory: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "redis of a test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(_LOOPBACK))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = directory / "certificate.pem", directory / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths

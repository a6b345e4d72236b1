"""The hosts of a PostgreSQL cluster in a connection string such as `host=a,b port=5432,5433`."""

from typing import Any

from sqlalchemy.pool import ConnectionPoolEntry

_HOST_PORT = "gonemaster_host_port"
HostPort = tuple[str, str]  # host and port


class Hosts:
    """The known primary of a cluster: new connections try it first, and try a host that has lost a connection last.

    libpq tries the hosts in the order of the string. Each silent host before the primary costs every new connection a
    full timeout, and each standby before it costs a login.
    """

    def __init__(self) -> None:
        self._primary: HostPort | None = None
        self._suspect: HostPort | None = None

    def try_primary_first(self, _dialect: object, _record: object, _args: object, options: dict[str, Any]) -> None:
        """Move the last primary to the front of the hosts before a connection is opened."""
        hosts = str(options.get("host", "")).split(",")
        if len(hosts) < 2 or "hostaddr" in options:
            return
        ports = str(options.get("port", "")).split(",")
        ports = ports * len(hosts) if len(ports) == 1 else ports  # A single port applies to all hosts.
        host_ports = sorted(zip(hosts, ports, strict=True), key=self._rank)
        options["host"] = ",".join(host for host, _ in host_ports)
        options["port"] = ",".join(port for _, port in host_ports)

    def record_primary(self, raw: Any, record: ConnectionPoolEntry) -> None:
        """Store the host of a new connection as the primary."""
        host_port = (str(raw.info.host), str(raw.info.port))
        self._primary = record.info[_HOST_PORT] = host_port
        if self._suspect == host_port:
            self._suspect = None

    def record_loss(self, _raw: object, record: ConnectionPoolEntry, error: BaseException | None) -> None:
        """Remember the host of a lost connection: if it is silent, each new connection would first wait for it."""
        if error is not None:
            self._suspect = record.info.get(_HOST_PORT)

    def _rank(self, host_port: HostPort) -> int:
        return 2 if _is(host_port, self._suspect) else 0 if _is(host_port, self._primary) else 1


def _is(host_port: HostPort, known: HostPort | None) -> bool:
    return known is not None and host_port[0] == known[0] and host_port[1] in ("", known[1])

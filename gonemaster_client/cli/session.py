"""What every command gets: the client of the server, and the output."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gonemaster_client.cli.configuration import server_url, token_for
from gonemaster_client.cli.output import Output
from gonemaster_client.cli.progress import Bar
from gonemaster_client.errors import ClientError

if TYPE_CHECKING:
    import argparse

    from gonemaster_client.transports import Client

_CSV_COMMANDS = ("runs.entries",)


@dataclass
class Session:
    """The context of a command. The client connects when it is first used."""

    options: argparse.Namespace
    output: Output

    @property
    def server(self) -> str:
        """Return the URL of the server."""
        return server_url(self.options.server)

    @cached_property
    def client(self) -> Client:
        """Return the client of the server."""
        return self.client_with(token_for(self.server, self.options.token))

    def client_with(self, token: str) -> Client:
        """Return a client with a token."""
        from gonemaster_client.retries import Retries
        from gonemaster_client.transports import Client

        return Client(
            self.server,
            token=token,
            headers=dict(self.options.header),
            timeout_s=self.options.timeout,
            retries=Retries(self.options.retries),
        )

    def close(self) -> None:
        """Close the connections, if there are any."""
        if "client" in vars(self):
            self.client.close()

    def bar(self, label: str, *, unit: str = "") -> Bar:
        """Return a progress bar for people; programs that read JSON need none."""
        return Bar(label, unit=unit, is_wanted=self.output.is_pretty, has_color=not self.options.no_color)

    def finished(self, document: Any) -> Any:
        """Wait for an operation that the server has started for a large change, and return its result.

        Raises:
            ClientError: the operation failed.
        """
        from gonemaster_client.calls import service

        if not {"kind", "attempts", "result"} <= document.keys():
            return document
        with self.bar(document["kind"]) as bar:
            while document["status"] not in ("succeeded", "failed"):
                bar.show(document["done"], document["total"])
                bar.pause()
                document = self.client.send(service.operation(document["id"]))
        if document["status"] == "failed":
            raise ClientError(f"operation {document['id']} failed: {document['error']}")
        return document["result"] or document


@contextmanager
def open_session(options: argparse.Namespace) -> Iterator[Session]:
    """Open the output, and close it and the client at the end.

    Raises:
        ValueError: the command has no CSV.
    """
    if options.format == "csv" and options.run not in _CSV_COMMANDS:
        raise ValueError("only 'entries query' has --format csv; allowed here: pretty, json, json-stream")
    with ExitStack() as stack:
        stream = sys.stdout
        if options.output:
            stream = stack.enter_context(Path(options.output).open("w", encoding="utf-8", newline=""))
        session = Session(options, Output(stream, options.format, has_color=not options.no_color))
        stack.callback(session.close)
        yield session
        stream.flush()

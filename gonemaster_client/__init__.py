"""Client of the gonemaster service: submit tests, follow them, and read results, synchronously or with asyncio.

A function of `calls` describes a request; `Client` and `AsyncClient` send it:

    from gonemaster_client import Client
    from gonemaster_client.calls import jobs, runs

    with Client("http://localhost:8080") as client:
        job = client.send(jobs.create(domain="example.com"))
        for event in client.events(jobs.events(job["id"])):
            print(event.kind, event.data)
        for run in client.each(runs.search(domain_exact="example.com")):
            print(run["finished_at"], run["grade"])
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gonemaster_client.version import __version__

if TYPE_CHECKING:
    from gonemaster_client.errors import ClientError
    from gonemaster_client.retries import Retries
    from gonemaster_client.transports import AsyncClient, Client

__all__ = ["AsyncClient", "Client", "ClientError", "Retries", "__version__"]

_HOMES = {"AsyncClient": "transports", "Client": "transports", "ClientError": "errors", "Retries": "retries"}


def __getattr__(name: str) -> Any:
    # The command starts without httpx, which takes a tenth of a second to import.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

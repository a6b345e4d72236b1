"""The network of the name servers of the demo. It counts as global in the processes of the demo, and in no others."""

import runpy

from gonemaster_engine.addresses import count_as_global

NETWORK = "127.16.0.0/12"


def run(module: str) -> None:
    """Run a program of the service in this process, for which the network is global."""
    count_as_global(NETWORK)
    runpy.run_module(module, run_name="__main__")

"""The program `gonemaster-mcp`."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence

from gonemaster_engine.version import __version__

_DEFAULT_URL = "http://localhost:8080"
_ENVIRONMENT = f"""\
environment:
  GONEMASTER_URL              URL of the server (default {_DEFAULT_URL})
  GONEMASTER_TOKEN            token of the API, if the server needs one
  GONEMASTER_MCP_ALLOW_WRITE  1: offer tools that submit and cancel batches and jobs
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    parser = argparse.ArgumentParser(
        prog="gonemaster-mcp",
        description="Serve gonemaster's tools to a language model over standard input and output (MCP).",
        epilog=_ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-v", "--version", action="version", version=f"gonemaster-mcp {__version__}")
    parser.parse_args(arguments)
    try:
        from gonemaster_api.mcp.stdio import serve
    except ModuleNotFoundError as error:
        sys.stderr.write(f"gonemaster-mcp needs the module {error.name}: pip install 'gonemaster[mcp]'\n")
        return 2
    url = os.environ.get("GONEMASTER_URL", "").rstrip("/").removesuffix("/api/v1") or _DEFAULT_URL
    allow_write = os.environ.get("GONEMASTER_MCP_ALLOW_WRITE") == "1"
    try:
        asyncio.run(serve(url, os.environ.get("GONEMASTER_TOKEN", ""), allow_write=allow_write))
    except KeyboardInterrupt:
        return 130
    return 0

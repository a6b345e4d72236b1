"""Entry point for `python -m gonemaster_api.server`, which runs the command `gonemaster-server`."""

import sys

from gonemaster_engine.memory import without_collections

with without_collections():
    from gonemaster_api.server.cli import main

sys.exit(main())

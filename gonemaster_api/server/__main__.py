"""`python -m gonemaster_api.server`: the command `gonemaster-server`."""

import sys

from gonemaster_api.server.cli import main

sys.exit(main())

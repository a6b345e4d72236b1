"""`python -m gonemaster_engine.cli`: the command `gonemaster`."""

import sys

from gonemaster_engine.cli.main import main

sys.exit(main())

"""`python -m gonemaster_client`."""

import sys

from gonemaster_client.cli.main import main

if __name__ == "__main__":
    sys.exit(main())

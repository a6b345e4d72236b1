"""`python -m gonemaster_tasks.notify`: the receiver of NOTIFY messages."""

import sys

from gonemaster_tasks.notify.listener import main

sys.exit(main())

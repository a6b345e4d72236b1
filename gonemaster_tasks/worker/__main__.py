"""`python -m gonemaster_tasks.worker`: one worker process."""

import sys

from gonemaster_tasks.worker.main import main

sys.exit(main())

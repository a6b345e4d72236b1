"""`python -m gonemaster_tasks.worker`: a worker process."""

import sys

from gonemaster_engine.memory import without_collections

with without_collections():
    from gonemaster_tasks.worker.main import main

sys.exit(main())

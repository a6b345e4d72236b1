"""`python -m gonemaster_tasks.worker`: a worker process, or (`--isolated`) the process of one of its jobs."""

import sys

from gonemaster_engine.memory import without_collections

if "--isolated" in sys.argv[1:]:  # Checked before importing the whole worker, which takes three times as long.
    with without_collections():
        from gonemaster_tasks.worker.execute import isolated_run

    sys.exit(isolated_run.main())

with without_collections():
    from gonemaster_tasks.worker.main import main

sys.exit(main())

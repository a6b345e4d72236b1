"""`python -m gonemaster_tasks.worker`: one worker process, or (`--isolated`) the process of one of its jobs."""

import sys

from gonemaster_engine.memory import without_collections

if "--isolated" in sys.argv[1:]:  # before the imports of a whole worker, which take three times as long
    with without_collections():
        from gonemaster_tasks.worker.execute import isolated_run

    sys.exit(isolated_run.main())

with without_collections():
    from gonemaster_tasks.worker.main import main

sys.exit(main())

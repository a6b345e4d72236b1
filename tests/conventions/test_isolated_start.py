"""The process of one job starts without the modules that only a whole worker needs."""

import json
import subprocess
import sys

HEAVY = {"celery", "kombu", "redis", "sqlalchemy", "alembic", "psycopg2", "flask"}
LOOK = """
import json, sys
import gonemaster_tasks.worker.execute.isolated_run
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_the_process_of_a_job_imports_the_engine_and_neither_queue_nor_store() -> None:
    done = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, check=True)
    imported = set(json.loads(done.stdout))
    assert "gonemaster_engine" in imported
    assert not imported & HEAVY

"""Project, capture or reduce, and die during the work: `killed_work DRIVER DSN WORK SNAPSHOT CALLS [FOLDER]`.

WORK is project, capture or reduce; FOLDER is the one with the files of the analysis.

The process kills itself at the given call of its clock; most calls are made within transactions. A reduction has no
clock: it ends before the given commit. The process exits normally if there are fewer calls or commits.
"""

import os
import signal
import sys
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import cast

from sqlalchemy import event
from sqlalchemy.orm import Session

from gonemaster_db.analysis import capture
from gonemaster_db.analysis.reduction.steps import find_reductions
from gonemaster_db.analysis.row_views import source
from gonemaster_db.core.session import open_store
from gonemaster_db.core.settings import Driver, StoreSettings
from gonemaster_tasks.maintenance import reduction
from gonemaster_tasks.maintenance.projection import projector
from tests.support.analysis.storages import file_storage
from tests.support.rows import NOON


def main() -> None:
    driver, dsn, what, snapshot, calls, *folder = sys.argv[1:]
    store = open_store(StoreSettings(driver=cast("Driver", driver), dsn=dsn))
    numbers = count(1)
    began = NOON + timedelta(hours=int(calls))  # the previously killed process has lost its lease

    def now() -> datetime:
        if next(numbers) == int(calls):
            os.kill(os.getpid(), signal.SIGKILL)
        return began

    if what == "reduce":
        event.listen(Session, "before_commit", lambda _: now())
        with store.read_only() as session:
            due = find_reductions(session, coverage=80)
        for work in due:
            reduction.reduce_batch(store, work, lambda: False, 2)
    elif what == "project":
        projector.RUNS_AT_A_TIME = 2
        projector.Projector().project(store, floor="NOTICE", now=now)
    else:
        source.SLICE = 2
        files = file_storage(Path(folder[0])) if folder else None
        capture.materialise(store, int(snapshot), now=now, files=files)


if __name__ == "__main__":
    main()

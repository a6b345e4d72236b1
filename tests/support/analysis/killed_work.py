"""Project or capture, and die during the work: `killed_work DRIVER DSN project|capture SNAPSHOT CALLS [FOLDER]`.

The process kills itself at the given call of its clock; most calls are made within transactions. It exits normally if
the clock is called less often.
"""

import os
import signal
import sys
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import cast

from gonemaster_db.analysis import capture, row_views
from gonemaster_db.core.session import open_store
from gonemaster_db.core.settings import Driver, StoreSettings
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

    if what == "project":
        projector.RUNS_AT_A_TIME = 2
        projector.Projector().project(store, floor="NOTICE", now=now)
    else:
        row_views.SLICE = 2
        files = file_storage(Path(folder[0])) if folder else None
        capture.materialise(store, int(snapshot), now=now, files=files)


if __name__ == "__main__":
    main()

"""Project into files or compact them, and die during the work: `killed_columns DRIVER DSN WHAT FOLDER CALLS`.

WHAT is project or compact. The process kills itself at the given call of its clock; it exits normally if the clock is
called less often.
"""

import os
import signal
import sys
from datetime import datetime, timedelta
from itertools import count
from typing import cast

from gonemaster_db.analysis.columns.location import location
from gonemaster_db.core.session import open_store
from gonemaster_db.core.settings import Driver, StoreSettings
from gonemaster_tasks.maintenance.files import compact_files
from gonemaster_tasks.maintenance.projection import columns
from tests.support.rows import NOON


def main() -> None:
    driver, dsn, what, folder, calls = sys.argv[1:]
    store = open_store(StoreSettings(driver=cast("Driver", driver), dsn=dsn))
    numbers = count(1)
    began = NOON + timedelta(hours=int(calls))  # the previously killed process has lost its lease

    def now() -> datetime:
        if next(numbers) == int(calls):
            os.kill(os.getpid(), signal.SIGKILL)
        return began

    if what == "project":
        columns.RUNS_AT_A_TIME = 1
        settings = columns.ColumnSettings(folder, runs_per_file=2)
        columns.ColumnProjector().project(store, settings, floor="NOTICE", now=now)
    else:
        compact_files(store, location(folder), now=now)


if __name__ == "__main__":
    main()

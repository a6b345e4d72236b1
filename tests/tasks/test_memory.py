"""What a process that serves does at its start."""

import gc

from gonemaster_tasks.memory import keep_out_of_collections


def test_collections_leave_out_what_was_there_at_the_start() -> None:
    gc.unfreeze()
    try:
        keep_out_of_collections()
        assert gc.get_freeze_count() > 10_000
        assert len(gc.get_objects()) < gc.get_freeze_count()
    finally:
        gc.unfreeze()

"""The limit of open files, in a separate process, because a lowered limit cannot be raised again."""

import subprocess
import sys

_PROGRAM = """
import resource
from gonemaster_engine.open_files import open_files_limit, raise_open_files_limit
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 256))
print(open_files_limit(), raise_open_files_limit(32), raise_open_files_limit(128), raise_open_files_limit(10_000))
"""


def test_the_limit_is_raised_as_far_as_is_needed_and_permitted() -> None:
    found = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["64", "64", "128", "256"]

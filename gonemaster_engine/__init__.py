"""DNS engine: tests a domain with a profile and returns a result.

It has no dependency on jobs, databases or the web.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - pip refuses older versions, other ways of installation do not
    sys.exit(
        f"gonemaster needs Python 3.11 or later, and this is Python {sys.version.split()[0]}:"
        " create a virtual environment with a newer Python and install gonemaster there"
    )

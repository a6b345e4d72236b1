"""Hostile zones, packets, callers and clients; `GONEMASTER_HOSTILE=long` lets these tests explore for longer."""

import os

LONG = os.environ.get("GONEMASTER_HOSTILE") == "long"

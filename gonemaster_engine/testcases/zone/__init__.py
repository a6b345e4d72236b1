"""Test cases of the module ZONE."""

from __future__ import annotations

from gonemaster_engine.registry import Module

MODULE = Module("ZONE", ())

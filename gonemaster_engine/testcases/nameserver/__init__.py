"""Test cases of the module NAMESERVER."""

from __future__ import annotations

from gonemaster_engine.registry import Module

MODULE = Module("NAMESERVER", ())

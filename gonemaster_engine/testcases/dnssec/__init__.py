"""Test cases of the module DNSSEC."""

from __future__ import annotations

from gonemaster_engine.registry import Module

MODULE = Module("DNSSEC", ())

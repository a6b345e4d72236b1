"""Tests of zones before they are published."""

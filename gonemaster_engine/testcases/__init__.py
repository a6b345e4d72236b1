"""The test cases, one file each, grouped in one package per module."""

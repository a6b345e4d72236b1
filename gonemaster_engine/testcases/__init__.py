"""The test cases, one file each, grouped into one package per module."""

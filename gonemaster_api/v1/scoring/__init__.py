"""Configuration of scores and grades."""

"""Roundtrip, a terminal coding agent: the import path is `roundtrip.` plus the folder path."""

__version__ = "0.1.0"

"""Writes recordings: sessions, segments and files."""

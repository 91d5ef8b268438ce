"""Writing of recordings: sessions, segments and files."""

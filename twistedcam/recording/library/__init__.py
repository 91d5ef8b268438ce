"""The recordings folder: index, retention, recovery and thumbnails."""

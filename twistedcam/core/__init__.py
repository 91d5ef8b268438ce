"""The server: its cameras and what belongs to them."""

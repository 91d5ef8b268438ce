"""Small helpers that know nothing of cameras."""

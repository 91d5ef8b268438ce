"""Builds a server from its options."""

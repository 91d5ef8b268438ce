"""Compares this server with others, on the same camera, with the same viewers. See README.md."""

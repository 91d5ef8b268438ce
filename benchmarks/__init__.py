"""This server beside its peers, on the same camera, with the same viewers. See README.md."""

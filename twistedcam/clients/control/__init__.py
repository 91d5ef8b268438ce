"""Clients of the control port."""

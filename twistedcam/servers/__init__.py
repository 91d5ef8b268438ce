"""Servers, one package for each protocol."""

"""Encoders, and lossless transforms of JPEGs."""

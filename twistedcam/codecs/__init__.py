"""Encoders and lossless transforms."""

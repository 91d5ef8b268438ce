"""Reads the sample tables of MP4 files, and writes MP4 files from samples of others.

Boxes: ISO/IEC 14496-12. Sample entries of H.264 and H.265: ISO/IEC 14496-15.
"""

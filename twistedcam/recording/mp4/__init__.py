"""Reads the sample tables of MP4 and Matroska files, and writes MP4 files from their samples.

Boxes: ISO/IEC 14496-12. Sample entries of H.264 and H.265: ISO/IEC 14496-15.
"""

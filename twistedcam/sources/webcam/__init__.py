"""Webcams, by OpenCV and V4L2."""

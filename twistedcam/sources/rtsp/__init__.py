"""Cameras over RTSP, by a client of this program: no thread, nothing decoded."""

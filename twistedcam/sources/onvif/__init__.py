"""Cameras that speak ONVIF: their profiles, the addresses of their video, and their motors."""

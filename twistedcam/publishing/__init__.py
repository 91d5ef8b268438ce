"""A camera's video to other servers: RTMP, RTSP, HLS, WHIP.

Nothing is imported here: a sender's process imports it too, and it starts at once.
"""

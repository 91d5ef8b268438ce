"""Publishing of video to other servers: RTMP, RTSP, HLS, WHIP.

It imports nothing, because a sender's process, which has to start fast, imports it, too.
"""

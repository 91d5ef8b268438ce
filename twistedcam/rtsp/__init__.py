"""RTSP 1.0 (RFC 2326), RTP and RTCP (RFC 3550), for client and server, without input or output."""

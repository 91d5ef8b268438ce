"""The control port: the vocabulary over telnet, and clients of it. See docs/control-protocol.md.

Nothing is imported here: a client needs nothing of the server.
"""

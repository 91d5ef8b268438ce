"""TLS: certificates for those who have none, how a client checks them, and ports that use them.

See docs/security.md.
"""

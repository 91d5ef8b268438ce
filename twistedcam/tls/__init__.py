"""TLS: self-signed certificates, their check by clients, and ports with TLS.

See docs/security.md.
"""

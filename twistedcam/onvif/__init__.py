"""ONVIF for client and server, without input or output: SOAP, logins, WS-Discovery."""

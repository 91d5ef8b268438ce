"""Listening, limits and addresses for every port of the server."""

"""Helpers around sockets: monitoring, JSON, Z85, strings."""

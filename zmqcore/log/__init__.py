"""Logging over ZeroMQ."""

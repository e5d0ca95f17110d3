"""Entrypoints: what the outside calls: the HTTP service and the command line."""

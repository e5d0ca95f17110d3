"""Adapters: storages, exporters and readers behind the domain's ports; none sees another."""

"""MemoryStorage: everything in this process, with real rollback and consistent snapshots."""

from billing.adapters.memory.storage import MemoryStorage

__all__ = ["MemoryStorage"]

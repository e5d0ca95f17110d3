"""Legacy: turns the tables that a warehouse system exports into services, products and cards.

Nothing is guessed: what would be billed differently here is left out and listed with the reason.
docs/moving-in.md says what is turned into what.
"""

from billing.adapters.legacy.conversion import NOTHING_KNOWN, Conversion, Known, convert
from billing.adapters.legacy.tables import TABLES, Export, Remark

__all__ = ["NOTHING_KNOWN", "TABLES", "Conversion", "Export", "Known", "Remark", "convert"]

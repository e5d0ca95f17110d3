"""The domain: pure values and rules of order billing, standard library only."""

"""Properties hold on a slow machine too: no deadline; all else stays as the profile has it."""

from hypothesis import settings

settings.register_profile("billing", parent=settings(), deadline=None)
settings.load_profile("billing")

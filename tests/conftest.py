"""Settings for all tests."""

from hypothesis import HealthCheck, settings

# Compiling and tracing make examples slow at times; the same examples every time make failures repeatable.
settings.register_profile("repeatable", deadline=None, derandomize=True, max_examples=30,
                          suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("repeatable")

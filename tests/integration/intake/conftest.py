"""The fixtures that all tests of intake share."""

from intake_cases import registry, shared, take_in

__all__ = ["registry", "shared", "take_in"]

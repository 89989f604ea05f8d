"""Declarations of all kinds, from instruments to benchmarks: loaded, validated and hashed."""

from benchwell.registry.benchmark import Benchmark
from benchwell.registry.casemix import CaseMix
from benchwell.registry.declaration import Declaration, Fact, canonical_json, hash_canonical
from benchwell.registry.episode_rule import EpisodeRule
from benchwell.registry.instrument import Instrument
from benchwell.registry.measure import Measure
from benchwell.registry.reference import Reference
from benchwell.registry.registry import Registry
from benchwell.registry.response_curve import CurveDeclaration

__all__ = [
    "Benchmark",
    "CaseMix",
    "CurveDeclaration",
    "Declaration",
    "EpisodeRule",
    "Fact",
    "Instrument",
    "Measure",
    "Reference",
    "Registry",
    "canonical_json",
    "hash_canonical",
]

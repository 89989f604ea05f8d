"""Random numbers: one stream per purpose and block, so that a switch moves nothing but its own numbers."""

from __future__ import annotations

import zlib

import numpy as np

# Episodes per block. A file is written block by block; the numbers of a block depend on nothing but its place.
BLOCK = 1 << 18


def stream(seed: int, purpose: str, block: int = 0) -> np.random.Generator:
    """The generator of one purpose in one block.

    Args:
        seed: Seed of the world.
        purpose: What is drawn, for example "baseline".
        block: Number of the block of episodes; 0 for what concerns clinics.

    >>> bool(stream(1, "age").random() == stream(1, "age").random())
    True
    >>> bool(stream(1, "age").random() == stream(1, "sex").random())
    False
    """
    return np.random.default_rng([seed, zlib.crc32(purpose.encode()), block])

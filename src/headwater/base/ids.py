"""Random identifiers: object UIDs and the suffixes of generated names."""

from __future__ import annotations

import random
import uuid

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""No vowels and no 0, 1, 3: suffixes can't spell words or be misread, as in Kubernetes."""

_source = random.SystemRandom()


def new_uid() -> str:
    """A random UUID in its usual text form."""
    return str(uuid.uuid4())


def random_suffix(n: int = 5) -> str:
    """``n`` characters that are safe in any Kubernetes name."""
    return "".join(_source.choices(_ALPHABET, k=n))

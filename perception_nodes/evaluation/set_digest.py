"""What a labelled set holds, as one hash: two sets at one address are told apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def set_digest(files: Iterable[Path], labels: Any) -> str:
    """
    Return the SHA-256 of the names and bytes of files, in their order, and of labels.

    :param labels: plain data, what the files do not say themselves.
    :raises OSError: for a file that cannot be read.
    """
    digest = hashlib.sha256(json.dumps(labels, sort_keys=True, default=str).encode())
    for path in files:
        digest.update(path.name.encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()

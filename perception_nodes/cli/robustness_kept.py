"""What a run about robustness has measured already, so that it goes on after an interruption."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from perception_nodes.robustness.stand import Stand


class KeptStands:
    """
    Stands by name, in a file that is written after each.

    :param path: of the JSON file.
    :param identity: of set, suite and weights; a file of others is begun anew.
    """

    def __init__(self, path: Path, identity: dict[str, Any]) -> None:
        self._path, self._identity = path, identity
        self._stands: dict[str, Any] = {}
        if path.is_file():
            found = json.loads(path.read_text(encoding='utf-8'))
            if found['identity'] == identity:
                self._stands = found['stands']

    def get(self, key: str, measure: Callable[[], Stand]) -> Stand:
        """Return a stand, measured if it is not known."""
        if key not in self._stands:
            self._stands[key] = asdict(measure())
            self._path.parent.mkdir(parents=True, exist_ok=True)
            content = {'identity': self._identity, 'stands': self._stands}
            part = self._path.with_suffix('.part')
            part.write_text(json.dumps(content) + '\n', encoding='utf-8')
            part.replace(self._path)
        return Stand(**self._stands[key])

    def __contains__(self, key: str) -> bool:
        return key in self._stands

"""Where downloaded models, built engines and generated worlds lie."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = 'PERCEPTION_CACHE'


def cache_folder(part: str) -> Path:
    """
    Return the folder of one kind of cached files; it need not exist yet.

    ``$PERCEPTION_CACHE`` is taken where it is set, else ``$XDG_CACHE_HOME/perception_suite``,
    else ``~/.cache/perception_suite``.

    :param part: ``models``, ``tensorrt`` or ``gazebo``.
    """
    own = os.environ.get(CACHE_VARIABLE)
    if own:
        return Path(own).expanduser() / part
    base = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    return Path(base).expanduser() / 'perception_suite' / part

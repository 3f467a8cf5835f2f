"""Files that ship with the suite: ``config``, ``resource``, ``worlds``."""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator
from pathlib import Path

PACKAGE = 'perception_suite'
_SOURCE_TREE = Path(__file__).resolve().parents[2]


def resource_path(relative: str) -> Path:
    """
    Return a shipped file or folder.

    :param relative: path below the share folder, for example ``config/classes/coco80.yaml``.
    :raises FileNotFoundError: naming every place that was searched.
    """
    searched = [folder / relative for folder in share_folders()]
    for path in searched:
        if path.exists():
            return path
    places = ', '.join(str(path) for path in searched)
    raise FileNotFoundError(
        f'{relative} of {PACKAGE} was not found; searched {places}. Source the setup file of the '
        'workspace in which the package was built'
    )


def share_folders() -> Iterator[Path]:
    """Yield the share folders: of the source tree, of the ROS workspace, of the interpreter."""
    if (_SOURCE_TREE / 'package.xml').is_file():
        yield _SOURCE_TREE
    yield from _ament_share()
    yield Path(sysconfig.get_path('data')) / 'share' / PACKAGE


def ament_share_folder(package: str) -> Path | None:
    """Return the share folder of a ROS package, None when it or the index is not there."""
    try:
        from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
    except ImportError:
        return None
    try:
        return Path(get_package_share_directory(package))
    except (PackageNotFoundError, LookupError, ValueError, OSError):
        return None


def _ament_share() -> Iterator[Path]:
    folder = ament_share_folder(PACKAGE)
    if folder is not None:
        yield folder

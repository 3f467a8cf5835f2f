"""Lists of class names that several models share."""

from __future__ import annotations

from pathlib import Path

from perception_nodes.inference import bundle_checks as check
from perception_nodes.inference.bundle_checks import BundleError
from perception_nodes.inference.bundle_yaml import load_yaml_file
from perception_nodes.inference.resources import resource_path

_FOLDER = 'config/classes'


def load_class_list(name: str) -> tuple[str, ...]:
    """
    Return the names of a shipped list, in the order of the class numbers.

    :param name: ``coco80``, or another file name in ``config/classes`` without its suffix.
    :raises BundleError: for an unknown list, naming the known ones.
    """
    known = known_class_lists()
    if name not in known:
        raise BundleError(
            f'class list: {check.shown(name)} is not one of {", ".join(known)}'
            f'{check.closest(name, known)}'
        )
    return _names(resource_path(f'{_FOLDER}/{name}.yaml'))


def known_class_lists() -> list[str]:
    """Return the names of the shipped lists."""
    return sorted(path.stem for path in resource_path(_FOLDER).glob('*.yaml'))


def read_class_list(path: Path) -> tuple[str, ...]:
    """
    Return the names in a file of the user's.

    :param path: YAML list (``.yaml``, ``.yml``) or text with one name a line.
    :raises BundleError: when the file is missing or holds something else.
    """
    if path.suffix in ('.yaml', '.yml'):
        return _names(path)
    try:
        lines = path.read_text(encoding='utf-8').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f'{path}: cannot be read as a list of class names: {error}') from error
    return tuple(line.strip() for line in lines if line.strip())


def _names(path: Path) -> tuple[str, ...]:
    entries = check.items(str(path), load_yaml_file(path))
    return tuple(check.text(f'{path}[{i}]', entry) for i, entry in enumerate(entries))

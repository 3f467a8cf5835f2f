"""The overlay's interfaces are the standard's: equal type hashes (REP-2011) connect over DDS."""

import json
from pathlib import Path

import pytest

HASHES = json.loads(Path(__file__).with_name('type_hashes.json').read_text())


def built_hash(name: str) -> str:
    """Return the hash that the installed package states for an interface."""
    from ament_index_python.packages import get_package_share_directory

    package, kind, interface = name.split('/')
    description = Path(get_package_share_directory(package), kind, f'{interface}.json')
    stated = json.loads(description.read_text())['type_hashes']
    return next(item['hash_string'] for item in stated if item['type_name'] == name)


@pytest.mark.ros
@pytest.mark.parametrize('name', sorted(HASHES))
def test_type_hash_equals_that_of_the_original_package(name: str) -> None:
    assert built_hash(name) == HASHES[name]


def test_every_overlay_message_has_a_recorded_hash(project_root: Path) -> None:
    folder = project_root / 'environment' / 'interfaces'
    names = {f'{p.parent.parent.name}/{p.parent.name}/{p.stem}' for p in folder.glob('*/*/*.*')}
    assert names == set(HASHES)

"""The package's own files agree with one another and with the installed package."""

import configparser
import importlib.util
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest


@pytest.fixture
def manifest(project_root: Path) -> ET.Element:
    return ET.parse(project_root / 'package.xml').getroot()


@pytest.fixture
def setup_cfg(project_root: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(project_root / 'setup.cfg')
    return parser


def scripts(setup_cfg: configparser.ConfigParser) -> dict[str, str]:
    """Return executable → module:function."""
    lines = setup_cfg['options.entry_points']['console_scripts'].strip().splitlines()
    return dict(re.split(r'\s*=\s*', line) for line in lines)


def test_version_is_the_same_everywhere(
    manifest: ET.Element, setup_cfg: configparser.ConfigParser, project_root: Path
) -> None:
    version = setup_cfg['metadata']['version']
    assert manifest.findtext('version') == version
    assert re.search(
        rf'^{re.escape(version)} ', (project_root / 'CHANGELOG.rst').read_text(), re.M
    )


def test_licence_is_apache_everywhere(
    manifest: ET.Element, setup_cfg: configparser.ConfigParser, project_root: Path
) -> None:
    assert manifest.findtext('license') == 'Apache-2.0' == setup_cfg['metadata']['license']
    assert 'Apache License' in (project_root / 'LICENSE').read_text()[:400]


def test_no_dependency_is_agpl_or_gpl(setup_cfg: configparser.ConfigParser) -> None:
    from importlib.metadata import PackageNotFoundError, metadata

    names = setup_cfg['options']['install_requires'] + '\n'.join(
        setup_cfg['options.extras_require'].values()
    )
    for line in filter(None, map(str.strip, names.splitlines())):
        try:
            found = metadata(re.split(r'[<>=\[ ]', line)[0])
        except PackageNotFoundError:
            continue  # optional extras may be absent
        words = ' '.join([found.get('License-Expression') or '', *found.get_all('Classifier', [])])
        assert not re.search(r'\bA?GPL|Affero|GNU General', words), line


def test_every_executable_points_at_an_existing_function(
    setup_cfg: configparser.ConfigParser,
) -> None:
    for target in scripts(setup_cfg).values():
        module, function = target.split(':')
        spec = importlib.util.find_spec(module)
        assert spec is not None, module
        assert f'def {function}(' in Path(spec.origin).read_text(), target


@pytest.mark.ros
def test_executables_and_data_are_installed(setup_cfg: configparser.ConfigParser) -> None:
    from ament_index_python.packages import get_package_prefix

    prefix = Path(get_package_prefix('perception_suite'))
    assert {p.name for p in (prefix / 'lib/perception_suite').iterdir()} >= set(scripts(setup_cfg))
    share = prefix / 'share' / 'perception_suite'
    for folder in ('launch', 'config', 'worlds', 'resource'):
        assert (share / folder).is_dir(), folder


@pytest.mark.ros
def test_message_fields_are_documented(project_root: Path) -> None:
    from perception_suite.msg import FrameTiming

    text = (project_root / 'msg' / 'FrameTiming.msg').read_text()
    for name in FrameTiming.get_fields_and_field_types():
        assert re.search(rf'^\S+ {name}\s+#', text, re.M), f'{name} has no unit and range'

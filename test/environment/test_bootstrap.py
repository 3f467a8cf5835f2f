"""The set-up names what is missing with its cure, and repairs what the wheels leak."""

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest


def load(project_root: Path, name: str) -> ModuleType:
    """Import a module of the environment folder, which is not a package."""
    folder = str(project_root / 'environment')
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(name, f'{folder}/{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def bootstrap(project_root: Path) -> ModuleType:
    return load(project_root, 'bootstrap')


@pytest.fixture
def tools(project_root: Path) -> ModuleType:
    return load(project_root, 'tools')


def test_nothing_is_missing_where_the_tests_run(tools: ModuleType) -> None:
    assert tools.missing_tools() == []


def test_missing_compiler_is_named_with_the_command(
    tools: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shutil.which
    compilers = {'c++', 'g++', 'clang++'}
    monkeypatch.delenv('CXX', raising=False)
    monkeypatch.setattr(tools.shutil, 'which', lambda n: None if n in compilers else real(n))
    assert tools.missing_tools() == [
        'a C++ compiler is missing: sudo apt-get install -y g++',
    ]


def test_missing_egl_is_named_with_the_command(
    tools: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = tools.ctypes.util.find_library
    monkeypatch.setattr(
        tools.ctypes.util, 'find_library', lambda n: None if n == 'EGL' else real(n)
    )
    (line,) = tools.missing_tools()
    assert 'EGL' in line
    assert 'apt-get install -y libegl1 libegl-mesa0' in line


def test_leaked_build_paths_are_replaced_and_nothing_else(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaked = tmp_path / 'share' / 'some_msgs' / 'cmake' / 'export.cmake'
    leaked.parent.mkdir(parents=True)
    leaked.write_text(
        'DIRS "/opt/python/cp311-cp311/include/python3.11;'
        '/opt/python/cp311-cp311/lib/python3.11/site-packages/numpy/_core/include"\nKEEP /opt/ros'
    )
    monkeypatch.setattr(bootstrap, 'VENV', tmp_path)
    monkeypatch.setattr(bootstrap, 'PYTHON', Path(sys.executable))
    bootstrap.repair_wheels()
    text = leaked.read_text()
    assert '/opt/python' not in text
    assert text.endswith('KEEP /opt/ros')
    for path in text.split('"')[1].split(';'):
        assert Path(path).is_dir()


def test_a_sourced_ros_installation_is_noticed(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('ROS_DISTRO', 'jazzy')
    monkeypatch.setenv('AMENT_PREFIX_PATH', '/opt/ros/jazzy')
    assert bootstrap.system_ros() == 'jazzy'
    monkeypatch.setenv('AMENT_PREFIX_PATH', f'{bootstrap.ROOT}/install:{bootstrap.VENV}')
    assert bootstrap.system_ros() is None


def test_interfaces_of_a_sourced_installation_are_not_built_again(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / 'share' / 'ament_index' / 'resource_index' / 'packages'
    index.mkdir(parents=True)
    (index / 'vision_msgs').touch()
    monkeypatch.setattr(bootstrap, 'VENV', tmp_path / 'no_venv')
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path))
    assert bootstrap.missing_interfaces() == ['bond', 'nav2_msgs', 'tf2_msgs']


def test_a_failing_step_shows_the_end_of_its_log(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, 'STAMPS', tmp_path)
    with pytest.raises(bootstrap.StepFailed, match='the reason'):
        bootstrap.run('a step', [sys.executable, '-c', 'import sys; sys.exit("the reason")'])


def test_digest_changes_with_content_and_words(bootstrap: ModuleType) -> None:
    path = bootstrap.ROOT / 'setup.cfg'
    assert bootstrap.digest([path], 'a') == bootstrap.digest([path], 'a')
    assert bootstrap.digest([path], 'a') != bootstrap.digest([path], 'b')

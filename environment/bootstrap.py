#!/usr/bin/env python3
"""
Make everything that ``make demo`` and ``make test`` need, from package registries alone.

Steps, each skipped when its inputs have not changed: check the machine's tools, virtual
environment, Python packages, repair of the ROS wheels' CMake files, interface overlay, the
package itself with colcon. Where a ROS 2 installation is sourced, that one is used and only the
interfaces it lacks are built. Needs nothing but the standard library.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import re
import subprocess
import sys
import sysconfig
import threading
import time
import venv
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from tools import missing_tools

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / 'environment'
VENV = ROOT / '.venv'
OVERLAY = ROOT / '.overlay'
PYTHON = VENV / 'bin' / 'python'
STAMPS = VENV / '.stamps'
LEAKED = re.compile(
    r'/opt/python/[^;"]*?/numpy/_core/include|/opt/python/[^;"]*?/include/python3\.\d+'
)
EXTRAS = 'simulation,evaluation,training,explanation,development'


class StepFailed(RuntimeError):
    """A step ended with an error; the message names the log."""


def system_ros() -> str | None:
    """Return the distribution of the ROS 2 installation that is sourced, or None."""
    prefixes = os.environ.get('AMENT_PREFIX_PATH', '').split(':')
    foreign = [p for p in prefixes if p and not Path(p).is_relative_to(ROOT)]
    return os.environ.get('ROS_DISTRO') if foreign else None


def digest(paths: Iterable[Path], *words: str) -> str:
    """Return a hash over file contents and words."""
    state = hashlib.sha256('\0'.join([sys.version, str(ROOT), *words]).encode())
    for path in sorted(paths):
        state.update(str(path.relative_to(ROOT)).encode())
        state.update(path.read_bytes())
    return state.hexdigest()


@contextlib.contextmanager
def step(title: str) -> Iterable[None]:
    """Show the title with a running clock, then how long it took."""
    begin, done = time.monotonic(), threading.Event()

    def tick() -> None:
        while not done.wait(1.0):
            print(f'\r  … {title} {time.monotonic() - begin:4.0f} s', end='', flush=True)

    ticker = threading.Thread(target=tick, daemon=True)
    if sys.stdout.isatty():
        ticker.start()
    else:
        print(f'  … {title}', flush=True)
    try:
        yield
    finally:
        done.set()
    print(f'\r  ✓ {title} ({time.monotonic() - begin:.0f} s)', flush=True)


def run(title: str, command: list[str], environment: dict[str, str] | None = None) -> None:
    """Run a command with its output in a log; on failure show the log's end."""
    log = STAMPS / (re.sub(r'\W+', '_', title) + '.log')
    with step(title), log.open('w') as stream:
        code = subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            stdout=stream,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    if code:
        tail = '\n'.join(log.read_text(errors='replace').splitlines()[-40:])
        raise StepFailed(f'{tail}\n\n{title} failed (exit code {code}); the whole log: {log}')


def once(name: str, key: str) -> bool:
    """Return whether the step must run: its key differs from the one of its last success."""
    stamp = STAMPS / name
    return not (stamp.is_file() and stamp.read_text() == key)


def mark(name: str, key: str) -> None:
    """Remember that the step succeeded with this key."""
    (STAMPS / name).write_text(key)


def make_environment(ros: str | None) -> None:
    """Create the virtual environment; with a sourced ROS it sees the system's packages."""
    if not PYTHON.exists():
        with step('virtual environment'):
            # Old releases of pip take many minutes to resolve what new ones do in seconds.
            venv.create(
                VENV, with_pip=True, system_site_packages=ros is not None, upgrade_deps=True
            )
    STAMPS.mkdir(exist_ok=True)


def install_packages(ros: str | None) -> None:
    """Install the pinned packages, and this project in editable form."""
    constraints = HERE / ('constraints-system-ros.txt' if ros else 'constraints.txt')
    lists = [HERE / 'requirements-build.txt'] + ([] if ros else [HERE / 'requirements-ros.txt'])
    key = digest([*lists, constraints, ROOT / 'setup.cfg'], ros or 'wheels')
    if not once('packages', key):
        return
    pip = [
        str(PYTHON),
        '-m',
        'pip',
        'install',
        '--disable-pip-version-check',
        '-c',
        str(constraints),
    ]
    requirements = [word for path in lists for word in ('-r', str(path))]
    run('Python packages (about 6 GB with torch)', [*pip, *requirements, '-e', f'.[{EXTRAS}]'])
    mark('packages', key)


def repair_wheels() -> None:
    """Point the wheels' leaked build paths at this interpreter's headers and NumPy's."""
    leaked = [p for p in VENV.glob('share/*/cmake/*.cmake') if '/opt/python/' in p.read_text()]
    if not leaked:
        return
    with step(f'repair of {len(leaked)} CMake files'):
        command = [str(PYTHON), '-c', 'import numpy; print(numpy.get_include())']
        numpy_include = subprocess.run(command, capture_output=True, text=True, check=True)
        headers = sysconfig.get_path('include')
        for path in leaked:
            path.write_text(
                LEAKED.sub(
                    lambda found: numpy_include.stdout.strip() if 'numpy' in found[0] else headers,
                    path.read_text(),
                )
            )


def ros_environment(ros: str | None) -> dict[str, str]:
    """Return the environment colcon runs in, prefixes in a fixed order."""
    environment = dict(os.environ)
    prefixes = [str(OVERLAY / 'install')] + ([] if ros else [str(VENV)])
    for name in ('AMENT_PREFIX_PATH', 'CMAKE_PREFIX_PATH'):
        inherited = [p for p in environment.get(name, '').split(':') if p and p not in prefixes]
        environment[name] = ':'.join([p for p in prefixes if Path(p).exists()] + inherited)
    environment['PATH'] = f'{VENV / "bin"}:{environment["PATH"]}'
    environment['VIRTUAL_ENV'] = str(VENV)
    if not ros:
        libraries = [OVERLAY / 'install/lib', VENV / 'lib']
        libraries += sorted(VENV.glob('lib/python3.*/site-packages/ros_*.libs'))
        environment['LD_LIBRARY_PATH'] = ':'.join(map(str, libraries))
        environment['_ROS_WHEELS_BOOTSTRAP_COMPLETE'] = '1'
    return environment


def missing_interfaces() -> list[str]:
    """Return the overlay packages that no prefix outside this project provides."""
    prefixes = os.environ.get('AMENT_PREFIX_PATH', '').split(':')
    foreign = [Path(p) for p in prefixes if p and not Path(p).is_relative_to(OVERLAY)]
    known = Path('share/ament_index/resource_index/packages')
    names = sorted(path.parent.name for path in HERE.glob('interfaces/*/package.xml'))
    return [n for n in names if not any((p / known / n).exists() for p in [*foreign, VENV])]


def colcon(title: str, base: Path, where: Path, ros: str | None, *arguments: str) -> None:
    """Build packages below ``base`` into ``where``/build and ``where``/install."""
    run(
        title,
        [
            str(PYTHON), '-m', 'colcon', '--log-base', str(where / 'log'), 'build',
            '--merge-install', '--base-paths', str(base), '--build-base', str(where / 'build'),
            '--install-base', str(where / 'install'), *arguments,
            '--cmake-args', f'-DPython3_EXECUTABLE={PYTHON}', '-DBUILD_TESTING=OFF',
            '--no-warn-unused-cli',
        ],
        ros_environment(ros),
    )  # fmt: skip


def build_interfaces(ros: str | None) -> None:
    """Build the standard interfaces that neither wheels nor the ROS installation have."""
    names = missing_interfaces()
    sources = [p for n in names for p in (HERE / 'interfaces' / n).rglob('*') if p.is_file()]
    key = digest(sources, ros or 'wheels')
    if names and once('interfaces', key):
        colcon(f'interfaces {" ".join(names)}', HERE / 'interfaces', OVERLAY, ros,
               '--packages-select', *names)  # fmt: skip
        mark('interfaces', key)


def build_package(ros: str | None) -> None:
    """Build this package; Python and data files are linked, so only these inputs matter."""
    build_files = [ROOT / name for name in ('CMakeLists.txt', 'package.xml', 'setup.cfg')]
    folders = ('launch', 'config', 'worlds', 'resource', 'perception_nodes')
    linked = [
        str(path.relative_to(ROOT))
        for folder in folders
        for path in sorted((ROOT / folder).rglob('*'))
        if path.is_file() and '__pycache__' not in path.parts
    ]
    key = digest([*ROOT.glob('msg/*.msg'), *build_files], ros or 'wheels', *linked)
    if not once('package', key):
        return
    # CMake refuses to export include paths that lie below the source folder, and the virtual
    # environment with NumPy's headers does: build through a link to the project.
    source = OVERLAY / 'source' / 'perception_suite'
    if not source.exists():
        source.parent.mkdir(parents=True, exist_ok=True)
        source.symlink_to(ROOT, target_is_directory=True)
    colcon('perception_suite with colcon', source, ROOT, ros, '--symlink-install',
           '--packages-select', 'perception_suite')  # fmt: skip
    mark('package', key)


def main() -> int:
    """Run the steps; one clear line when something is missing."""
    parser = argparse.ArgumentParser(description='Set up the environment of the perception suite.')
    parser.add_argument('--check', action='store_true', help='only name what is missing')
    only_check = parser.parse_args().check
    if missing := missing_tools():
        print('Missing on this machine:\n  ' + '\n  '.join(missing), file=sys.stderr)
        return 1
    if only_check:
        return 0
    ros = system_ros()
    try:
        make_environment(ros)
        install_packages(ros)
        if not ros:
            repair_wheels()
        build_interfaces(ros)
        build_package(ros)
    except StepFailed as error:
        print(f'\n{error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())

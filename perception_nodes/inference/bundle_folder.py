"""The folder of a bundle: where one may be written, and how it gets there whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from perception_nodes.inference.bundle_checks import BundleError
from perception_nodes.inference.bundle_spec import ModelSpec
from perception_nodes.inference.bundle_yaml import load_yaml_file

SPEC_FILE = 'model.yaml'


def check_target(
    directory: str | os.PathLike[str], sources: Sequence[str | os.PathLike[str]] = ()
) -> Path:
    """
    Return the folder, links resolved, that a bundle may be written to.

    It is absent, empty, or holds an older bundle and nothing else: all that is there goes.

    :param directory: the folder.
    :param sources: folders of the bundles that the new one is made from, which stay.
    :raises BundleError: for any other folder, naming what would be lost.
    """
    target = _resolved(directory)
    if target in map(_resolved, sources):
        raise BundleError(
            f'{target}: is the model that the new one is made from, and would be lost; choose '
            'another folder'
        )
    if target.exists() and not target.is_dir():
        raise BundleError(f'{target}: is a file; a bundle is a folder, choose another name')
    strange = _strange_entry(target) if target.exists() else None
    if strange is not None:
        raise BundleError(
            f'{target}: holds {strange}, which belongs to no bundle and would be lost; choose '
            'another folder, or empty this one'
        )
    return target


def put_in_place(staging: Path, target: Path) -> None:
    """
    Move a finished folder to its place, on the disk before the old one goes.

    Between the two renames of a replacement the old one is ``.NAME.retired.PID`` beside it; a
    power cut leaves the old one or the new one whole.

    :param staging: beside the target; absent afterwards.
    """
    _write_through(staging)
    if not target.exists():
        staging.rename(target)
    else:
        _replace(staging, target)
    _sync(target.parent)


def _resolved(path: str | os.PathLike[str]) -> Path:
    return Path(os.path.realpath(Path(path).expanduser()))


def _strange_entry(folder: Path) -> str | None:
    """Return the name of something in the folder that is of no bundle."""
    names = sorted(item.name for item in folder.iterdir())
    own = _bundle_entries(folder) if SPEC_FILE in names else set()
    return next((name for name in names if name not in own), None)


def _bundle_entries(folder: Path) -> set[str]:
    """Return what the folder's ``model.yaml`` says is in it."""
    try:
        spec = ModelSpec.from_dict(load_yaml_file(folder / SPEC_FILE))
    except BundleError as error:
        raise BundleError(
            f'{folder}: its {SPEC_FILE} describes no bundle ({error}), so what is there is not '
            'replaced; choose another folder, or remove this one'
        ) from error
    files = [SPEC_FILE, spec.weights.file, *spec.weights.external]
    files += [spec.golden.frame, spec.golden.expected] if spec.golden else []
    files += [spec.source_statistics.file] if spec.source_statistics else []
    return {PurePosixPath(file).parts[0] for file in files}


def _write_through(folder: Path) -> None:
    for place, _, files in os.walk(folder):
        for name in files:
            _sync(Path(place) / name)
        _sync(Path(place))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems sync no folders
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace(staging: Path, target: Path) -> None:
    retired = target.with_name(f'.{target.name}.retired.{os.getpid()}')
    target.rename(retired)
    try:
        staging.rename(target)
    except OSError:
        retired.rename(target)
        raise
    shutil.rmtree(retired, ignore_errors=True)

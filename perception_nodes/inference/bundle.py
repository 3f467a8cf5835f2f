"""Reading and writing model bundles: folders that hold ``model.yaml``, weights, golden frame."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from perception_nodes.imaging.index_png import write_index_png
from perception_nodes.inference.bundle_checks import BundleError
from perception_nodes.inference.bundle_folder import SPEC_FILE, check_target, put_in_place
from perception_nodes.inference.bundle_sections import GoldenSpec, WeightsSpec
from perception_nodes.inference.bundle_spec import ModelSpec
from perception_nodes.inference.bundle_yaml import dump_yaml, load_yaml_file
from perception_nodes.inference.statistics_section import StatisticsSpec
from perception_nodes.structures import SegmentationMask

__all__ = ['BundleError', 'ModelBundle', 'ModelSpec', 'read_bundle', 'write_bundle']

GOLDEN_EXPECTED = {
    'detection': 'golden/expected.json',
    'segmentation': 'golden/expected.png',
    'classification': 'golden/expected.json',
    'path': 'golden/expected.json',
}
"""Where the expected result of the golden frame lies, by task."""
_CHUNK_BYTES = 1 << 20

GoldenResult = Sequence[Mapping[str, Any]] | SegmentationMask
"""Expected result: boxes as ``{xyxy, score, class}``, a mask, classes, or points of a path."""


@dataclass(frozen=True, kw_only=True)
class ModelBundle:
    """
    A bundle whose files were found inside its folder with the right hashes.

    :param path: the folder, absolute.
    :param spec: what ``model.yaml`` says.
    """

    path: Path
    spec: ModelSpec

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.spec.name

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the network's class numbers."""
        return self.spec.classes

    @property
    def weights_path(self) -> Path:
        """The file with the weights."""
        return self.path / self.spec.weights.file

    def file(self, relative: str) -> Path:
        """Return a file of the bundle; raise when it is missing or leaves the folder."""
        return _inner_path(self.path, relative)

    def read_weights(self) -> bytes:
        """Return the weights; the very bytes returned were compared with the hash."""
        content = self.file(self.spec.weights.file).read_bytes()
        _compare(self.weights_path, hashlib.sha256(content).hexdigest(), self.spec.weights.sha256)
        return content

    def verify(self) -> None:
        """Read every file once more and raise :class:`BundleError` for the first wrong one."""
        _verify_files(self.path, self.spec)


def read_bundle(path: str | os.PathLike[str]) -> ModelBundle:
    """
    Return the bundle in a folder after comparing its files with their hashes.

    :param path: folder that holds ``model.yaml``, or that file itself.
    :raises BundleError: for a missing file, a wrong hash, a path that leaves the folder, or a
        ``model.yaml`` that is not valid; the text names the cure.
    """
    folder = Path(os.path.abspath(Path(path).expanduser()))
    if folder.name == SPEC_FILE and not folder.is_dir():
        folder = folder.parent
    if not folder.is_dir():
        raise BundleError(f'{folder}: no such folder; a bundle is a folder with {SPEC_FILE}')
    spec_path = _inner_path(folder, SPEC_FILE)
    try:
        spec = ModelSpec.from_dict(load_yaml_file(spec_path))
        _verify_files(folder, spec)
    except BundleError as error:
        raise BundleError(f'{spec_path}: {error}') from error
    return ModelBundle(path=folder, spec=spec)


def write_bundle(
    directory: str | os.PathLike[str],
    spec: ModelSpec,
    weights: str | os.PathLike[str],
    golden_frame: str | os.PathLike[str] | None = None,
    golden_expected: GoldenResult | str | os.PathLike[str] | None = None,
    *,
    source_statistics: Path | None = None,
    replace_existing: bool = False,
) -> ModelBundle:
    """
    Write a bundle: either all of it appears, or nothing; the old one stays until then.

    :param directory: the folder to make.
    :param spec: its ``weights.sha256`` is filled in; ``golden`` is filled in when a golden frame
        is given and the specification has none.
    :param weights: file to copy to ``spec.weights.file``.
    :param golden_frame: picture to copy.
    :param golden_expected: list of ``{xyxy, score, class}``, a mask, or a file (JSON, PNG) that
        holds one.
    :param source_statistics: file to copy; None leaves the bundle without, whatever ``spec`` says,
        since they are of one network only.
    :param replace_existing: an older bundle there goes once the new one is complete.
    :raises BundleError: when the folder exists already, or holds something else than a bundle,
        or a file is missing.
    """
    path = Path(os.path.abspath(Path(directory).expanduser()))
    if path.exists() and not replace_existing:
        raise BundleError(f'{path}: exists already; choose another folder or remove it')
    target = check_target(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f'.{target.name}.', dir=target.parent))
    try:
        spec = _with_files(staging, spec, Path(weights), golden_frame, golden_expected)
        spec = _with_statistics(staging, spec, source_statistics)
        (staging / SPEC_FILE).write_text(dump_yaml(spec.to_dict()), encoding='utf-8')
        read_bundle(staging)
        staging.chmod(0o755)
        put_in_place(staging, target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return ModelBundle(path=path, spec=spec)


def copy_bundle(
    bundle: ModelBundle,
    directory: str | os.PathLike[str],
    *,
    source_statistics: Path | None = None,
) -> ModelBundle:
    """
    Write a bundle once more; an older one in that folder goes.

    :param source_statistics: file that takes the place of its own.
    :raises BundleError: when the folder holds something else than a bundle.
    """
    golden, statistics = bundle.spec.golden, bundle.spec.source_statistics
    shown = [] if golden is None else [bundle.file(golden.frame), bundle.file(golden.expected)]
    if source_statistics is None and statistics is not None:
        source_statistics = bundle.file(statistics.file)
    return write_bundle(
        directory, bundle.spec, bundle.weights_path, *shown,
        source_statistics=source_statistics, replace_existing=True,
    )  # fmt: skip


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open('rb') as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def placeholder_weights(file: str) -> WeightsSpec:
    """Return weights for a specification that :func:`write_bundle` is going to complete."""
    return WeightsSpec(file=file, sha256='0' * 64)


def _with_files(
    folder: Path,
    spec: ModelSpec,
    weights: Path,
    golden_frame: str | os.PathLike[str] | None,
    golden_expected: GoldenResult | str | os.PathLike[str] | None,
) -> ModelSpec:
    """Copy the files into the folder and return the specification with hash and golden."""
    copied = _copy(weights, folder / spec.weights.file)
    for external in spec.weights.external:
        _copy(weights.parent / external, folder / external)
    spec = replace(spec, weights=replace(spec.weights, sha256=file_sha256(copied)))
    if (golden_frame is None) != (golden_expected is None):
        raise BundleError('golden: the frame and the expected result belong together; give both')
    if golden_frame is None or golden_expected is None:
        return spec
    suffix = Path(golden_frame).suffix.lower() or '.png'
    golden = spec.golden or GoldenSpec(
        frame=f'golden/frame{suffix}', expected=GOLDEN_EXPECTED[spec.task]
    )
    _copy(Path(golden_frame), folder / golden.frame)
    _write_expected(folder / golden.expected, golden_expected, spec)
    return replace(spec, golden=golden)


def _with_statistics(folder: Path, spec: ModelSpec, statistics: Path | None) -> ModelSpec:
    """Copy the statistics into the folder and return the specification with their hash."""
    if statistics is None:
        return replace(spec, source_statistics=None)
    found = StatisticsSpec(sha256=file_sha256(statistics))
    _copy(statistics, folder / found.file)
    return replace(spec, source_statistics=found)


def _write_expected(
    path: Path, expected: GoldenResult | str | os.PathLike[str], spec: ModelSpec
) -> None:
    if isinstance(expected, (str, os.PathLike)):
        _copy(Path(expected), path)
    elif isinstance(expected, SegmentationMask):
        write_index_png(path, expected.class_ids, names=spec.result_classes)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(list(expected), indent=1) + '\n', encoding='utf-8')


def _copy(source: Path, target: Path) -> Path:
    if not source.is_file():
        raise BundleError(f'{source}: no such file')
    target.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copyfile(source, target))


def _verify_files(folder: Path, spec: ModelSpec) -> None:
    """Raise unless every file is inside the folder and the weights have their hashes."""
    hashes = {spec.weights.file: spec.weights.sha256, **spec.weights.external}
    if spec.source_statistics is not None:
        hashes[spec.source_statistics.file] = spec.source_statistics.sha256
    for relative, expected in hashes.items():
        path = _inner_path(folder, relative)
        _compare(path, file_sha256(path), expected)
    if spec.golden is not None:
        _inner_path(folder, spec.golden.frame)
        _inner_path(folder, spec.golden.expected)


def _inner_path(folder: Path, relative: str) -> Path:
    """Return a file inside the folder; links may only lead to places inside it."""
    path = folder / relative
    try:
        resolved = path.resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise BundleError(
            f'{path}: cannot be found ({error}); copy the complete bundle folder'
        ) from error
    if not resolved.is_relative_to(folder.resolve()):
        raise BundleError(
            f'{path}: leads to {resolved}, outside the bundle; copy the file into the folder'
        )
    if not resolved.is_file():
        raise BundleError(f'{path}: is not a regular file; copy the file into the folder')
    return path


def _compare(path: Path, actual: str, expected: str) -> None:
    if actual != expected:
        raise BundleError(
            f'{path}: SHA-256 is {actual}, {SPEC_FILE} says {expected}. The file was changed or '
            'is incomplete: fetch or copy the bundle again. Edit the hash only if you changed '
            'the weights yourself'
        )

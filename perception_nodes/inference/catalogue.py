"""Public weights that may be fetched: address, hash, licence and the complete description."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from perception_nodes.inference import bundle_checks as check
from perception_nodes.inference import golden
from perception_nodes.inference.bundle import (
    GoldenResult,
    ModelBundle,
    file_sha256,
    read_bundle,
    write_bundle,
)
from perception_nodes.inference.bundle_checks import BundleError
from perception_nodes.inference.bundle_spec import ModelSpec
from perception_nodes.inference.bundle_yaml import load_yaml_file
from perception_nodes.inference.cache import cache_folder
from perception_nodes.inference.class_lists import load_class_list
from perception_nodes.inference.download import (
    DownloadError,
    Progress,
    download,
    no_progress,
)
from perception_nodes.inference.golden_boxes import read_expected
from perception_nodes.inference.golden_comparison import DifferenceKind, find_differences
from perception_nodes.inference.resources import resource_path

CATALOGUE_FILE = 'config/models/catalogue.yaml'
_KEYS = ('description', 'size_bytes', 'acceptance', 'spec')
_MAXIMUM_BYTES = 4 << 30


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """
    What any network for these classes sees in a picture: the proof that a description is right.

    :param frame: picture.
    :param objects: JSON list of ``{xyxy, score, class}``; the scores are lower limits.
    :param min_iou: overlap that must be reached.
    """

    frame: Path
    objects: Path
    min_iou: float

    def missing(self, detect: golden.Look, classes: tuple[str, ...]) -> list[str]:
        """Return the objects that the model does not find, in words."""
        found = detect(golden.read_frame(self.frame))
        differences = [
            difference
            for box in read_expected(self.objects)
            for difference in find_differences(
                [box], found[found.scores >= box.score], classes, (self.min_iou, 1.0, 0.0)
            )
        ]
        return [item.text for item in differences if item.kind is not DifferenceKind.EXTRA]


@dataclass(frozen=True, kw_only=True)
class CatalogueEntry:
    """
    One model that can be fetched.

    :param description: one sentence.
    :param size_bytes: length of the file.
    :param spec: the complete ``model.yaml``; its weights hash is that of the public file, its
        ``provenance.url`` the address.
    :param acceptance: proof on a shipped picture, None where there is none.
    """

    description: str
    size_bytes: int
    spec: ModelSpec
    acceptance: Acceptance | None = None

    @property
    def url(self) -> str:
        """Where the weights can be had."""
        return self.spec.provenance.url


def load_catalogue(path: Path | None = None) -> dict[str, CatalogueEntry]:
    """
    Return ``{name: entry}``.

    :param path: None reads the one that ships with the suite.
    :raises BundleError: naming the entry and the field that is wrong.
    """
    path = path or resource_path(CATALOGUE_FILE)
    data = check.mapping(str(path), load_yaml_file(path))
    return {
        name: _entry(f'{path}: {name}', name, value, path.parent) for name, value in data.items()
    }


def find_entry(name: str, catalogue: dict[str, CatalogueEntry]) -> CatalogueEntry:
    """Return an entry, or raise naming the known ones."""
    if name not in catalogue:
        raise BundleError(
            f'{name!r} is not in the catalogue{check.closest(name, catalogue)}; '
            f'known: {", ".join(sorted(catalogue))}'
        )
    return catalogue[name]


def fetched_folder(name: str) -> Path:
    """Return where a fetched or imported model lies."""
    return cache_folder('models') / name


def fetch(
    entry: CatalogueEntry, *, from_file: Path | None = None, progress: Progress = no_progress
) -> ModelBundle:
    """
    Return the bundle of an entry, downloaded unless it is there already.

    :param entry: from :func:`load_catalogue`.
    :param from_file: the weights, where they were brought by hand.
    :param progress: called while downloading.
    :raises BundleError: without network, with the words for placing the file by hand; for a
        file that is not the one the catalogue means.
    """
    target = fetched_folder(entry.spec.name)
    if (target / 'model.yaml').is_file():
        return _present(target, entry)
    if from_file is not None:
        _check_own_file(entry, from_file)
        return write_bundle(target, entry.spec, from_file)
    downloads = cache_folder('downloads')
    weights = downloads / entry.url.rsplit('/', 1)[-1]
    try:
        download(
            entry.url,
            weights,
            entry.spec.weights.sha256,
            size_bytes=entry.size_bytes,
            progress=progress,
        )
    except DownloadError as error:
        raise BundleError(f'{error}. {words_for_placing_by_hand(entry)}') from error
    bundle = write_bundle(target, entry.spec, weights)
    weights.unlink()
    return bundle


def with_golden(bundle: ModelBundle, frame: Path, expected: GoldenResult) -> ModelBundle:
    """Return the bundle written again with a golden frame."""
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(shutil.copy(bundle.weights_path, folder))
        spec = replace(bundle.spec, golden=None)
        return write_bundle(bundle.path, spec, weights, frame, expected, replace_existing=True)


def words_for_placing_by_hand(entry: CatalogueEntry) -> str:
    """Return what to do on a machine without a network."""
    name = entry.spec.name
    return (
        f'Without a network: download {entry.url} on another machine, copy the file here and run '
        f'`perception models fetch {name} --from-file <file>`; SHA-256 '
        f'{entry.spec.weights.sha256}'
    )


def _present(target: Path, entry: CatalogueEntry) -> ModelBundle:
    """Return the bundle that is there already, unless it is damaged or another one."""
    try:
        bundle = read_bundle(target)
    except BundleError as error:
        raise BundleError(f'{error}. Remove {target} and fetch it again') from error
    if bundle.spec.weights.sha256 != entry.spec.weights.sha256:
        raise BundleError(
            f'{target}: holds other weights under this name; rename or remove that folder first'
        )
    return bundle


def _check_own_file(entry: CatalogueEntry, path: Path) -> None:
    if not path.is_file():
        raise BundleError(f'{path}: no such file')
    actual = file_sha256(path)
    if actual != entry.spec.weights.sha256:
        raise BundleError(
            f'{path}: SHA-256 is {actual}, the catalogue means {entry.spec.weights.sha256} from '
            f'{entry.url}; for weights of your own use `perception models import`'
        )


def _entry(where: str, name: str, value: Any, folder: Path) -> CatalogueEntry:
    data = check.keys(where, value, _KEYS, ('description', 'size_bytes', 'spec'))
    spec = check.mapping(f'{where}.spec', data['spec'])
    if isinstance(spec.get('classes'), str):
        spec['classes'] = load_class_list(spec['classes'])
    try:
        parsed = ModelSpec.from_dict({'format': 1, 'name': name, **spec})
    except BundleError as error:
        raise BundleError(f'{where}.spec.{error}') from error
    return CatalogueEntry(
        description=check.text(f'{where}.description', data['description']),
        size_bytes=check.whole_number(
            f'{where}.size_bytes', data['size_bytes'], minimum=1, maximum=_MAXIMUM_BYTES
        ),
        spec=parsed,
        acceptance=_acceptance(f'{where}.acceptance', data.get('acceptance'), folder),
    )


def _acceptance(where: str, value: Any, folder: Path) -> Acceptance | None:
    if value is None:
        return None
    keys = ('frame', 'objects', 'min_iou')
    data = check.keys(where, value, keys, keys)
    return Acceptance(
        frame=folder / check.inner_file(f'{where}.frame', data['frame']),
        objects=folder / check.inner_file(f'{where}.objects', data['objects']),
        min_iou=check.number(f'{where}.min_iou', data['min_iou'], minimum=0, maximum=1),
    )

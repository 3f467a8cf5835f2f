"""From an address to a model bundle."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from perception_nodes.inference.bundle import ModelBundle, read_bundle
from perception_nodes.inference.bundle_checks import BundleError, closest
from perception_nodes.inference.cache import cache_folder
from perception_nodes.inference.catalogue import load_catalogue
from perception_nodes.inference.resources import (
    PACKAGE,
    ament_share_folder,
    resource_path,
)

BUNDLED_MODELS = 'resource/models'


def resolve_model(uri: str | Path) -> ModelBundle:
    """
    Return the bundle that an address names, verified.

    :param uri: a folder; ``file:///…``; ``package://perception_suite/resource/models/<name>``;
        the bare name of a bundled or fetched model; ``torchvision://<builder>[?weights=…]``.
    :raises BundleError: naming what was looked for, where, and what is known.
    """
    text = str(uri).strip()
    scheme = text.partition('://')[0] if '://' in text else ''
    if scheme not in SCHEMES:
        raise BundleError(
            f'{text}: the scheme {scheme!r} is not one of {", ".join(filter(None, SCHEMES))}; '
            'a plain path or the name of a bundled model works too'
        )
    return SCHEMES[scheme](text)


def bundled_models() -> dict[str, Path]:
    """Return ``{name: folder}`` of the models that ship with the suite."""
    try:
        folder = resource_path(BUNDLED_MODELS)
    except FileNotFoundError:
        return {}
    return _bundles_in(folder)


def cached_models() -> dict[str, Path]:
    """Return ``{name: folder}`` of the models that were fetched or imported."""
    return _bundles_in(cache_folder('models'))


def _bundles_in(folder: Path) -> dict[str, Path]:
    return {path.parent.name: path.parent for path in sorted(folder.glob('[!.]*/model.yaml'))}


def _resolve_plain(text: str) -> ModelBundle:
    """Return the bundle in a folder, or the one with a bare name."""
    path = Path(text).expanduser()
    if text and path.exists():
        return read_bundle(path)
    known = {**cached_models(), **bundled_models()}
    if text in known:
        return read_bundle(known[text])
    catalogue = load_catalogue()
    if text in catalogue:
        raise BundleError(f'{text}: was not fetched yet; run: perception models fetch {text}')
    names = sorted({*known, *catalogue})
    raise BundleError(
        f'{text!r}: no such folder and no such model{closest(text, names)}; '
        f'known: {", ".join(names) or "none"} (perception models list)'
    )


def _resolve_file(uri: str) -> ModelBundle:
    parts = urlsplit(uri)
    if parts.netloc not in ('', 'localhost') or not parts.path.startswith('/'):
        raise BundleError(f'{uri}: write file:///absolute/path (three slashes)')
    return read_bundle(unquote(parts.path))


def _resolve_package(uri: str) -> ModelBundle:
    """Return a bundle below the share folder of a ROS package."""
    parts = urlsplit(uri)
    relative = PurePosixPath(unquote(parts.path).lstrip('/'))
    if not parts.netloc or '..' in relative.parts:
        raise BundleError(f'{uri}: write package://<package>/<folder>, without ..')
    if parts.netloc == PACKAGE:
        try:
            return read_bundle(resource_path(str(relative)))
        except FileNotFoundError as error:
            names = ', '.join(bundled_models()) or 'none'
            raise BundleError(f'{uri}: {error}. Bundled models: {names}') from error
    share = ament_share_folder(parts.netloc)
    if share is None:
        raise BundleError(
            f'{uri}: the package {parts.netloc} was not found; source the workspace it is '
            'installed in'
        )
    return read_bundle(share / relative)


def _resolve_torchvision(uri: str) -> ModelBundle:
    # Imported on demand: torch takes seconds, and ONNX models never need it.
    module = import_module('perception_nodes.inference.torchvision_models')
    return module.resolve_torchvision(uri)


SCHEMES: dict[str, Callable[[str], ModelBundle]] = {
    '': _resolve_plain,
    'file': _resolve_file,
    'package': _resolve_package,
    'torchvision': _resolve_torchvision,
}

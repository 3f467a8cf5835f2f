"""``torchvision://`` addresses: models that torchvision builds, as bundles."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import torch
import torchvision

from perception_nodes.inference import class_lists
from perception_nodes.inference.backends.pytorch import loading
from perception_nodes.inference.backends.pytorch.architectures import check_builder
from perception_nodes.inference.bundle import ModelBundle, file_sha256
from perception_nodes.inference.bundle_checks import BundleError, closest
from perception_nodes.inference.bundle_spec import (
    SEGMENTATION,
    ArchitectureSpec,
    DecoderSpec,
    InputSpec,
    Metric,
    ModelSpec,
    Provenance,
    WeightsSpec,
)
from perception_nodes.inference.bundle_yaml import load_yaml
from perception_nodes.inference.download import (
    DownloadError,
    Progress,
    download,
    no_progress,
)
from perception_nodes.structures import ColorOrder

_BACKGROUND = '__background__'
# Detectors normalise and resize inside.
_DETECTION_INPUT = InputSpec(
    size_wh=None, color_order=ColorOrder.RGB, resize='none', scale=1.0 / 255.0
)
_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_DECODERS = {
    'detection': DecoderSpec(name='torchvision', options={'label_offset': 0}),
    SEGMENTATION: DecoderSpec(name='semantic_logits'),
}
# Torchvision's files carry the first digits of their SHA-256: name-a79551df.pth
_HASH_IN_NAME = re.compile(r'-([0-9a-f]{8,64})\.pth$')


def resolve_torchvision(uri: str, progress: Progress = no_progress) -> ModelBundle:
    """
    Return a torchvision detector or segmentation model as a bundle.

    :param uri: ``torchvision://<builder>[?weights=<COCO_V1|file>][&classes=<list|file>]``; any
        further key is an option of the builder, for example ``min_size=320``; ``size=640x480``
        resizes pictures for a segmentation model, which else takes them as they are. Weights by
        name
        come from the torch hub cache, where they are downloaded to if need be.
    :param progress: called while downloading.
    :raises BundleError: for unknown builders or weights, and without network.
    """
    parts = urlsplit(uri)
    builder = parts.netloc + parts.path.rstrip('/')
    options: dict[str, Any] = dict(parse_qsl(parts.query, keep_blank_values=True))
    weights, classes = options.pop('weights', 'DEFAULT'), options.pop('classes', None)
    options = {key: load_yaml(value) for key, value in options.items()}
    check_builder(builder)
    path = Path(weights).expanduser()
    if path.suffix in (*loading.PICKLE_SUFFIXES, loading.SAFETENSORS_SUFFIX):
        return _own_weights(builder, path, classes, options)
    if classes is not None:
        raise BundleError(f'{uri}: classes belongs to weights of your own; add weights=<file>')
    return _published_weights(builder, weights, options, progress)


def _own_weights(
    builder: str, path: Path, classes: str | None, options: Mapping[str, Any]
) -> ModelBundle:
    """Return a bundle around a file of the user's."""
    if not path.is_file():
        raise BundleError(f'{path}: no such file; weights= takes a state dict or safetensors')
    names = _coco_names(builder) if classes is None else _named_classes(classes)
    spec = _spec(builder, path, names, options, Provenance(source=str(path)))
    return ModelBundle(path=path.resolve().parent, spec=spec)


def _published_weights(
    builder: str, name: str, options: Mapping[str, Any], progress: Progress
) -> ModelBundle:
    """Return a bundle around weights that torchvision publishes."""
    known = torchvision.models.get_model_weights(builder)
    if name not in known.__members__:
        raise BundleError(
            f'torchvision://{builder}: {name!r} is neither a file (.pth, .pt, .safetensors) nor '
            f'one of {", ".join(known.__members__)}{closest(name, known.__members__)}'
        )
    weights = known[name]
    path = _cached(weights.url, progress).resolve()
    provenance = Provenance(
        source=f'torchvision {torchvision.__version__}, {weights}',
        licence='BSD-3-Clause (torchvision); trained on COCO 2017',
        url=weights.url,
        data='COCO train2017',
    )
    metrics = [
        Metric(name=key, value=value, data=data)
        for data, figures in weights.meta.get('_metrics', {}).items()
        for key, value in figures.items()
    ]
    names = tuple(weights.meta['categories'])
    spec = _spec(builder, path, _with_background(names), options, provenance, metrics)
    return ModelBundle(path=path.parent, spec=spec)


def _cached(url: str, progress: Progress) -> Path:
    """Return the file in the torch hub cache, downloaded when it is not there."""
    target = Path(torch.hub.get_dir()) / 'checkpoints' / url.rsplit('/', 1)[-1]
    match = _HASH_IN_NAME.search(target.name)
    if match is None:
        raise BundleError(f'{url}: the name carries no hash; download it and use weights=<file>')
    try:
        return download(url, target, match[1], progress=progress)
    except DownloadError as error:
        raise BundleError(
            f'{error}. Without a network: download {url} elsewhere, copy the file '
            f'{target.name} into {target.parent} (TORCH_HOME moves that folder) and try again'
        ) from error


def _spec(
    builder: str,
    path: Path,
    classes: tuple[str, ...],
    options: Mapping[str, Any],
    provenance: Provenance,
    metrics: list[Metric] | None = None,
) -> ModelSpec:
    task, options = check_builder(builder), dict(options)
    size = options.pop('size', None)
    if size is not None and task != SEGMENTATION:
        raise BundleError(f'torchvision://{builder}: size is for segmentation; use min_size')
    return ModelSpec(
        name=builder,
        task=task,
        weights=WeightsSpec(file=path.name, sha256=file_sha256(path)),
        architecture=ArchitectureSpec(name=f'torchvision:{builder}', options=options),
        input=_segmentation_input(size) if task == SEGMENTATION else _DETECTION_INPUT,
        decoder=_DECODERS[task],
        classes=classes,
        provenance=provenance,
        metrics=tuple(metrics or ()),
    )


def _segmentation_input(size: Any) -> InputSpec:
    """
    Return the normalisation of the published weights, which torchvision leaves to the caller.

    :param size: ``WxH``; None takes pictures as they are (the weights were measured with the
        shorter side at 520 pixels).
    """
    sides = () if size is None else tuple(str(size).lower().split('x'))
    if size is not None and not (len(sides) == 2 and all(side.isdecimal() for side in sides)):
        raise BundleError(f'size: {size!r} is not WxH, for example 640x480')
    return InputSpec(
        size_wh=(int(sides[0]), int(sides[1])) if sides else None,
        resize='letterbox' if sides else 'none',
        scale=1.0 / 255.0,
        mean=_IMAGENET_MEAN,
        std=_IMAGENET_STD,
    )


def _coco_names(builder: str) -> tuple[str, ...]:
    weights = torchvision.models.get_model_weights(builder)
    return _with_background(tuple(weights['DEFAULT'].meta['categories']))


def _named_classes(classes: str) -> tuple[str, ...]:
    """Return the classes of a shipped list or a file, with the background in front."""
    path = Path(classes).expanduser()
    if path.suffix:
        return _with_background(class_lists.read_class_list(path))
    return _with_background(class_lists.load_class_list(classes))


def _with_background(names: tuple[str, ...]) -> tuple[str, ...]:
    return names if names[:1] in ((_BACKGROUND,), ('no person',)) else (_BACKGROUND, *names)

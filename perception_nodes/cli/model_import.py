"""From an ONNX file of the user's to a bundle with a golden frame."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from perception_nodes.cli.opened_model import draw_result, open_model
from perception_nodes.inference import golden
from perception_nodes.inference.backends import open_backend
from perception_nodes.inference.bundle import (
    BundleError,
    GoldenResult,
    ModelBundle,
    placeholder_weights,
    write_bundle,
)
from perception_nodes.inference.bundle_spec import (
    Calibration,
    DecoderSpec,
    InputSpec,
    ModelSpec,
    Provenance,
)
from perception_nodes.inference.bundle_yaml import load_yaml
from perception_nodes.inference.class_lists import load_class_list, read_class_list
from perception_nodes.inference.decoders import DECODERS
from perception_nodes.inference.frame_model import FrameModel
from perception_nodes.structures import ColorOrder, Frame

DRAWN_FILE = 'golden/drawn.png'
_UNKNOWN_SIZE = (1, 1)


@dataclass(frozen=True, kw_only=True)
class ImportRequest:
    """What the user says about the file; see the options of ``perception models import``."""

    model: Path
    name: str
    decoder: str
    classes: str
    options: tuple[str, ...] = ()
    size_wh: tuple[int, int] | None = None
    color_order: str = 'rgb'
    resize: str = 'letterbox'
    scale: float = 1 / 255
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    pad_value: int = 114
    score_threshold: float = 0.3
    licence: str = 'unknown'
    source: str = 'unknown'

    @property
    def task(self) -> str:
        """What the decoder is for; an unknown one is explained when the network is opened."""
        return DECODERS[self.decoder].task if self.decoder in DECODERS else 'detection'

    def spec(self, size_wh: tuple[int, int]) -> ModelSpec:
        """Return the description for a network that takes pictures of this size."""
        return ModelSpec(
            name=self.name,
            task=self.task,
            weights=placeholder_weights('model.onnx'),
            input=InputSpec(
                size_wh=size_wh,
                color_order=self.color_order,  # type: ignore[arg-type]  # checked there
                resize=self.resize,
                pad_value=self.pad_value,
                scale=self.scale,
                mean=self.mean,
                std=self.std,
            ),
            decoder=DecoderSpec(name=self.decoder, options=parse_options(self.options)),
            classes=_class_names(self.classes),
            provenance=Provenance(source=self.source, licence=self.licence),
            calibration=Calibration(score_threshold=self.score_threshold),
        )


@dataclass(frozen=True, kw_only=True)
class ImportResult:
    """
    What came out.

    :param bundle: the bundle that was written.
    :param expected: what the model says about the golden frame.
    :param drawn: picture of it, None without a golden frame.
    """

    bundle: ModelBundle
    expected: GoldenResult = ()
    drawn: Path | None = None


def import_onnx(
    request: ImportRequest, folder: Path, picture: Path | None, *, replace: bool = False
) -> ImportResult:
    """
    Write a bundle after running the network, so that a wrong decoder shows at once.

    :param folder: the bundle's folder.
    :param picture: golden frame, or None.
    :param replace: an existing folder may go.
    :raises ValueError: for wrong fields, and a decoder that does not fit the output shapes.
    """
    with tempfile.TemporaryDirectory() as trial_folder:
        trial = Path(trial_folder) / 'bundle'
        size_wh = request.size_wh or _size_in_file(request, Path(trial_folder) / 'unsized')
        spec = request.spec(size_wh)
        model = open_model(write_bundle(trial, spec, request.model), device='cpu')
        model.warm_up()
        if picture is None:
            return ImportResult(
                bundle=write_bundle(folder, spec, request.model, replace_existing=replace)
            )
        expected = golden.record_golden(model, model.class_names, picture, task=spec.task)
        bundle = write_bundle(
            folder, spec, request.model, picture, expected, replace_existing=replace
        )
        drawn = _draw(model, golden.read_frame(picture), bundle.path / DRAWN_FILE)
    return ImportResult(bundle=bundle, expected=expected, drawn=drawn)


def parse_size(text: str) -> tuple[int, int] | None:
    """Return width and height of ``WxH``; None for an empty text."""
    if not text:
        return None
    sides = text.lower().replace('×', 'x').split('x')
    if len(sides) != 2 or not all(side.strip().isdecimal() for side in sides):
        raise BundleError(f'--size: {text!r} is not WxH, for example 416x416')
    return int(sides[0]), int(sides[1])


def parse_three(where: str, text: str) -> tuple[float, ...]:
    """Return three numbers separated by commas."""
    try:
        values = tuple(float(part) for part in text.split(','))
    except ValueError:
        values = ()
    if len(values) != 3:
        raise BundleError(f'{where}: {text!r} is not three numbers, for example 0.5,0.5,0.5')
    return values


def parse_options(options: tuple[str, ...]) -> dict[str, Any]:
    """Return the decoder options of ``key=value`` texts; values are written as in YAML."""
    parsed = {}
    for option in options:
        key, separator, value = option.partition('=')
        if not separator or not key:
            raise BundleError(f'--option: {option!r} is not key=value, for example strides=[8,16]')
        parsed[key.strip()] = load_yaml(value)
    return parsed


def _class_names(classes: str) -> tuple[str, ...]:
    path = Path(classes).expanduser()
    return read_class_list(path) if path.is_file() else load_class_list(classes)


def _size_in_file(request: ImportRequest, folder: Path) -> tuple[int, int]:
    """Return the input size that the file fixes."""
    probe = write_bundle(folder, request.spec(_UNKNOWN_SIZE), request.model)
    backend = open_backend(probe, device='cpu')
    if backend.input_size_wh is None:
        raise BundleError('--size: the network takes any size; give the one it was trained with')
    return backend.input_size_wh


def _draw(model: FrameModel, frame: Frame, path: Path) -> Path:
    """Write the golden frame with its boxes or its mask as PNG."""
    pixels = draw_result(model, frame)
    bgr = Frame(pixels=pixels, color_order=frame.color_order).in_order(ColorOrder.BGR)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), bgr)
    return path

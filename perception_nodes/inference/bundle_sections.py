"""The sections of ``model.yaml``: frozen dataclasses that refuse nonsense on construction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from perception_nodes.inference import bundle_checks as check
from perception_nodes.inference.bundle_checks import BundleError
from perception_nodes.structures import ColorOrder

RESIZES = ('letterbox', 'letterbox_top_left', 'stretch', 'none')
COLOR_ORDERS = tuple(order.value for order in ColorOrder)
TORCHVISION_LIBRARY, SMP_LIBRARY = 'torchvision', 'smp'
LIBRARIES = (TORCHVISION_LIBRARY, SMP_LIBRARY)
_MAXIMUM_SIDE = 16384


def _assign(part: Any, **values: Any) -> None:
    for key, value in values.items():
        object.__setattr__(part, key, value)


@dataclass(frozen=True, kw_only=True)
class WeightsSpec:
    """
    The file with the numbers.

    :param file: path inside the bundle.
    :param sha256: 64 lower-case hexadecimal digits; a file that differs refuses to load.
    :param external: ``{path inside the bundle: sha256}`` of ONNX external data files.
    """

    SECTION: ClassVar[str] = 'weights'
    file: str
    sha256: str
    external: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse paths that leave the folder and anything but a SHA-256."""
        external = check.mapping('weights.external', self.external)
        _assign(
            self,
            file=check.inner_file('weights.file', self.file),
            sha256=check.sha256('weights.sha256', self.sha256),
            external={
                check.inner_file('weights.external', key): check.sha256(
                    f'weights.external.{key}', value
                )
                for key, value in external.items()
            },
        )


@dataclass(frozen=True, kw_only=True)
class ArchitectureSpec:
    """
    What the weights belong to.

    :param name: ``onnx`` (the file holds the network), ``torchvision:<builder>`` or
        ``smp:<class>`` (segmentation-models-pytorch).
    :param options: keyword arguments of the builder.
    """

    SECTION: ClassVar[str] = 'architecture'
    name: str = 'onnx'
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse names of unknown kinds; whether a builder exists is checked on opening."""
        name = check.text('architecture.name', self.name)
        library, _, builder = name.partition(':')
        if name != 'onnx' and not (library in LIBRARIES and builder.isidentifier()):
            raise BundleError(
                f'architecture.name: {check.shown(name)} is neither onnx nor '
                'torchvision:<builder>, for example '
                'torchvision:fasterrcnn_mobilenet_v3_large_320_fpn, nor smp:<class>, for example '
                'smp:Linknet'
            )
        options = check.plain(
            'architecture.options', check.mapping('architecture.options', self.options)
        )
        if name == 'onnx' and options:
            raise BundleError('architecture.options: an ONNX file takes none; remove them')
        _assign(self, name=name, options=options)

    @property
    def library(self) -> str:
        """``onnx``, ``torchvision`` or ``smp``."""
        return self.name.partition(':')[0]

    @property
    def builder(self) -> str | None:
        """What the library calls the network, None for ONNX."""
        return self.name.partition(':')[2] or None


@dataclass(frozen=True, kw_only=True)
class InputSpec:
    """
    How a picture becomes the network's input: ``(pixel × scale − mean) / std`` per channel.

    :param size_wh: width and height in network pixels; None: any size, no resize.
    :param color_order: order of the channels the network was trained with.
    :param resize: ``letterbox`` (centred), ``letterbox_top_left``, ``stretch`` or ``none``.
    :param pad_value: grey level of the letterbox border, 0..255.
    :param scale: factor on pixel values 0..255, above 0.
    :param mean: three numbers in the order of ``color_order``, after scaling.
    :param std: three numbers above 0, likewise.
    """

    SECTION: ClassVar[str] = 'input'
    size_wh: tuple[int, int] | None
    color_order: ColorOrder = ColorOrder.RGB
    resize: str = 'letterbox'
    pad_value: int = 114
    scale: float = 1.0
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        """Bring the fields to their types and refuse values outside the contract."""
        order = getattr(self.color_order, 'value', self.color_order)
        resize = check.choice('input.resize', self.resize, RESIZES)
        if self.size_wh is None and resize != 'none':
            raise BundleError(
                f'input.size_wh: is null, but input.resize is {resize!r}; give '
                '[width, height] or set input.resize to none'
            )
        _assign(
            self,
            size_wh=None if self.size_wh is None else _size('input.size_wh', self.size_wh),
            color_order=ColorOrder(check.choice('input.color_order', order, COLOR_ORDERS)),
            pad_value=check.whole_number(
                'input.pad_value', self.pad_value, minimum=0, maximum=255
            ),
            scale=check.number('input.scale', self.scale, above=0),
            mean=_channels('input.mean', self.mean),
            std=_channels('input.std', self.std, above=0),
        )


def _size(where: str, value: Any) -> tuple[int, int]:
    width, height = (
        check.whole_number(where, side, minimum=1, maximum=_MAXIMUM_SIDE)
        for side in check.items(where, value, 2)
    )
    return width, height


def _channels(where: str, value: Any, **limits: float) -> tuple[float, ...]:
    values = enumerate(check.items(where, value, 3))
    return tuple(check.number(f'{where}[{i}]', item, **limits) for i, item in values)


@dataclass(frozen=True, kw_only=True)
class DecoderSpec:
    """
    How the network's outputs become boxes, masks, classes or paths.

    :param name: key in the registry of decoders, which refuses unknown names.
    :param options: the decoder's own settings, for example ``{strides: [8, 16, 32]}``.
    """

    SECTION: ClassVar[str] = 'decoder'
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse anything but a name and plain data."""
        options = check.mapping('decoder.options', self.options)
        _assign(
            self,
            name=check.name('decoder.name', self.name),
            options=check.plain('decoder.options', options),
        )


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """
    Where the weights come from, so that somebody can judge and repeat.

    :param source: the command or the project that made them.
    :param licence: of the weights, an SPDX name where there is one.
    :param initialisation: what training started from.
    :param url: where the file can be had.
    :param data: what it was trained on, with its licence.
    :param details: anything else as plain data.
    """

    SECTION: ClassVar[str] = 'provenance'
    source: str = 'unknown'
    licence: str = 'unknown'
    initialisation: str = ''
    url: str = ''
    data: str = ''
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse anything but texts and plain data."""
        for key in ('source', 'licence', 'initialisation', 'url', 'data'):
            check.text(f'provenance.{key}', getattr(self, key), empty=True)
        details = check.mapping('provenance.details', self.details)
        _assign(self, details=check.plain('provenance.details', details))


@dataclass(frozen=True, kw_only=True)
class Metric:
    """
    A measured figure.

    :param name: for example ``mAP50`` or ``AP50/person``.
    :param value: finite.
    :param data: the data it was measured on.
    """

    SECTION: ClassVar[str] = 'metrics'
    name: str
    value: float
    data: str

    def __post_init__(self) -> None:
        """Refuse figures without a name, a number or the data."""
        check.text('metrics.name', self.name)
        check.text('metrics.data', self.data)
        _assign(self, value=check.number('metrics.value', self.value))


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """
    How scores are to be read: probability = sigmoid(logit(score) / temperature + bias).

    For masks and classes: probabilities = softmax(logits / temperature), no other field applies.
    For paths: standard deviations are multiplied by the temperature.

    :param temperature: divides logits, above 0.
    :param bias: added to the divided logits (Platt 1999); 0 is plain temperature scaling.
    :param score_threshold: boxes below it are dropped, 0..1.
    :param class_thresholds: ``{class name: threshold}`` where a class needs its own.
    """

    SECTION: ClassVar[str] = 'calibration'
    temperature: float = 1.0
    bias: float = 0.0
    score_threshold: float = 0.3
    class_thresholds: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse thresholds outside 0..1 and temperatures at or below 0."""
        where = 'calibration.class_thresholds'
        thresholds = check.mapping(where, self.class_thresholds)
        _assign(
            self,
            temperature=check.number('calibration.temperature', self.temperature, above=0),
            bias=check.number('calibration.bias', self.bias, minimum=-100, maximum=100),
            score_threshold=check.number(
                'calibration.score_threshold', self.score_threshold, minimum=0, maximum=1
            ),
            class_thresholds={
                key: check.number(f'{where}.{key}', value, minimum=0, maximum=1)
                for key, value in thresholds.items()
            },
        )


@dataclass(frozen=True, kw_only=True)
class GoldenSpec:
    """
    A picture and what the model says about it, compared whenever the model is configured.

    :param frame: picture inside the bundle.
    :param expected: JSON list of ``{xyxy, score, class}``, ``{class, probability}`` or ``{x_m,
        y_m}``, or PNG of class numbers, inside the bundle.
    :param min_iou: overlap that an expected box must reach, 0..1.
    :param max_score_difference: allowed distance of scores and probabilities, 0..1.
    :param min_agreement: share of a mask's pixels that must have the expected class, 0..1.
    """

    SECTION: ClassVar[str] = 'golden'
    frame: str = 'golden/frame.png'
    expected: str = 'golden/expected.json'
    min_iou: float = 0.9
    max_score_difference: float = 0.05
    min_agreement: float = 0.98

    def __post_init__(self) -> None:
        """Refuse paths that leave the folder and limits outside 0..1."""
        _assign(
            self,
            frame=check.inner_file('golden.frame', self.frame),
            expected=check.inner_file('golden.expected', self.expected),
            **{
                key: check.number(f'golden.{key}', getattr(self, key), minimum=0, maximum=1)
                for key in ('min_iou', 'max_score_difference', 'min_agreement')
            },
        )

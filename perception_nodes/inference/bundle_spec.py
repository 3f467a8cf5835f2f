"""The whole of ``model.yaml`` as one value, and its way from and to plain dictionaries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from enum import Enum
from typing import Any

from perception_nodes.inference import bundle_checks as check
from perception_nodes.inference.bundle_checks import BundleError
from perception_nodes.inference.bundle_sections import (
    ArchitectureSpec,
    Calibration,
    DecoderSpec,
    GoldenSpec,
    InputSpec,
    Metric,
    Provenance,
    WeightsSpec,
)
from perception_nodes.inference.class_map import ClassMap, map_classes
from perception_nodes.inference.statistics_section import StatisticsSpec
from perception_nodes.structures import MAX_CLASSES

__all__ = [
    'ArchitectureSpec',
    'BundleError',
    'Calibration',
    'DecoderSpec',
    'GoldenSpec',
    'InputSpec',
    'Metric',
    'ModelSpec',
    'Provenance',
    'WeightsSpec',
]

FORMAT = 1
TASKS = ('detection', 'segmentation', 'classification', 'path', 'translation')
# Names that a class list may repeat: the gaps in the label numbers of the COCO models.
PLACEHOLDER_CLASSES = ('__background__', 'N/A')
SEGMENTATION = 'segmentation'
_MAXIMUM_CLASSES = 100_000


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """
    Everything that training and robot must agree on.

    :param format: version of this layout, 1.
    :param name: name of the bundle, usable as a folder name.
    :param task: ``detection``, ``segmentation``, ``classification``, ``path`` or
        ``translation``.
    :param weights: file and hash.
    :param architecture: what the weights belong to.
    :param input: how a picture becomes the network's input.
    :param decoder: how the outputs become results.
    :param classes: names in the order of the network's class numbers.
    :param remap: segmentation: ``{class: name for the robot}``; classes with the same name become
        one, and ``unlabelled`` becomes 255.
    :param provenance: source and licence.
    :param metrics: measured figures with the data they were measured on.
    :param calibration: temperature and thresholds.
    :param features: statistics for novelty as plain data, or None.
    :param source_statistics: of the training's pictures, or None.
    :param golden: picture with expected result, or None.
    """

    format: int = FORMAT
    name: str
    task: str
    weights: WeightsSpec
    architecture: ArchitectureSpec = field(default_factory=ArchitectureSpec)
    input: InputSpec
    decoder: DecoderSpec
    classes: tuple[str, ...]
    remap: Mapping[str, str] = field(default_factory=dict)
    provenance: Provenance = field(default_factory=Provenance)
    metrics: tuple[Metric, ...] = ()
    calibration: Calibration = field(default_factory=Calibration)
    features: Mapping[str, Any] | None = None
    source_statistics: StatisticsSpec | None = None
    golden: GoldenSpec | None = None

    def __post_init__(self) -> None:
        """Check the fields that belong to no section, and what must fit between sections."""
        check.name('name', self.name)
        check.choice('task', self.task, TASKS)
        _check_format(self.format)
        for key, part in _SECTIONS.items():
            _check_section(key, getattr(self, key), part)
        object.__setattr__(self, 'metrics', tuple(check.items('metrics', self.metrics)))
        for metric in self.metrics:
            _check_section('metrics', metric, Metric)
        object.__setattr__(self, 'classes', _class_names(self.classes))
        if self.features is not None:
            features = check.plain('features', check.mapping('features', self.features))
            object.__setattr__(self, 'features', features)
        self._check_consistency()
        self._check_remap()

    @property
    def result_map(self) -> ClassMap:
        """How the network's classes become those of the results."""
        return map_classes(self.classes, self.remap, 'remap')

    @property
    def result_classes(self) -> tuple[str, ...]:
        """Names of the classes in the results: those of the network, renamed by ``remap``."""
        return self.result_map.names

    def _check_remap(self) -> None:
        remap = check.mapping('remap', self.remap)
        for key, value in remap.items():
            check.text(f'remap.{key}', value)
        object.__setattr__(self, 'remap', remap)
        if self.task != SEGMENTATION:
            if remap:
                raise BundleError(
                    f'remap: is for segmentation, the task is {self.task}; remove it'
                )
            return
        if len(self.classes) > MAX_CLASSES:
            raise BundleError(
                f'classes: {len(self.classes)} names; a mask holds {MAX_CLASSES} and unlabelled'
            )
        try:
            map_classes(self.classes, remap, 'remap')
        except ValueError as error:
            raise BundleError(str(error)) from error

    def _check_consistency(self) -> None:
        for name in self.calibration.class_thresholds:
            if name not in self.classes:
                raise BundleError(
                    f'calibration.class_thresholds: {check.shown(name)} is not one of the '
                    f'classes{check.closest(name, self.classes)}'
                )
        if self.architecture.builder is None and self.weights.file.endswith(('.pt', '.pth')):
            raise BundleError(
                f'weights.file: {check.shown(self.weights.file)} is a state dict and needs '
                'architecture.name torchvision:<builder> or smp:<class>'
            )

    @classmethod
    def from_dict(cls, data: Any) -> ModelSpec:
        """
        Return the specification that a dictionary describes.

        :param data: what ``model.yaml`` holds.
        :raises BundleError: naming the field, the value, what is allowed and the cure.
        """
        values = _known_values(cls, 'model.yaml', data)
        _check_format(values.get('format', FORMAT))
        for key, part in _SECTIONS.items():
            if key in values and not (key in _OPTIONAL and values[key] is None):
                values[key] = part(**_known_values(part, key, values[key]))
        if 'metrics' in values:
            metrics = check.items('metrics', values['metrics'])
            values['metrics'] = tuple(
                Metric(**_known_values(Metric, f'metrics[{i}]', item))
                for i, item in enumerate(metrics)
            )
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that :meth:`from_dict` reads back."""
        return {item.name: _to_plain(getattr(self, item.name)) for item in fields(self)}


_SECTIONS: dict[str, type] = {
    'weights': WeightsSpec,
    'architecture': ArchitectureSpec,
    'input': InputSpec,
    'decoder': DecoderSpec,
    'provenance': Provenance,
    'calibration': Calibration,
    'source_statistics': StatisticsSpec,
    'golden': GoldenSpec,
}
_OPTIONAL = ('source_statistics', 'golden')


def _check_format(value: Any) -> None:
    if isinstance(value, bool) or value != FORMAT:
        raise BundleError(
            f'format: {check.shown(value)} is not supported, this version reads {FORMAT}; '
            'update perception_suite or write the bundle again'
        )


def _check_section(key: str, value: Any, part: type) -> None:
    if not isinstance(value, part) and not (key in _OPTIONAL and value is None):
        raise BundleError(f'{key}: needs a {part.__name__}, got {check.shown(value)}')


def _class_names(classes: Any) -> tuple[str, ...]:
    """Return the class names, or raise for none, too many, empty, or repeated ones."""
    names = check.items('classes', classes)
    if not 1 <= len(names) <= _MAXIMUM_CLASSES:
        raise BundleError(f'classes: {len(names)} names; give 1 to {_MAXIMUM_CLASSES}')
    seen: set[str] = set()
    for i, item in enumerate(names):
        label = check.text(f'classes[{i}]', item)
        if label in seen and label not in PLACEHOLDER_CLASSES:
            raise BundleError(f'classes[{i}]: {check.shown(label)} stands twice; name it apart')
        seen.add(label)
    return tuple(names)


def _known_values(part: type, where: str, data: Any) -> dict[str, Any]:
    """Return the dictionary of a section with unknown and missing keys refused."""
    parts = fields(part)
    required = [
        item.name for item in parts if item.default is MISSING and item.default_factory is MISSING
    ]
    return check.keys(where, data, [item.name for item in parts], required)


def _to_plain(value: Any) -> Any:
    if hasattr(value, '__dataclass_fields__'):
        return {item.name: _to_plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {key: _to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_plain(item) for item in value]
    return value

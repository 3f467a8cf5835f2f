"""What a training run is made of, read from a YAML file and checked once."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml

from perception_nodes.learning.trunks import EFFICIENTNET_LITE, normalisation_of
from perception_nodes.structures import check_settings, setting, settings_of


@dataclass(frozen=True, kw_only=True)
class ScheduleRecipe:
    """Length and speed of the optimisation."""

    epochs: int = setting(20, 'passes over the training pictures', minimum=1)
    epoch_pictures: int = setting(
        0,
        'pictures of one epoch, drawn anew for each, repeated if there are fewer; 0: all',
        minimum=0,
    )
    batch: int = setting(16, 'crops in one step', minimum=1)
    learning_rate: float = setting(2e-3, 'peak rate of new layers', minimum=0.0, maximum=1.0)
    trunk_rate_factor: float = setting(
        0.2, 'rate of the trunk as a part of learning_rate', minimum=0.0, maximum=1.0
    )
    weight_decay: float = setting(0.02, 'AdamW decay of weights', minimum=0.0, maximum=1.0)
    momentum: float = setting(
        0.9,
        'decay of the mean gradient in AdamW; 0.5 where two networks learn against each other',
        minimum=0.0,
        maximum=0.999,
    )
    warmup_steps: int = setting(200, 'steps of linear warm-up', minimum=0)
    gradient_clip: float = setting(10.0, 'largest gradient norm', minimum=0.0)
    ema_decay: float = setting(
        0.998, 'decay of the averaged weights', minimum=0.0, maximum=0.99999
    )
    validation_images: int = setting(
        200, 'pictures of the validation set looked at after an epoch; 0: all', minimum=0
    )
    validate_every: int = setting(1, 'epochs from one look at them to the next', minimum=1)
    patience: int = setting(
        0, 'looks without a better figure after which the run ends; 0: none end it', minimum=0
    )
    frozen_epochs: int = setting(
        0,
        'first epochs in which the trunk stays as it is; then it learns, but for '
        'model.frozen_stages',
        minimum=0,
    )

    def __post_init__(self) -> None:
        """Check the values."""
        check_settings(self)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """
    What every training run has; a kind of task adds its sections.

    :param input_wh: network pixels (width, height).
    :param classes: names in the order of the class ids.
    :param normalise_mean: per channel, on pixels in 0..1; empty: what the trunk's weights want.
    :param normalise_std: likewise.
    """

    name: str
    classes: tuple[str, ...]
    input_wh: tuple[int, int] = (640, 480)
    seed: int = setting(0, 'seed of every random choice', minimum=0)
    normalise_mean: tuple[float, ...] = ()
    normalise_std: tuple[float, ...] = ()
    schedule: ScheduleRecipe = ScheduleRecipe()

    def __post_init__(self) -> None:
        """Check the values."""
        check_settings(self)
        if not self.classes or len(set(self.classes)) != len(self.classes):
            raise ValueError(f'classes: need distinct names, at least one, got {self.classes}')
        if len(self.input_wh) != 2 or any(side < 32 for side in self.input_wh):
            raise ValueError(f'input_wh: {self.input_wh} must be two numbers of at least 32')
        trunk = getattr(getattr(self, 'model', None), 'trunk', EFFICIENTNET_LITE[0])
        names = ('normalise_mean', 'normalise_std')
        for name, wanted in zip(names, normalisation_of(trunk), strict=True):
            if not getattr(self, name):
                object.__setattr__(self, name, wanted)
            if len(getattr(self, name)) != 3:
                raise ValueError(f'{name}: need three numbers, got {getattr(self, name)}')


R = TypeVar('R', bound=Recipe)


def _check_type(where: str, value: Any, wanted: type) -> None:
    """Refuse a value of another kind than the default's; whole numbers pass as fractions."""
    fits = isinstance(value, (int, float) if wanted is float else wanted)
    if not fits or (isinstance(value, bool) and wanted is not bool):
        raise ValueError(f'{where}: {value!r} is not of the kind {wanted.__name__}')


def _build(kind: type, values: Any, where: str) -> Any:
    """Return ``kind(**values)``; errors name the file, the section and the allowed fields."""
    if not isinstance(values, dict):
        raise ValueError(f'{where}: expected fields with values, got {values!r}')
    allowed = [item.name for item in fields(kind)]
    unknown = sorted(str(key) for key in values if key not in allowed)
    if unknown:
        raise ValueError(
            f'{where}: unknown {", ".join(unknown)}; allowed are {", ".join(allowed)}'
        )
    for name, (default, _rule) in settings_of(kind).items():
        _check_type(f'{where}, {name}', values.get(name, default), type(default))
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise ValueError(f'{where}: {error}') from error


def recipe_from_dict(values: Any, kind: type[R], where: str = 'recipe') -> R:
    """
    Return the checked recipe.

    :param values: fields of the kind of recipe, sections as dictionaries.
    :param kind: of the task.
    :param where: named in errors.
    :raises ValueError: naming the value and what is allowed.
    """
    if not isinstance(values, dict):
        raise ValueError(f'{where}: expected fields with values, got {values!r}')
    top = {
        key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
    }
    for item in fields(kind):
        if is_dataclass(item.default) and item.name in top:
            section = type(item.default)
            top[item.name] = _build(section, top[item.name], f'{where}, {item.name}')
    return _build(kind, top, where)


def read_recipe(path: Path, kind: type[R]) -> R:
    """Return the recipe in a YAML file."""
    try:
        values = yaml.safe_load(path.read_text(encoding='utf-8'))
    except yaml.YAMLError as error:
        raise ValueError(f'{path}: not valid YAML: {error}') from error
    return recipe_from_dict(values, kind, str(path))


def seeded(recipe: R, seed: int | None) -> R:
    """Return the recipe with another seed; None changes nothing."""
    return recipe if seed is None else replace(recipe, seed=seed)


def recipe_to_dict(recipe: Recipe) -> dict[str, Any]:
    """Return plain values, the inverse of :func:`recipe_from_dict`."""
    return asdict(recipe)

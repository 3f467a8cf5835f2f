"""What a training run of a picture translator is made of."""

from __future__ import annotations

from dataclasses import dataclass

from perception_nodes.learning.recipe import Recipe
from perception_nodes.structures import check_settings, setting


@dataclass(frozen=True, kw_only=True)
class RefinerRecipe:
    """Size and reach of the network that changes pictures."""

    channels: int = setting(32, 'channels of the inner layers', minimum=4, maximum=256)
    blocks: int = setting(5, 'residual blocks of two convolutions', minimum=1, maximum=16)
    largest_change: float = setting(
        0.5,
        'largest change of a pixel as a part of the full range',
        minimum=0.01,
        maximum=1.0,
    )

    def __post_init__(self) -> None:
        """Check the values."""
        check_settings(self)


@dataclass(frozen=True, kw_only=True)
class CriticRecipe:
    """Size, speed and memory of the network that tells real patches from translated ones."""

    channels: int = setting(32, 'channels of the first layer', minimum=4, maximum=256)
    layers: int = setting(
        3, 'convolutions of stride 2; 3 judge patches of 46 pixels', minimum=1, maximum=5
    )
    rate_factor: float = setting(
        1.0, 'rate as a part of learning_rate', minimum=0.0, maximum=100.0
    )
    history: int = setting(
        64, 'earlier crops that are shown again; 0: none', minimum=0, maximum=10_000
    )

    def __post_init__(self) -> None:
        """Check the values."""
        check_settings(self)


@dataclass(frozen=True, kw_only=True)
class PictureDataRecipe:
    """How pictures of both sides are cut."""

    crop_wh: tuple[int, int] = (128, 128)
    real_pictures: int = setting(
        1000, 'real frames kept in memory, at equal distances', minimum=4, maximum=100_000
    )
    flip: bool = setting(True, 'mirror half of the pictures')
    cached: bool = setting(True, 'keep the synthetic pictures in memory, decoded')
    workers: int = setting(1, 'processes that load pictures', minimum=0, maximum=64)

    def __post_init__(self) -> None:
        """Check the values."""
        check_settings(self)
        object.__setattr__(self, 'crop_wh', tuple(self.crop_wh))
        if len(self.crop_wh) != 2 or any(side < 32 or side % 8 for side in self.crop_wh):
            raise ValueError(f'crop_wh: {self.crop_wh} must be two multiples of 8, at least 32')


@dataclass(frozen=True, kw_only=True)
class TranslationLossRecipe:
    """Weights of the terms: look real, and stay what you are."""

    adversarial: float = setting(1.0, 'weight of looking real to the critic', minimum=0.0)
    content: float = setting(
        2.0,
        'weight of the difference in content: features without colour and contrast',
        minimum=0.0,
    )
    pixels: float = setting(0.5, 'weight of the mean change of a pixel', minimum=0.0)
    labels: float = setting(
        0.0, 'weight of what a segmenter says differently afterwards; needs keeper, bundle',
        minimum=0.0,
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Check the values."""
        check_settings(self)


@dataclass(frozen=True, kw_only=True)
class KeeperRecipe:
    """A trained segmenter that must see the same things after the translation."""

    bundle: str = setting('', 'folder, URI or name of the model; empty: none')

    @property
    def is_on(self) -> bool:
        """Whether there is one."""
        return bool(self.bundle)


@dataclass(frozen=True, kw_only=True)
class TranslationRecipe(Recipe):
    """
    A whole training run of a translator.

    :param input_wh: at which size both sides are looked at; a real camera's own, or smaller.
    """

    classes: tuple[str, ...] = ('picture',)
    input_wh: tuple[int, int] = (320, 240)
    refiner: RefinerRecipe = RefinerRecipe()
    critic: CriticRecipe = CriticRecipe()
    data: PictureDataRecipe = PictureDataRecipe()
    loss: TranslationLossRecipe = TranslationLossRecipe()
    keeper: KeeperRecipe = KeeperRecipe()

    def __post_init__(self) -> None:
        """Check the values, and that they fit together."""
        super().__post_init__()
        if any(side % 2 for side in self.input_wh):
            raise ValueError(f'input_wh: {self.input_wh} must be two even numbers')
        if any(c > side for c, side in zip(self.data.crop_wh, self.input_wh, strict=True)):
            raise ValueError(
                f'data, crop_wh: {self.data.crop_wh} is larger than input_wh {self.input_wh}'
            )
        if self.loss.labels and not self.keeper.is_on:
            raise ValueError(
                f'loss, labels: {self.loss.labels} needs a segmenter; name one in keeper, bundle'
            )

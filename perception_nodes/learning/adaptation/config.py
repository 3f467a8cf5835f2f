"""How a segmenter is adapted, checked once."""

from __future__ import annotations

from dataclasses import dataclass

from perception_nodes.structures import check_settings, setting

METHODS = ('statistics', 'entropy')


@dataclass(frozen=True, kw_only=True)
class AdaptationConfig:
    """
    Method, pace and limits.

    The limits compare the adapted network with the source network on pictures of the new place:
    ``least_class_share``, ``gone_class_share`` and ``least_agreement``.
    """

    method: str = setting(
        'statistics', 'statistics of the norms alone, or entropy after them', choices=METHODS
    )
    prior_pictures: float = setting(
        16.0,
        'how many pictures of the new place the source statistics weigh as much as; 0: they are '
        'forgotten',
        minimum=0.0,
    )
    batch: int = setting(8, 'pictures whose statistics are taken together', minimum=1)
    passes: int = setting(
        2, 'times the statistics are measured, each with those of the one before', minimum=1
    )
    steps: int = setting(16, 'steps of the entropy method', minimum=1, maximum=1000)
    step_batch: int = setting(4, 'pictures in one of its steps', minimum=1)
    learning_rate: float = setting(
        3e-3,
        'Adam rate of the entropy method, in deviations of a channel',
        minimum=0.0,
        maximum=0.1,
    )
    watch_every: int = setting(4, 'steps from one look at the limits to the next', minimum=1)
    watched_pictures: int = setting(8, 'pictures that a look is taken at', minimum=1)
    least_class_share: float = setting(
        0.005,
        'of the pixels; classes to which the source network gives less are not watched',
        minimum=0.0,
        maximum=1.0,
    )
    gone_class_share: float = setting(
        0.0005,
        'of the pixels; a watched class that has less counts as vanished. What the source network '
        'gives a class in a bad light may be wrong, so that a mere fall proves nothing',
        minimum=0.0,
        maximum=1.0,
    )
    least_agreement: float = setting(
        0.4,
        'part of the pixels that must stay as the source network says while confidence grows',
        minimum=0.0,
        maximum=1.0,
    )
    seed: int = setting(0, 'of the order of the pictures', minimum=0)

    def __post_init__(self) -> None:
        """Check the values."""
        check_settings(self)

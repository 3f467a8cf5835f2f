"""What a training in int8 is made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from perception_nodes.structures import check_settings, setting


@dataclass(frozen=True, kw_only=True)
class QuantisedRecipe:
    """
    Learning with the rounding of the int8 file (Jacob et al. 2018; ranges: Esser et al. 2020).

    The run goes on from a trained network (``--start``) and writes int8.
    """

    form: str = setting('none', 'what the network is rounded to', choices=('none', 'int8'))
    pictures: int = setting(48, 'training pictures on which ranges are measured first', minimum=1)
    kept_float: int = setting(
        0, 'convolutions that stay in float32, those that quantise worst', minimum=0
    )
    range_rate_factor: float = setting(
        10.0, 'rate of the logarithm of ranges as a multiple of learning_rate; 0: they stay',
        minimum=0.0, maximum=1000.0,
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Check the values."""
        check_settings(self)

    @property
    def is_on(self) -> bool:
        """Whether anything is rounded."""
        return self.form != 'none'

    def check_start(self, start: Path | None) -> None:
        """
        Refuse to round a network that is not trained yet.

        :raises ValueError: with the cure.
        """
        if self.is_on and start is None:
            raise ValueError(
                f'quantised, form: {self.form} goes on from a trained network; name its ONNX file '
                'in float32 (--start), or take form none'
            )


NOT_QUANTISED = QuantisedRecipe()

"""What a trained network is to do without."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from perception_nodes.structures import check_settings, setting


@dataclass(frozen=True, kw_only=True)
class PruningRecipe:
    """
    How much of a trained network stays; the training that follows makes up for the rest.

    Fewer channels make a network faster wherever it runs. Single weights of 0 leave its speed as
    it is and make a packed file smaller.
    """

    macs: float = setting(
        1.0,
        'part of the multiplications that stays, by leaving out whole channels; 1: all',
        minimum=0.05,
        maximum=1.0,
    )
    weights: float = setting(
        1.0,
        'part of the weights that stays, biases and norms aside, the others are 0; 1: all',
        minimum=0.02,
        maximum=1.0,
    )
    of_start: bool = setting(
        False, 'the network that the training starts from was pruned: take its widths'
    )
    batches: int = setting(
        8, 'training batches that tell which channels matter', minimum=1, maximum=1000
    )
    round_to: int = setting(
        8, 'numbers of channels are multiples of this; 8 suits processors', minimum=1, maximum=64
    )

    def __post_init__(self) -> None:
        """Check the values."""
        check_settings(self)

    @property
    def is_on(self) -> bool:
        """Whether anything is left out."""
        return self.macs < 1 or self.weights < 1

    def check_start(self, start: Path | None) -> None:
        """
        Refuse to prune a network that is not trained yet.

        :raises ValueError: with the cure.
        """
        if self.is_on and start is None:
            raise ValueError(
                'pruning: only a trained network shows what it can do without; name its ONNX file '
                '(--start), or leave macs and weights at 1'
            )


NOT_PRUNED = PruningRecipe()

"""How strong an attack is, checked once."""

from __future__ import annotations

from dataclasses import dataclass

from perception_nodes.structures import check_settings, setting

LEVELS = 255.0  # of an 8-bit picture
_REACH = 2.5  # steps add up to this many ε (Madry et al. 2018)
_LONGEST = 1.25  # ε in one step (Wong et al., "Fast is better than free", ICLR 2020)


@dataclass(frozen=True, kw_only=True)
class AttackConfig:
    """
    A budget and how it is spent.

    Sizes are grey levels of the source picture, before any normalisation: 4 is the 4/255 of the
    literature.
    """

    epsilon_levels: float = setting(
        4.0, 'largest change of a pixel value, grey levels of 255', minimum=1.0, maximum=128.0
    )
    step_levels: float = setting(
        0.0,
        'change in one step, grey levels; 0: 2.5 ε / iterations, at most 1.25 ε',
        minimum=0.0,
        maximum=256.0,
    )
    iterations: int = setting(20, 'steps from each start', minimum=1, maximum=10000)
    restarts: int = setting(
        1, 'random starts; the one that spoils most pixels counts', minimum=1, maximum=100
    )

    def __post_init__(self) -> None:
        """Check the values, and that the steps fit the budget."""
        check_settings(self)
        if self.step_levels > 2 * self.epsilon_levels:
            raise ValueError(
                f'step_levels: {self.step_levels:g} jumps across the whole budget of '
                f'±{self.epsilon_levels:g}; take at most {2 * self.epsilon_levels:g}, or 0'
            )
        if self.step_levels and self.step_levels * self.iterations < self.epsilon_levels:
            raise ValueError(
                f'step_levels: {self.iterations} steps of {self.step_levels:g} never reach '
                f'epsilon_levels {self.epsilon_levels:g}; take larger steps, more iterations, or 0'
            )

    @property
    def epsilon(self) -> float:
        """Largest change of a pixel value on the scale 0..1."""
        return self.epsilon_levels / LEVELS

    @property
    def step(self) -> float:
        """Change in one step on the scale 0..1."""
        return self.taken_levels / LEVELS

    @property
    def taken_levels(self) -> float:
        """Change in one step, grey levels, also where ``step_levels`` leaves it open."""
        usual = min(_REACH / self.iterations, _LONGEST) * self.epsilon_levels
        return self.step_levels or usual


@dataclass(frozen=True, kw_only=True)
class PatchConfig:
    """
    A printed square that is laid somewhere into the picture.

    It is learnt under random places, sizes and turns (Brown et al. 2017).
    """

    side: float = setting(
        0.25, 'its side as a part of the shorter side of the picture', minimum=0.02, maximum=0.7
    )
    texels: int = setting(64, 'pixels of its own along a side', minimum=4, maximum=1024)
    steps: int = setting(300, 'pictures that it is learnt on', minimum=1, maximum=100000)
    rate_levels: float = setting(
        8.0, 'rate of learning (Adam), grey levels a step', minimum=0.01, maximum=128.0
    )
    zoom: float = setting(1.25, 'largest change of its size, a factor', minimum=1.0, maximum=2.0)
    turn_deg: float = setting(15.0, 'largest turn to either side', minimum=0.0, maximum=180.0)

    def __post_init__(self) -> None:
        """Check the values, and that the patch always fits."""
        check_settings(self)
        if self.side * self.zoom > 0.9:
            raise ValueError(
                f'side {self.side:g} enlarged by zoom {self.zoom:g} fills more than 0.9 of the '
                'picture; lower one of them'
            )

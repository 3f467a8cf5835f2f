"""
What the adapted network says beside the source network, and when that goes too far.

Without labels nobody knows whether an answer is better. Two ways of getting worse can be seen:
a class dies out, or the network grows surer of answers that are no longer those of the source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from perception_nodes.learning.adaptation.config import AdaptationConfig
from perception_nodes.learning.adaptation.norms import OpenNetwork
from perception_nodes.learning.adaptation.pictures import PictureBatches


class AdaptationRefused(ValueError):
    """Nothing is written; the text says what went wrong and what may help."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """
    What a network says about the watched pictures.

    :param shares: part of the cells by class, 0..1.
    :param agreement: part of the cells that are decided as by the source network, 0..1.
    :param confidence: mean probability of the class that is decided, 0..1.
    """

    shares: dict[str, float]
    agreement: float
    confidence: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, rounded."""
        plain = asdict(self)
        plain['shares'] = {name: round(value, 5) for name, value in self.shares.items()}
        return {**plain, 'agreement': round(self.agreement, 4), 'confidence': round(
            self.confidence, 4)}  # fmt: skip


class Watch:
    """
    The limits, on fixed pictures.

    :param opened: the network before it is adapted.
    :param pictures: to look at.
    :param classes: of the network.
    :param temperature: of its calibration.
    """

    def __init__(
        self,
        opened: OpenNetwork,
        pictures: PictureBatches,
        classes: Sequence[str],
        temperature: float,
        config: AdaptationConfig,
    ) -> None:
        self._pictures = pictures
        self._classes = tuple(classes)
        self._temperature = temperature
        self._config = config
        self._decided: list[torch.Tensor] = []
        with torch.inference_mode():
            for batch in pictures:
                self._decided.append(opened.logits(batch).argmax(1).to(torch.uint8))
        self.source = self.look(opened)

    @torch.inference_mode()
    def look(self, opened: OpenNetwork) -> Look:
        """Return what the network says now, in the mode in which its norms are."""
        counts = torch.zeros(len(self._classes), dtype=torch.int64)
        sure, same = 0.0, 0
        for batch, before in zip(self._pictures, self._decided, strict=True):
            probability, decided = (
                (opened.logits(batch).float() / self._temperature).softmax(1).max(1)
            )
            counts += torch.bincount(decided.flatten().cpu(), minlength=len(counts))
            same += int((decided.to(torch.uint8) == before).sum())
            sure += float(probability.double().sum())
        total = int(counts.sum())
        return Look(
            shares=dict(zip(self._classes, (counts / total).tolist(), strict=True)),
            agreement=same / total,
            confidence=sure / total,
        )

    def fault(self, look: Look) -> str:
        """Return which limit is broken, empty for none."""
        config = self._config
        for name, before in self.source.shares.items():
            after = look.shares[name]
            if before >= config.least_class_share and after < config.gone_class_share:
                return f'class {name} vanishes: {before:.2%} of the pixels before, {after:.3%} now'
        grows = look.confidence > self.source.confidence
        if grows and look.agreement < config.least_agreement:
            return (
                f'confidence grows from {self.source.confidence:.3f} to {look.confidence:.3f} '
                f'while only {look.agreement:.1%} of the pixels stay as the source network says '
                f'(least_agreement {config.least_agreement:.0%})'
            )
        return ''

    def check(self, look: Look) -> None:
        """
        Refuse what breaks a limit.

        :raises AdaptationRefused: naming it and what may help.
        """
        fault = self.fault(look)
        if fault:
            raise AdaptationRefused(
                f'not adapted: {fault}. Take more pictures that show every class, a higher '
                '--prior, or label some (perception select)'
            )

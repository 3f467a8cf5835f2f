"""SSD networks: offsets to prior boxes, class scores with a background (arXiv:1512.02325)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perception_nodes.inference.decoders.boxes import BoxDecoder
from perception_nodes.inference.decoders.candidates import (
    Candidates,
    cxcywh_to_xyxy,
    pick_classes,
    sigmoid,
    softmax,
)
from perception_nodes.inference.decoders.contract import (
    DecoderError,
    Outputs,
    register,
)
from perception_nodes.inference.decoders.priors import (
    priors_on,
    relative_sizes,
    sizes_in_pixels,
)
from perception_nodes.inference.decoders.tensors import Wanted, select

ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    'none': np.asarray,
    'softmax': softmax,
    'sigmoid': sigmoid,
}
BOX_FORMATS = ('offsets', 'corners', 'corners_px')


@register('ssd')
@dataclass(frozen=True, kw_only=True)
class SsdDecoder(BoxDecoder):
    """
    Centre = prior + offset · variance · prior size, size = prior size · exp(offset · variance).

    Priors come from a tensor ``priors``, from the option ``priors``, or are generated from
    ``anchor_sizes`` (RFB and other SSDs on fixed strides) or ``scales`` and ``aspect_ratios``
    (TorchVision's ``DefaultBoxGenerator``).

    :param boxes: ``offsets`` to priors; ``corners`` as parts of the picture, or ``corners_px``,
        where the network has decoded already.
    :param activation: what turns the network's numbers into scores: ``none`` (it did so itself),
        ``softmax`` or ``sigmoid``.
    :param background: column of the background in the scores; −1 if there is none.
    :param variances: factors on the offsets of centre and size.
    :param strides: input pixels per cell of each feature map.
    :param feature_sizes: columns and rows of each feature map, in place of strides.
    :param anchor_sizes: per feature map, sides of squares or (width, height) in network pixels.
    :param scales: parts of the picture, one per feature map and one more.
    :param aspect_ratios: per feature map, ratios besides 1.
    :param priors: centre x, y, width, height of each prior as parts of the picture.
    :param multi_label: report a box once per class above the threshold.
    """

    expects: ClassVar[str] = (
        'scores (1, N, C + 1), or (1, N, C) without background; boxes (1, N, 4) offsets to N '
        'priors, or corners; priors (1, N, 4), optional'
    )
    boxes: str = 'offsets'
    activation: str = 'none'
    background: int = 0
    variances: tuple[float, float] = (0.1, 0.2)
    strides: tuple[int, ...] = ()
    feature_sizes: tuple[tuple[int, int], ...] = ()
    anchor_sizes: tuple = ()
    scales: tuple[float, ...] = ()
    aspect_ratios: tuple[tuple[float, ...], ...] = ()
    priors: tuple[tuple[float, float, float, float], ...] = ()
    multi_label: bool = False

    def __post_init__(self) -> None:
        """Check the closed choices and the position of the background."""
        super().__post_init__()
        for key, allowed in (('boxes', BOX_FORMATS), ('activation', tuple(ACTIVATIONS))):
            if getattr(self, key) not in allowed:
                raise DecoderError(
                    f'{key} {getattr(self, key)!r} is not one of {", ".join(allowed)}'
                )
        if not -1 <= self.background <= self.class_count:
            raise DecoderError(
                f'background {self.background} must lie in −1..{self.class_count}; −1: none'
            )

    def candidates(
        self, outputs: Outputs, network_wh: tuple[int, int], score_threshold: float
    ) -> Candidates:
        """Filter by score, then decode only what is left."""
        columns = self.class_count + (self.background >= 0)
        found = select(
            outputs,
            [
                Wanted('scores', ('N', columns)),
                Wanted('boxes', ('N', 4)),
                Wanted('priors', ('N', 4), optional=True),
            ],
        )
        scores = ACTIVATIONS[self.activation](found['scores'])
        if self.background >= 0:
            scores = np.delete(scores, self.background, axis=1)
        picked = pick_classes(scores, score_threshold, multi_label=self.multi_label)
        boxes = found['boxes'][picked.rows].astype(np.float32)
        if self.boxes == 'offsets':
            priors = self._priors(found.get('priors'), network_wh, len(scores))
            boxes = self._decoded(boxes, priors[picked.rows])
        if self.boxes != 'corners_px':
            boxes = boxes * np.array(network_wh * 2, np.float32)
        return Candidates(boxes, picked.scores, picked.class_ids)

    def _decoded(self, offsets: np.ndarray, priors: np.ndarray) -> np.ndarray:
        """Return corners as parts of the picture."""
        centre = priors[:, :2] + offsets[:, :2] * self.variances[0] * priors[:, 2:]
        size = priors[:, 2:] * np.exp(offsets[:, 2:] * self.variances[1])
        return cxcywh_to_xyxy(np.concatenate([centre, size], axis=1))

    def _priors(
        self, delivered: np.ndarray | None, network_wh: tuple[int, int], count: int
    ) -> np.ndarray:
        """Return (N, 4) priors: the network's, the stored, or the generated ones."""
        if delivered is not None:
            return delivered.astype(np.float32)
        if self.priors:
            priors = np.array(self.priors, np.float32).reshape(-1, 4)
        else:
            priors = self._generated(network_wh)
        if len(priors) != count:
            raise DecoderError(
                f'the options make {len(priors)} priors for input '
                f'{network_wh[0]}x{network_wh[1]}, but the tensors have {count} rows'
            )
        return priors

    def _generated(self, network_wh: tuple[int, int]) -> np.ndarray:
        width, height = network_wh
        cells = self.feature_sizes or tuple(
            (-(-width // s), -(-height // s)) for s in self.strides
        )
        if self.feature_sizes:
            steps = tuple((1 / columns, 1 / rows) for columns, rows in cells)
        else:
            steps = tuple((stride / width, stride / height) for stride in self.strides)
        sizes = relative_sizes(self.scales, self.aspect_ratios) if self.scales else ()
        if self.anchor_sizes:
            sizes = tuple(
                tuple((w / width, h / height) for w, h in level)
                for level in sizes_in_pixels(self.anchor_sizes)
            )
        if not cells or len(cells) != len(sizes):
            raise DecoderError(
                f'{len(cells)} feature maps (strides or feature_sizes) and sizes for '
                f'{len(sizes)} (anchor_sizes, or scales with aspect_ratios); give as many'
            )
        return priors_on(cells, steps, sizes)

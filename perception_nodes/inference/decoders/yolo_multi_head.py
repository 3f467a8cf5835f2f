"""YOLO networks that deliver their feature maps: with a distribution per edge, or with anchors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from perception_nodes.inference.decoders.boxes import BoxDecoder
from perception_nodes.inference.decoders.candidates import (
    Candidates,
    above,
    cxcywh_to_xyxy,
    logit,
    pick_classes,
    sigmoid,
    softmax,
)
from perception_nodes.inference.decoders.contract import (
    DecoderError,
    Outputs,
    register,
)

BOX_RULES = ('v5', 'v3')


@register('yolo_multi_head')
@dataclass(frozen=True, kw_only=True)
class YoloMultiHeadDecoder(BoxDecoder):
    """
    One feature map per stride, raw numbers before any sigmoid; maps are told apart by size.

    Without anchors: 4 · ``bins`` numbers for the distances to left, top, right and bottom (a
    distribution over 0..bins − 1 cells, arXiv:2006.04388), then the class logits (v8 and later).
    Both may come as two tensors of the same size. With anchors: per anchor x, y, w, h,
    objectness, classes.

    :param bins: values of the distribution per edge; 1 takes the number itself as distance.
    :param anchors: per stride, (width, height) of each anchor in network pixels; empty: none.
    :param box_rule: with anchors, ``v5``: centre = (2σ − 0.5 + cell) · stride, size =
        (2σ)² · anchor; ``v3``: centre = (σ + cell) · stride, size = exp · anchor.
    :param activated: the numbers went through a sigmoid already (classes only, without anchors).
    :param multi_label: report a box once per class above the threshold.
    """

    expects: ClassVar[str] = (
        'per feature map (1, 4 · bins + C, rows, columns), or split into (1, 4 · bins, …) and '
        '(1, C, …); with anchors (1, A · (5 + C), rows, columns) or (1, A, rows, columns, 5 + C)'
    )
    bins: int = 16
    anchors: tuple[tuple[tuple[float, float], ...], ...] = ()
    box_rule: str = 'v5'
    activated: bool = False
    multi_label: bool = False

    def __post_init__(self) -> None:
        """Check the closed choices and the shape of the anchors."""
        super().__post_init__()
        if self.box_rule not in BOX_RULES:
            raise DecoderError(f'box_rule {self.box_rule!r} is not one of {", ".join(BOX_RULES)}')
        if self.bins < 1:
            raise DecoderError(f'bins {self.bins} must be ≥ 1')
        if any(np.ndim(level) != 2 or np.shape(level)[1] != 2 for level in self.anchors):
            raise DecoderError('anchors need a list of [width, height] for each stride')

    def candidates(
        self, outputs: Outputs, network_wh: tuple[int, int], score_threshold: float
    ) -> Candidates:
        """Decode each feature map, the finest first, as anchors are listed."""
        levels = self._levels(outputs)
        parts = []
        for index, (rows, columns) in enumerate(sorted(levels, reverse=True)):
            level = _Level(
                levels[rows, columns], columns, (network_wh[0] / columns, network_wh[1] / rows)
            )
            if self.anchors:
                parts.append(self._from_anchors(level, self.anchors[index], score_threshold))
            else:
                parts.append(self._from_distances(level, score_threshold))
        return Candidates(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    def _levels(self, outputs: Outputs) -> dict[tuple[int, int], list[np.ndarray]]:
        """Return maps (channels, rows, columns) or (anchors, values, rows, columns) by size."""
        levels: dict[tuple[int, int], list[np.ndarray]] = {}
        for value in outputs.values():
            array = np.asarray(value)
            if array.ndim not in (4, 5) or array.shape[0] != 1:
                raise DecoderError('a feature map has 4 or 5 dimensions, the first of size 1')
            array = array[0] if array.ndim == 4 else np.moveaxis(array[0], -1, 1)
            levels.setdefault((array.shape[-2], array.shape[-1]), []).append(array)
        if not levels or any(0 in size for size in levels):
            raise DecoderError('there is no feature map, or an empty one')
        if self.anchors and len(levels) != len(self.anchors):
            raise DecoderError(
                f'{len(self.anchors)} lists of anchors for {len(levels)} feature maps'
            )
        return levels

    def _from_distances(self, level: _Level, threshold: float) -> Candidates:
        edges, classes = self._split(level.maps)
        lowest = threshold if self.activated else logit(threshold)
        picked = pick_classes(classes.T, lowest, multi_label=self.multi_label)
        chosen = edges[:, picked.rows].T.reshape(-1, 4, self.bins).astype(np.float32)
        if self.bins > 1:
            distances = softmax(chosen) @ np.arange(self.bins, dtype=np.float32)
        else:
            distances = chosen[..., 0]
        centre = level.cells(picked.rows) + np.float32(0.5)
        corners = [centre - distances[:, :2], centre + distances[:, 2:]]
        xyxy = np.concatenate(corners, axis=1) * np.array(level.stride_xy * 2, np.float32)
        scores = picked.scores if self.activated else sigmoid(picked.scores)
        return Candidates(xyxy, scores, picked.class_ids)

    def _split(self, maps: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return distances (4 · bins, cells) and class scores (C, cells)."""
        channels = [array.shape[0] if array.ndim == 3 else -1 for array in maps]
        flat = [array.reshape(array.shape[0], -1) for array in maps]
        edge_count = 4 * self.bins
        if channels == [edge_count + self.class_count]:
            return flat[0][:edge_count], flat[0][edge_count:]
        if channels == [edge_count, self.class_count]:
            return flat[0], flat[1]
        if channels == [self.class_count, edge_count]:
            return flat[1], flat[0]
        raise DecoderError(
            f'maps of one size have {channels} channels, expected '
            f'{edge_count + self.class_count}, or {edge_count} and {self.class_count} '
            f'(bins {self.bins}, {self.class_count} classes)'
        )

    def _from_anchors(
        self, level: _Level, anchors: tuple[tuple[float, float], ...], threshold: float
    ) -> Candidates:
        width = 5 + self.class_count
        if len(level.maps) != 1 or level.maps[0].shape[:-2] not in (
            (len(anchors) * width,),
            (len(anchors), width),
        ):
            shapes = [array.shape for array in level.maps]
            raise DecoderError(f'{len(anchors)} anchors of {width} values do not fit {shapes}')
        raw = level.maps[0].reshape(len(anchors), width, -1)
        which, cells = np.nonzero(above(raw[:, 4], logit(threshold)))
        likely = raw[which, :, cells].astype(np.float32)  # (M, 5 + C)
        scores = sigmoid(likely[:, 5:]) * sigmoid(likely[:, 4:5])
        picked = pick_classes(scores, threshold, multi_label=self.multi_label)
        boxes, cells = likely[picked.rows, :4], cells[picked.rows]
        anchor = np.array(anchors, np.float32)[which[picked.rows]]
        if self.box_rule == 'v5':
            centre = 2 * sigmoid(boxes[:, :2]) - np.float32(0.5) + level.cells(cells)
            size = (2 * sigmoid(boxes[:, 2:])) ** 2 * anchor
        else:
            centre = sigmoid(boxes[:, :2]) + level.cells(cells)
            size = np.exp(boxes[:, 2:]) * anchor
        centre = centre * np.array(level.stride_xy, np.float32)
        xyxy = cxcywh_to_xyxy(np.concatenate([centre, size], axis=1))
        return Candidates(xyxy, picked.scores, picked.class_ids)


class _Level(NamedTuple):
    """The maps of one size, its columns, and input pixels per cell."""

    maps: list[np.ndarray]
    columns: int
    stride_xy: tuple[float, float]

    def cells(self, index: np.ndarray) -> np.ndarray:
        """Return (M, 2) column and row of cells counted row by row."""
        return np.stack([index % self.columns, index // self.columns], axis=1).astype(np.float32)

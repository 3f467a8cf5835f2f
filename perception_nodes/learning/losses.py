"""Loss terms of the detector."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional
from torchvision.ops import generalized_box_iou_loss, sigmoid_focal_loss

from perception_nodes.learning.assignment import assign, boxes_from_ltrb
from perception_nodes.learning.data.batches import BoxTargets
from perception_nodes.learning.recipes.detection import LossRecipe


def _paired_iou(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return (N,) IoU of the boxes xyxy of equal index."""
    left_top = torch.maximum(first[:, :2], second[:, :2])
    right_bottom = torch.minimum(first[:, 2:], second[:, 2:])
    overlap = (right_bottom - left_top).clamp(min=0).prod(1)
    areas = (first[:, 2:] - first[:, :2]).prod(1) + (second[:, 2:] - second[:, :2]).prod(1)
    return overlap / (areas - overlap).clamp(min=1e-6)


def detection_loss(
    outputs: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    places: torch.Tensor,
    targets: Sequence[BoxTargets],
    weights: LossRecipe,
) -> dict[str, torch.Tensor]:
    """
    Return the weighted terms ``class``, ``box`` and ``quality``; their sum is the loss.

    :param outputs: logits (B, N, C), ltrb (B, N, 4), quality (B, N, 1).
    :param places: (N, 3) x, y, stride.
    :param targets: one for each of the B pictures.
    """
    logits, ltrb, quality = outputs
    boxes = boxes_from_ltrb(places, ltrb)
    assigned = [
        assign(places, logits[i].detach(), boxes[i].detach(), t.xyxy, t.class_ids, t.ignored)
        for i, t in enumerate(targets)
    ]
    wanted = torch.zeros_like(logits)
    true_boxes = []
    positive = torch.stack([a.object_index >= 0 for a in assigned])
    for i, (target, result) in enumerate(zip(targets, assigned, strict=True)):
        index = result.object_index[positive[i]]
        wanted[i, positive[i], target.class_ids[index]] = 1.0
        true_boxes.append(target.xyxy[index])
    counted = torch.stack([a.counted for a in assigned])
    count = max(int(positive.sum()), 1)
    focal = sigmoid_focal_loss(logits[counted], wanted[counted], reduction='sum') / count
    found, truth = boxes[positive], torch.cat(true_boxes)
    giou = generalized_box_iou_loss(found, truth, reduction='sum') / count
    iou = _paired_iou(found.detach(), truth)
    quality_loss = functional.binary_cross_entropy_with_logits(
        quality[positive][:, 0], iou, reduction='sum'
    )
    return {
        'class': weights.classification * focal,
        'box': weights.box * giou,
        'quality': weights.quality * quality_loss / count,
    }

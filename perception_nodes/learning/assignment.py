"""Which location answers for which object: dynamic top-k assignment as in SimOTA and RTMDet."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional
from torchvision.ops import box_iou

_BOX_WEIGHT = 3.0
_CANDIDATES = 13  # IoUs summed to find how many locations an object gets
_CENTRE_RADIUS = 3.0  # strides at which being off centre costs as much as a factor 10
_FORBIDDEN = 1e8


@dataclass(frozen=True, eq=False, kw_only=True)
class Assignment:
    """
    Targets of the locations of one picture.

    :param object_index: (N,) int64, index of the object, -1 for background.
    :param counted: (N,) bool, False where neither object nor background may be learnt.
    """

    object_index: torch.Tensor
    counted: torch.Tensor


def boxes_from_ltrb(places: torch.Tensor, ltrb: torch.Tensor) -> torch.Tensor:
    """
    Return boxes xyxy (…, N, 4) in network pixels.

    :param places: (N, 3) x, y, stride.
    :param ltrb: (…, N, 4) distances in network pixels.
    """
    centre = places[:, :2]
    return torch.cat([centre - ltrb[..., :2], centre + ltrb[..., 2:]], -1)


def inside(places: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
    """Return (N, M) bool: place n lies in box m (xyxy)."""
    xy = places[:, None, :2]
    return ((xy > boxes[None, :, :2]) & (xy < boxes[None, :, 2:])).all(-1)


def _class_cost(logits: torch.Tensor, class_ids: torch.Tensor, iou: torch.Tensor) -> torch.Tensor:
    """Return (N, M): how far the logit of the object's class is from the IoU."""
    wanted = logits[:, class_ids]
    gap = (iou - wanted.sigmoid()).abs()
    return functional.binary_cross_entropy_with_logits(wanted, iou, reduction='none') * gap**2


@torch.no_grad()
def assign(
    places: torch.Tensor,
    logits: torch.Tensor,
    boxes: torch.Tensor,
    true_boxes: torch.Tensor,
    class_ids: torch.Tensor,
    ignored: torch.Tensor,
) -> Assignment:
    """
    Give each object as many locations as its best predictions overlap it, the cheapest ones.

    :param places: (N, 3) x, y, stride.
    :param logits: (N, C) predicted class logits.
    :param boxes: (N, 4) predicted xyxy.
    :param true_boxes: (M, 4) xyxy, M may be 0.
    :param class_ids: (M,) int64.
    :param ignored: (M,) bool; such a box is no target, and what lies in it is no background.
    """
    background = torch.full((len(places),), -1, dtype=torch.int64, device=places.device)
    in_ignored = inside(places, true_boxes[ignored]).any(1)
    kept = torch.nonzero(~ignored).flatten()
    if len(kept) == 0:
        return Assignment(object_index=background, counted=~in_ignored)
    targets, target_ids = true_boxes[kept], class_ids[kept]
    iou = box_iou(boxes, targets).nan_to_num()
    centre = (targets[:, :2] + targets[:, 2:]) / 2
    off_centre = (places[:, None, :2] - centre).norm(dim=-1) / places[:, 2:3]
    cost = _class_cost(logits, target_ids, iou) - _BOX_WEIGHT * torch.log(iou + 1e-7)
    cost = cost + 10.0 ** (off_centre.clamp(max=9.0) - _CENTRE_RADIUS)
    cost = torch.where(inside(places, targets), cost, cost + _FORBIDDEN)
    chosen = _cheapest(cost, iou)
    best_cost, best = torch.where(chosen, cost, torch.inf).min(1)
    positive = torch.isfinite(best_cost) & (best_cost < _FORBIDDEN)
    object_index = torch.where(positive, kept[best], background)
    return Assignment(object_index=object_index, counted=positive | ~in_ignored)


def _cheapest(cost: torch.Tensor, iou: torch.Tensor) -> torch.Tensor:
    """Return (N, M) bool: the k cheapest locations of each object, k from its best IoUs."""
    count = min(_CANDIDATES, len(cost))
    wanted = iou.topk(count, dim=0).values.sum(0).long().clamp(min=1)  # M
    order = cost.topk(count, dim=0, largest=False).indices  # count, M
    taken = torch.arange(count, device=cost.device)[:, None] < wanted
    return torch.zeros_like(cost, dtype=torch.bool).scatter_(0, order, taken)

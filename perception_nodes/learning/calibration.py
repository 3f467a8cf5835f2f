"""Scores that can be read as probabilities, and the threshold that serves best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional
from torchvision.ops import box_iou

from perception_nodes.evaluation.reliability import calibration_error, reliability_of
from perception_nodes.structures import Detections

_MATCH_IOU = 0.5
_TINY = 1e-6
_SMALLEST_SLOPE, _LARGEST = 0.05, 50.0


def matches(
    found: Detections, xyxy: np.ndarray, class_ids: np.ndarray, ignored: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """
    Tell which detections are right, each object being found once, best score first.

    :param found: highest score first.
    :param xyxy: (M, 4) objects.
    :param class_ids: (M,).
    :param ignored: (M,) bool.
    :returns: (N,) bool, right; (N,) bool, counted (False: lies on an ignored region).
    """
    right = np.zeros(len(found), bool)
    counted = np.ones(len(found), bool)
    if len(found) == 0 or len(xyxy) == 0:
        return right, counted
    iou = box_iou(torch.from_numpy(found.xyxy), torch.from_numpy(xyxy)).numpy()
    free = ~ignored
    for index, class_id in enumerate(found.class_ids):
        fitting = np.where(free & (class_ids == class_id), iou[index], 0.0)
        best = int(fitting.argmax())
        if fitting[best] >= _MATCH_IOU:
            right[index], free[best] = True, False
        else:
            counted[index] = not (iou[index][ignored] >= _MATCH_IOU).any()
    return right, counted


def fit_scaling(scores: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """
    Return the temperature and the bias with the smallest negative log-likelihood (Platt 1999).

    A detector's scores are products of several parts, and one half means nothing special to
    them: a temperature alone cannot move that point, the bias does.

    :param scores: (N,) in 0..1.
    :param right: (N,) bool.
    """
    if len(scores) == 0 or right.all() or not right.any():
        return 1.0, 0.0
    logits = torch.logit(torch.as_tensor(scores, dtype=torch.float64), eps=_TINY)
    hits, misses = int(right.sum()), int((~right).sum())
    # Platt's smoothed targets keep the fit finite where a score parts hits from misses.
    truth = torch.as_tensor(
        np.where(right, (hits + 1) / (hits + 2), 1 / (misses + 2)), dtype=torch.float64
    )
    line = torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([line], max_iter=200, line_search_fn='strong_wolfe')

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = functional.binary_cross_entropy_with_logits(logits * line[0] + line[1], truth)
        value.backward()
        return value

    optimiser.step(loss)
    slope, bias = line.detach().tolist()
    # Scores that fall with the hit rate, or do not depend on it, are no scores; and a step comes
    # from too few detections to be trusted: leave both.
    trusted = _SMALLEST_SLOPE < slope < _LARGEST and abs(bias) < _LARGEST
    return (1.0 / slope, bias) if trusted else (1.0, 0.0)


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """
    Return the temperature with the smallest negative log-likelihood (Guo et al. 2017).

    :param logits: (N, C).
    :param labels: (N,) class numbers.
    """
    if len(labels) == 0:
        return 1.0
    rows = torch.as_tensor(logits, dtype=torch.float32)
    truth = torch.as_tensor(labels, dtype=torch.int64)
    power = torch.zeros(1, requires_grad=True)  # logarithm of the temperature
    optimiser = torch.optim.LBFGS([power], max_iter=50, line_search_fn='strong_wolfe')

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = functional.cross_entropy(rows * torch.exp(-power), truth)
        value.backward()
        return value

    optimiser.step(loss)
    temperature = float(power.detach().exp())
    return min(max(temperature, 1 / _LARGEST), _LARGEST)


def temperature_and_error(
    logits: np.ndarray, labels: np.ndarray
) -> tuple[float, tuple[float, float]]:
    """
    Return the temperature that fits best, and the calibration error before and after.

    :param logits: (N, C).
    :param labels: (N,) class numbers.
    """
    temperature = round(fit_temperature(logits, labels), 4)
    error = softmax_error(logits, labels), softmax_error(logits / temperature, labels)
    return temperature, error


def best_threshold(scores: np.ndarray, right: np.ndarray, object_count: int) -> float:
    """Return the score at which the F1 of the detections at or above it is largest."""
    if len(scores) == 0 or object_count == 0:
        return 0.5
    order = np.argsort(-scores, kind='stable')
    hits = np.cumsum(right[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + object_count)
    return float(scores[order][int(f1.argmax())])


def score_error(scores: np.ndarray, right: np.ndarray) -> float:
    """Return the expected calibration error in ten bins, 0 without scores."""
    if len(scores) == 0:
        return 0.0
    return calibration_error(reliability_of(scores, right, bins=10))


def softmax_error(logits: np.ndarray, labels: np.ndarray) -> float:
    """
    Return the expected calibration error of the softmax.

    :param logits: (N, C).
    :param labels: (N,) class numbers.
    """
    scores = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores /= scores.sum(axis=1, keepdims=True)
    return score_error(scores.max(axis=1), logits.argmax(axis=1) == labels)


def pooled_matches(
    results: Sequence[tuple[Detections, np.ndarray, np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray, int]:
    """
    Return scores and hits of all pictures, and the number of objects.

    :param results: (detections, xyxy, class ids, ignored) of each picture.
    """
    scores, hits = [np.zeros(0)], [np.zeros(0, bool)]
    for found, xyxy, class_ids, ignored in results:
        right, counted = matches(found, xyxy, class_ids, ignored)
        scores.append(found.scores[counted])
        hits.append(right[counted])
    total = sum(int((~ignored).sum()) for _, _, _, ignored in results)
    return np.concatenate(scores), np.concatenate(hits), total

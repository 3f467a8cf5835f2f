"""The page that ``perception evaluate detection`` leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from perception_nodes.cli.report_blocks import (
    calibration_figure,
    latency_figures,
    reliability_plot,
)
from perception_nodes.evaluation.decisions import Decisions, detections_of
from perception_nodes.evaluation.ground_truth import GroundTruth, read_picture
from perception_nodes.evaluation.metrics import DetectionMetrics, as_plain
from perception_nodes.evaluation.referral import ReferralCurve, referral_curve
from perception_nodes.evaluation.reliability import (
    ReliabilityBin,
    calibration_error,
    reliability_of,
)
from perception_nodes.structures import ColorOrder, Detections, Frame
from perception_nodes.visualization import BoxStyle, draw_detections
from perception_nodes.visualization.plots import (
    PrecisionRecallCurve,
    lines_svg,
    precision_recall_svg,
)
from perception_nodes.visualization.report import (
    Figure,
    Figures,
    Gallery,
    Picture,
    Plot,
    Report,
    Section,
    Table,
    Text,
    picture,
)

_WORST_SHOWN = 8
_TARGETS = (0.9, 0.95, 0.99)


@dataclass(frozen=True, eq=False, kw_only=True)
class Honesty:
    """
    Whether scores can be relied on, of the boxes that count as decisions.

    :param decided: boxes with at least the score from which one is reported.
    :param threshold: that score.
    """

    decided: Decisions
    threshold: float
    reliability: tuple[ReliabilityBin, ...]
    calibration_error: float
    referral: ReferralCurve

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return as_plain(
            {
                'decided_from': self.threshold,
                'calibration_error': self.calibration_error,
                'reliability': [asdict(item) for item in self.reliability],
                'referral': asdict(self.referral),
            }
        )


def honesty_of(decisions: Decisions, threshold: float) -> Honesty:
    """Return calibration and referral of the boxes with at least a score."""
    decided = decisions.from_score(threshold)
    bins = reliability_of(decided.scores, decided.right)
    return Honesty(
        decided=decided,
        threshold=threshold,
        reliability=bins,
        calibration_error=calibration_error(bins),
        referral=referral_curve(decided.scores, decided.right),
    )


def detection_report(
    metrics: DetectionMetrics,
    decisions: Decisions,
    honesty: Honesty,
    truth: GroundTruth,
    found: Sequence[Mapping[str, Any]],
    record: Mapping[str, Any],
) -> Report:
    """
    Return the page.

    :param found: COCO results.
    :param record: data, and model, what it ran on, latency or the file of results.
    """
    subject = record.get('model') or record['results']
    return Report(
        title=f'{subject} on {record["data"]}',
        subtitle=f'{metrics.images} pictures, {metrics.truths} labelled boxes',
        sections=(
            Section(title='Result', blocks=(_key_figures(metrics, honesty, record),
                                            _classes(metrics))),
            *error_sections(decisions, honesty, truth, found),
        ),
        footer=f'perception evaluate detection --data {record["data"]} on {subject}',
    )  # fmt: skip


def error_sections(
    decisions: Decisions,
    honesty: Honesty,
    truth: GroundTruth,
    found: Sequence[Mapping[str, Any]],
) -> tuple[Section, ...]:
    """Return what a page tells of errors; see :func:`detection_report`."""
    return (
        Section(title='Precision over recall', blocks=(_curves(decisions, honesty, truth),)),
        Section(
            title='Is the score honest?',
            blocks=(reliability_plot(honesty.reliability, honesty.calibration_error, 'boxes'),),
        ),
        Section(title='What a human should look at', blocks=_referral(honesty)),
        Section(title='Most wrong boxes', blocks=_worst(honesty, truth, found)),
    )


def _key_figures(
    metrics: DetectionMetrics, honesty: Honesty, record: Mapping[str, Any]
) -> Figures:
    return Figures(
        items=(
            Figure(label='mAP', value=f'{metrics.mean_ap:.3f}', note='overlaps 0.50 to 0.95'),
            Figure(label='AP50', value=f'{metrics.ap50:.3f}'),
            calibration_figure(honesty.calibration_error, f'scores from {honesty.threshold:g}'),
            *latency_figures(record),
        )
    )


def _classes(metrics: DetectionMetrics) -> Table:
    ranked = sorted(metrics.by_class.items(), key=lambda item: -item[1].truths)
    return Table(
        columns=('class', 'labels', 'mAP', 'AP50'),
        rows=tuple((name, row.truths, row.ap, row.ap50) for name, row in ranked),
    )


def _curves(decisions: Decisions, honesty: Honesty, truth: GroundTruth) -> Plot:
    """Return a curve of every labelled category, with a dot where decisions begin."""
    curves = []
    for index, (name, category) in enumerate(truth.category_ids.items()):
        of_category = decisions.of_category(category)
        if not len(of_category.truth_image_ids) or not len(of_category.scores):
            continue
        precision, recall = of_category.precision_recall()
        last = int((of_category.scores >= honesty.threshold).sum()) - 1
        point = (float(recall[last]), float(precision[last])) if last >= 0 else None
        curves.append(
            PrecisionRecallCurve(
                name=name, recall=recall, precision=precision, class_id=index,
                operating_point=point,
            )
        )  # fmt: skip
    return Plot(
        svg=precision_recall_svg(curves[:12]),
        caption=f'overlap 0.5; the dot is the score {honesty.threshold:g}',
    )


def _referral(honesty: Honesty) -> tuple[Plot, Table, Text]:
    curve = honesty.referral
    referred = np.array(curve.referred)
    by_chance = np.full(len(referred), 1 - curve.area_by_chance)
    truths = len(honesty.decided.truth_image_ids)
    missed = truths - int(honesty.decided.right.sum())
    lines = {
        'least sure first': (referred, np.array(curve.accuracy)),
        'drawn by chance': (referred, by_chance),
    }
    return (
        Plot(
            svg=lines_svg(
                lines, x_label='share referred to a human', y_label='share of the rest right'
            ),
            caption=f'{curve.decisions} boxes with a score from {honesty.threshold:g}',
        ),
        Table(
            columns=('wanted accuracy', 'share to refer'),
            rows=tuple((target, curve.share_for(target)) for target in _TARGETS),
            digits=2,
        ),
        Text(
            paragraphs=(
                f'{missed} of {truths} labelled boxes have no such box: nobody refers what is '
                'not found.',
            )
        ),
    )


def _worst(
    honesty: Honesty, truth: GroundTruth, found: Sequence[Mapping[str, Any]]
) -> tuple[Gallery | Text, ...]:
    wrong = honesty.decided.wrong_by_image()
    ranked = sorted(truth.images, key=lambda image: -wrong.get(image.image_id, 0))
    shown: list[Picture] = []
    for image in ranked[:_WORST_SHOWN]:
        count = wrong.get(image.image_id, 0)
        if not count or not image.path.is_file():
            continue
        mine = [
            item
            for item in found
            if item['image_id'] == image.image_id and item['score'] >= honesty.threshold
        ]
        drawn = boxes_beside_truth(
            read_picture(image.path), detections_of(mine), truth, image.image_id
        )
        shown.append(picture(drawn, f'{image.path.name}: {count} false or missed'))
    if not shown:
        return (Text(paragraphs=('No wrong box in a picture that is there.',)),)
    return (Gallery(pictures=tuple(shown)),)


def boxes_beside_truth(
    frame: Frame, boxes: Detections, truth: GroundTruth, image_id: int
) -> Frame:
    """Return a picture with what was found, and what is labelled as dashed boxes."""
    numbers = truth.category_ids
    names = [''] * (max(numbers.values()) + 1)
    for name, number in numbers.items():
        names[number] = name
    labelled = truth.boxes_of(image_id)
    true_boxes = Detections(
        labelled.xyxy,
        np.ones(len(labelled.labels)),
        np.array([numbers[name] for name in labelled.labels], np.int64),
    )
    canvas = draw_detections(frame.in_order(ColorOrder.RGB), boxes, names)
    canvas = draw_detections(canvas, true_boxes, names, style=BoxStyle.TRUTH, show_labels=False)
    return Frame(pixels=canvas)

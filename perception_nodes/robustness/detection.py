"""What corruptions cost a detector."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from perception_nodes.detection import DetectionConfig, Detector
from perception_nodes.evaluation.coco import (
    SCORE_THRESHOLD,
    category_ids_of,
    evaluate_detections,
    results_of,
)
from perception_nodes.evaluation.decisions import DECIDED_FROM, Decisions, decisions_of
from perception_nodes.evaluation.ground_truth import GroundTruth, LabelledImage, read_picture
from perception_nodes.evaluation.reliability import calibration_error, reliability_of
from perception_nodes.robustness.stand import Stand
from perception_nodes.robustness.subject import Spoil, Subject, by_name, spoilt
from perception_nodes.structures import Frame

_CONFIG = DetectionConfig(score_threshold=SCORE_THRESHOLD)


@dataclass(frozen=True, eq=False, kw_only=True)
class DetectionSubject(Subject):
    """
    A detector and a set with boxes; pictures are named as its labels name their files.

    How wrong a picture is: the share of false or missed boxes.
    """

    metric: ClassVar = 'ap50'
    left_out: ClassVar = {
        'elastic': 'the box of a thing does not tell how tight it is after a warp'
    }

    model: Detector
    labelled: GroundTruth

    def frame(self, name: str) -> Frame:
        """Return a picture as it is stored."""
        return read_picture(self._by_name[name].path)

    def stand(
        self, corruption: Spoil = None, advance: Callable[[], object] = lambda: None
    ) -> Stand:
        """Measure AP50, and calibration of the boxes that are more likely right than wrong."""
        results: list[dict[str, Any]] = []
        seconds = []
        for name in self.names:
            results += self.look(name, corruption)[1]
            seconds.append(self.model.times.total_s)
            advance()
        decided = decisions_of(self.labelled, results).from_score(DECIDED_FROM)
        score = evaluate_detections(self.labelled, results).ap50 if results else 0.0
        error = calibration_error(reliability_of(decided.scores, decided.right))
        return Stand.of(score, error, seconds, self._wrong(decided))

    def look(self, name: str, corruption: Spoil = None) -> tuple[Frame, list[dict[str, Any]]]:
        """Return a picture as it is seen, and what is found as COCO results."""
        frame, _ = spoilt(self.frame(name), name, corruption)
        numbers = category_ids_of(self.model.class_names, self.labelled, self.renamed)
        return frame, results_of(self.image_id(name), self.model(frame, _CONFIG), numbers)

    def image_id(self, name: str) -> int:
        """Return the number of a picture in the labels."""
        return self._by_name[name].image_id

    @cached_property
    def _by_name(self) -> dict[str, LabelledImage]:
        names = (str(item['file_name']) for item in self.labelled.content['images'])
        return by_name(names, self.labelled.images)

    def _wrong(self, decided: Decisions) -> dict[str, float]:
        """Return by picture which share of its boxes, found and labelled, is false or missed."""
        counts = decided.wrong_by_image()
        boxes = Counter([*decided.image_ids.tolist(), *decided.truth_image_ids.tolist()])
        numbers = {name: image.image_id for name, image in self._by_name.items()}
        return {name: counts.get(n, 0) / max(boxes[n], 1) for name, n in numbers.items()}

"""What corruptions cost a classifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np

from perception_nodes.classification import Classifier
from perception_nodes.evaluation.class_numbers import label_numbers
from perception_nodes.evaluation.classification import ClassificationMeter
from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.evaluation.picture_folders import ClassedPicture, PictureFolders
from perception_nodes.robustness.stand import Stand
from perception_nodes.robustness.subject import Spoil, Subject, by_name, spoilt
from perception_nodes.structures import Classification, Frame


@dataclass(frozen=True, eq=False, kw_only=True)
class ClassificationSubject(Subject):
    """
    A classifier and pictures in folders; how wrong a picture is: the confidence in a wrong class.

    :param renamed: ``{class of the model: class of the labels}`` where names differ.
    """

    metric: ClassVar = 'top1'

    model: Classifier
    labelled: PictureFolders
    renamed: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> Sequence[str]:
        """Class and file name of the pictures."""
        return list(self._by_name)

    def frame(self, name: str) -> Frame:
        """Return a picture as it is stored."""
        return read_picture(self._by_name[name].path)

    def stand(
        self, corruption: Spoil = None, advance: Callable[[], object] = lambda: None
    ) -> Stand:
        """Measure top 1, and calibration of the most probable class."""
        numbers = label_numbers(self.model.class_names, self.labelled.classes, self.renamed)
        meter, seconds = ClassificationMeter(self.labelled.classes, numbers), []
        wrong = {}
        for name, item in self._by_name.items():
            _, found = self.look(name, corruption)
            seconds.append(self.model.times.total_s)
            wrong[name] = 0.0 if meter.add(item.class_id, found) else found.confidence
            advance()
        figures, worst = meter.metrics(), max(wrong, key=lambda name: wrong[name])
        return Stand(
            score=figures.top1, calibration_error=figures.calibration_error,
            latency_ms=float(np.median(seconds) * 1e3),
            worst_picture=worst, worst_wrong=wrong[worst],
        )  # fmt: skip

    def look(self, name: str, corruption: Spoil = None) -> tuple[Frame, Classification]:
        """Return a picture as it is seen, and what is found."""
        frame, _ = spoilt(self.frame(name), name, corruption)
        return frame, self.model(frame)

    def truth(self, name: str) -> str:
        """Return the labelled class of a picture."""
        return self.labelled.classes[self._by_name[name].class_id]

    @cached_property
    def _by_name(self) -> dict[str, ClassedPicture]:
        pictures, classes = self.labelled.pictures, self.labelled.classes
        names = (f'{classes[item.class_id]}/{item.path.name}' for item in pictures)
        return by_name(names, pictures)

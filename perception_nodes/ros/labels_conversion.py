"""What class names and models are, as ``vision_msgs``."""

from __future__ import annotations

from collections.abc import Sequence

from std_msgs.msg import Header
from vision_msgs.msg import LabelInfo, VisionClass, VisionInfo


def label_info_msg(
    class_names: Sequence[str], header: Header, threshold: float = 0.0
) -> LabelInfo:
    """Return the names by number; ``threshold`` is the score below which nothing is reported."""
    classes = [VisionClass(class_id=i, class_name=name) for i, name in enumerate(class_names)]
    return LabelInfo(header=header, class_map=classes, threshold=threshold)


def vision_info_msg(
    method: str, database_location: str, version: int, header: Header
) -> VisionInfo:
    """
    Return what made the results.

    :param method: model and back end in words.
    :param database_location: topic on which the class names are latched.
    :param version: counts up whenever the classes may have changed.
    """
    return VisionInfo(
        header=header,
        method=method,
        database_location=database_location,
        database_version=version,
    )

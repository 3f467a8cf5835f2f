"""A window that shows a running system; optional, and never in the way of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, Protocol
from urllib.parse import quote

import numpy as np

from perception_nodes.structures import ColorOrder, Detections, Frame
from perception_nodes.visualization.palette import class_color, class_name

_WEB_PORT = 9090
_TIMELINE = 'simulated'
_TRUTH_GREY = (230, 230, 230)


class LiveView(Protocol):
    """What shows frames while they come in."""

    @property
    def address(self) -> str:
        """Where to look, empty when a window has opened."""

    def show(
        self,
        frame: Frame,
        found: Detections,
        truth: Detections | None,
        class_names: Sequence[str],
        latency_ms: float,
    ) -> None:
        """Show one picture with its boxes; called from one thread."""

    def close(self) -> None:
        """Flush what is still on its way."""


class RerunView:
    """
    Shows frames in the Rerun viewer: a window, or a web page where there is no display.

    :param title: name of the recording.
    :raises ValueError: when ``rerun-sdk`` is not installed; the text names the cure.
    """

    def __init__(self, title: str) -> None:
        try:
            import rerun
        except ImportError as error:
            raise ValueError(
                'VIEWER=rerun needs the package rerun-sdk, which is optional; cure: '
                ".venv/bin/pip install 'rerun-sdk>=0.23' (or leave VIEWER empty)"
            ) from error
        self._rerun: Any = rerun
        self._address = ''
        rerun.init(title)
        if os.environ.get('DISPLAY') or os.environ.get('WAYLAND_DISPLAY'):
            rerun.spawn()
            return
        stream = rerun.serve_grpc()
        try:
            rerun.serve_web_viewer(web_port=_WEB_PORT, open_browser=False, connect_to=stream)
        except RuntimeError as error:
            raise ValueError(
                f'the live view cannot be served on port {_WEB_PORT} ({error}); end the other '
                'program that uses it, or leave VIEWER empty'
            ) from error
        self._address = f'http://localhost:{_WEB_PORT}/?url={quote(stream, safe="")}'

    @property
    def address(self) -> str:
        """Where to look, empty when a window has opened."""
        return self._address

    def show(
        self,
        frame: Frame,
        found: Detections,
        truth: Detections | None,
        class_names: Sequence[str],
        latency_ms: float,
    ) -> None:
        """Show one picture with its boxes."""
        rerun = self._rerun
        rerun.set_time(_TIMELINE, duration=frame.stamp_ns / 1e9)
        pixels = np.ascontiguousarray(frame.in_order(ColorOrder.RGB))
        rerun.log('camera', rerun.Image(pixels).compress(jpeg_quality=80))
        rerun.log('camera/detections', self._boxes(found, class_names))
        if truth is not None:
            rerun.log('camera/truth', self._truth(truth))
        rerun.log('latency_ms', rerun.Scalars(latency_ms))

    def close(self) -> None:
        """Flush what is still on its way."""
        self._rerun.disconnect()

    def _boxes(self, found: Detections, class_names: Sequence[str]) -> Any:
        labels = [f'{class_name(i, list(class_names))} {score:.2f}' for _, score, i in found]
        return self._rerun.Boxes2D(
            array=found.xyxy,
            array_format=self._rerun.Box2DFormat.XYXY,
            colors=[class_color(class_id) for _, _, class_id in found],
            labels=labels,
        )

    def _truth(self, truth: Detections) -> Any:
        return self._rerun.Boxes2D(
            array=truth.xyxy,
            array_format=self._rerun.Box2DFormat.XYXY,
            colors=[_TRUTH_GREY] * len(truth),
        )


VIEWS: dict[str, Callable[[str], LiveView]] = {'rerun': RerunView}
"""Live views by the name that ``VIEWER`` takes."""


def open_view(name: str, title: str) -> LiveView | None:
    """
    Return the view of that name, None for an empty name.

    :raises ValueError: for an unknown name, or when its package is missing.
    """
    if not name:
        return None
    if name not in VIEWS:
        raise ValueError(f'viewer {name!r} is not known; use one of {", ".join(VIEWS)}, or none')
    return VIEWS[name](title)

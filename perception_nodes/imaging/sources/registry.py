"""From a URI to the source that reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from perception_nodes.imaging.sources.bag import BagSource
from perception_nodes.imaging.sources.folder import SUFFIXES, FolderSource
from perception_nodes.imaging.sources.source import (
    FrameSource,
    SourceError,
    SourceOptions,
    existing,
)
from perception_nodes.imaging.sources.video import VideoSource
from perception_nodes.imaging.sources.webcam import WebcamSource

Opener = Callable[[str, SourceOptions], FrameSource]

#: ``scheme:rest`` says what the rest is, whatever its suffix.
SCHEMES: dict[str, Opener] = {
    'video': VideoSource,
    'folder': FolderSource,
    'bag': BagSource,
    'webcam': WebcamSource,
}
#: Network streams; these schemes stay in front of the address.
_STREAMS = ('rtsp', 'rtmp', 'http', 'https', 'udp')

EXTENSIONS: dict[str, Opener] = {
    **dict.fromkeys(
        ('.mp4', '.m4v', '.mov', '.avi', '.mkv', '.webm', '.mpg', '.mpeg', '.mjpeg', '.ts'),
        VideoSource,
    ),
    **dict.fromkeys(sorted(SUFFIXES), FolderSource),
    '.mcap': BagSource,
    '.db3': BagSource,
}
_BAG_PATTERNS = ('metadata.yaml', '*.mcap', '*.db3')


def open_source(uri: str, options: SourceOptions | None = None) -> FrameSource:
    """
    Open a video, a folder of pictures, a bag or a camera.

    - ``/data/drive.mp4``, ``/data/pictures``, ``/data/bag_folder``, ``/data/run.mcap``, each also
      as ``file:///…``: the kind follows from the suffix or the content of the folder
    - ``video:…``, ``folder:…``, ``bag:…``: the kind is said
    - ``0``, ``/dev/video0``, ``webcam:0``, ``rtsp://…``, ``http://…``: live cameras

    :param options: frame id, rate, topic and limits.
    :raises SourceError: naming what is wrong and what is allowed.
    """
    options = options or SourceOptions()
    scheme, separator, rest = uri.partition(':')
    if separator and scheme in SCHEMES:
        return SCHEMES[scheme](_plain_path(rest), options)
    if separator and scheme in _STREAMS:
        return WebcamSource(uri, options)
    path = _plain_path(rest) if scheme == 'file' else uri
    if path.isdecimal() or path.startswith('/dev/video'):
        return WebcamSource(path, options)
    return _opener_for(path)(path, options)


def _plain_path(rest: str) -> str:
    return unquote(rest[2:]) if rest.startswith('//') else rest


def _opener_for(path: str) -> Opener:
    if not path:
        raise SourceError(f'no source given; {_allowed()}')
    found = existing(path)
    if found.is_dir():
        return BagSource if _is_bag(found) else FolderSource
    opener = EXTENSIONS.get(found.suffix.lower())
    if opener is None:
        raise SourceError(f'suffix {found.suffix!r} of {found.name!r} is unknown; {_allowed()}')
    return opener


def _is_bag(folder: Path) -> bool:
    return any(next(folder.glob(pattern), None) is not None for pattern in _BAG_PATTERNS)


def _allowed() -> str:
    return (
        f'allowed: a folder of pictures, a bag folder, a file ({" ".join(EXTENSIONS)}), a camera '
        f'number, or one of {", ".join(f"{scheme}:" for scheme in SCHEMES)} in front'
    )

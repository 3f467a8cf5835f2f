"""Downloads that resume, are compared with a hash, and appear only when complete."""

from __future__ import annotations

import http.client
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO

from perception_nodes.inference.bundle import file_sha256

# Called with the bytes that are there and the bytes there will be (None when unknown).
Progress = Callable[[int, 'int | None'], None]

_SCHEMES = ('https', 'http', 'file')
_CHUNK_BYTES = 1 << 16
_TIMEOUT_S = 30.0
_MAXIMUM_BYTES = 4 << 30
_HTTP_PARTIAL = 206
_HTTP_RANGE_NOT_SATISFIABLE = 416


class DownloadError(OSError):
    """A download that failed; the text says why."""


def no_progress(done_bytes: int, total_bytes: int | None) -> None:
    """Show nothing."""


def download(
    url: str,
    target: Path,
    sha256: str,
    *,
    size_bytes: int | None = None,
    progress: Progress = no_progress,
) -> Path:
    """
    Fetch a file unless it is there already.

    :param url: https, http or file.
    :param target: where it shall lie; a ``.part`` file beside it holds what has come so far.
    :param sha256: the hash, or its first digits.
    :param size_bytes: a longer answer is refused.
    :param progress: called with the bytes done and in total.
    :raises DownloadError: without network, for a wrong hash, a wrong size or a full disk.
    """
    if target.is_file() and file_sha256(target).startswith(sha256):
        return target
    if urllib.parse.urlsplit(url).scheme not in _SCHEMES:
        raise DownloadError(f'{url}: only {", ".join(_SCHEMES)} addresses can be fetched')
    part = target.with_name(target.name + '.part')
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _receive(url, part, size_bytes, progress)
        actual = file_sha256(part)
        if not actual.startswith(sha256):
            part.unlink()
            raise DownloadError(f'{url}: SHA-256 is {actual}, expected {sha256}; it was deleted')
        os.replace(part, target)
    except DownloadError:
        raise
    except urllib.error.URLError as error:
        raise DownloadError(f'{url}: cannot be fetched ({error.reason})') from error
    except (OSError, http.client.HTTPException) as error:
        raise DownloadError(f'{url}: cannot be fetched ({error})') from error
    return target


def _receive(url: str, part: Path, size_bytes: int | None, progress: Progress) -> None:
    """Append to the partial file what is missing."""
    start = part.stat().st_size if part.is_file() else 0
    if size_bytes is not None and start == size_bytes:
        return
    try:
        answer = _open(url, start)
    except urllib.error.HTTPError as error:
        if error.code != _HTTP_RANGE_NOT_SATISFIABLE or not start:
            raise
        answer, start = _open(url, 0), 0
    with answer:
        if getattr(answer, 'status', None) != _HTTP_PARTIAL:
            start = 0
        length = answer.headers.get('Content-Length')
        total = start + int(length) if length and length.isdigit() else size_bytes
        with part.open('ab' if start else 'wb') as stream:
            _copy(answer, stream, start, total, size_bytes or _MAXIMUM_BYTES, progress)


def _open(url: str, start: int) -> http.client.HTTPResponse:
    headers = {'Range': f'bytes={start}-'} if start else {}
    request = urllib.request.Request(url, headers=headers)  # scheme was checked
    return urllib.request.urlopen(request, timeout=_TIMEOUT_S)


def _copy(
    answer: http.client.HTTPResponse,
    stream: IO[bytes],
    done: int,
    total: int | None,
    limit: int,
    progress: Progress,
) -> None:
    progress(done, total)
    while chunk := answer.read(_CHUNK_BYTES):
        done += len(chunk)
        if done > limit:
            raise DownloadError(f'{answer.url}: is longer than the {limit} bytes it should have')
        stream.write(chunk)
        progress(done, total)
    if total is not None and done < total:
        raise DownloadError(
            f'{answer.url}: ended after {done} of {total} bytes; try again, it continues there'
        )

"""Images that cannot be used, with the reason under which they are counted."""

from __future__ import annotations

from enum import Enum
from typing import Any


class ImageReason(str, Enum):
    """Why an image was refused; the values are the keys of the drop counters."""

    BAD_STEP = 'bad_step'
    SHORT_DATA = 'short_data'
    ZERO_SIZE = 'zero_size'
    UNKNOWN_ENCODING = 'unknown_encoding'
    TOO_LARGE = 'too_large'
    BROKEN_DATA = 'broken_data'
    WRONG_KIND = 'wrong_kind'

    def __str__(self) -> str:
        """Return the plain name, as counters show it."""
        return self.value


class ImageError(ValueError):
    """
    An image that cannot be used; count it under ``reason``, drop it and go on.

    :ivar reason: the kind of fault.
    """

    def __init__(self, reason: ImageReason, message: str) -> None:
        super().__init__(f'{reason.value}: {message}')
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        """Let the error pass between processes."""
        return (ImageError, (self.reason, str(self).removeprefix(f'{self.reason.value}: ')))

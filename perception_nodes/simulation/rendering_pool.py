"""Processes that render side by side."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import cv2


def rendering_pool(workers: int) -> ProcessPoolExecutor:
    """
    Return processes that share the cores: each draws and computes in one thread.

    With helpers of their own, Mesa's software renderer and OpenCV wait for one another's cores;
    the pictures are the same to the bit.
    """
    os.environ.setdefault('LP_NUM_THREADS', '0')  # Mesa: no helpers; read when it is loaded
    context = get_context('spawn')  # OpenGL contexts do not survive a fork
    return ProcessPoolExecutor(
        workers, mp_context=context, initializer=cv2.setNumThreads, initargs=(1,)
    )

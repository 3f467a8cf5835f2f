"""Banks as one file each: NumPy arrays and a text in JSON, nothing that runs code."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import numpy as np

from perception_nodes.fewshot.prototypes import BankError, PrototypeBank

VERSION = 1
_ARRAYS = ('vectors', 'labels', 'groups')


def save_bank(path: Path, bank: PrototypeBank) -> Path:
    """
    Write a bank; an earlier file is replaced at once or not at all.

    Vectors are kept in float16, which changes scores by less than 0.001.

    :param path: of the file, with any suffix.
    :raises OSError: when it cannot be written.
    """
    text = {
        'version': VERSION, 'class_names': bank.class_names, 'embedder': bank.embedder_name,
        'embedder_settings': bank.embedder_settings, 'shrinkage': bank.shrinkage,
        'rejected_share': bank.rejected_share,
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'.{path.name}.{os.getpid()}.part')
    try:
        with part.open('wb') as file:
            np.savez(
                file, vectors=bank.vectors.astype(np.float16), labels=bank.labels,
                groups=bank.groups, bank=np.array(json.dumps(text)),
            )  # fmt: skip
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def load_bank(path: Path) -> PrototypeBank:
    """
    Return the bank of a file.

    :raises BankError: when there is none, it is something else, or of another version.
    """
    if not path.is_file():
        raise BankError(f'bank: there is no file {path}; cure: perception enroll NAME IMAGES')
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in _ARRAYS}
            text = json.loads(str(stored['bank']))
    except (ValueError, KeyError, OSError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise BankError(f'bank: {path} is not a bank ({error}); enrol its classes anew') from error
    version = text.get('version') if isinstance(text, dict) else None
    if version != VERSION:
        raise BankError(
            f'bank: {path} has version {version}; this program reads {VERSION}; enrol its classes '
            'anew'
        )
    try:
        return PrototypeBank(
            class_names=tuple(text['class_names']), vectors=arrays['vectors'].astype(np.float32),
            labels=arrays['labels'], groups=arrays['groups'], embedder_name=text['embedder'],
            embedder_settings=text['embedder_settings'], shrinkage=text['shrinkage'],
            rejected_share=text['rejected_share'],
        )  # fmt: skip
    except (KeyError, TypeError) as error:
        raise BankError(f'bank: {path} lacks {error}; enrol its classes anew') from error

"""Files of banks: what was written comes back, anything else is refused with the cure."""

import json
import pickle

import numpy as np
import pytest

from perception_nodes.fewshot.bank_file import load_bank, save_bank
from perception_nodes.fewshot.prototypes import BankError, empty_bank
from perception_nodes.fewshot.space import unit_rows


@pytest.fixture
def bank():
    rng = np.random.default_rng(0)
    first, second = (unit_rows(rng.normal(c, 1, (4, 30)).astype(np.float32)) for c in (0, 3))
    empty = empty_bank('pixels', {'size_px': 8}, (1, 30))
    return empty.enrolled('cup', first[:, None]).enrolled('Tür', second[:, None], [0, 0, 1, 1])


def test_bank_comes_back(bank, tmp_path):
    found = load_bank(save_bank(tmp_path / 'new' / 'bank.npz', bank))
    assert found.class_names == ('cup', 'Tür')
    assert found.embedder_settings == {'size_px': 8}
    assert np.array_equal(found.groups, bank.groups)
    assert found.threshold == pytest.approx(bank.threshold, abs=1e-3)
    assert [file.name for file in (tmp_path / 'new').iterdir()] == ['bank.npz']


def test_failed_write_leaves_the_old_file(bank, tmp_path, monkeypatch):
    path = save_bank(tmp_path / 'bank.npz', bank)
    before = path.read_bytes()

    def full(*_, **__):
        raise OSError('no space left')

    monkeypatch.setattr(np, 'savez', full)
    with pytest.raises(OSError, match='no space'):
        save_bank(path, bank.without('cup'))
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize('content', [b'', b'PK\x03\x04 cut', pickle.dumps({'a': 1})])
def test_other_files_are_refused(content, tmp_path):
    path = tmp_path / 'bank.npz'
    path.write_bytes(content)
    with pytest.raises(BankError, match='is not a bank'):
        load_bank(path)


def test_missing_file_and_other_version_are_named(bank, tmp_path):
    with pytest.raises(BankError, match='perception enroll'):
        load_bank(tmp_path / 'none.npz')
    path = tmp_path / 'bank.npz'
    text = np.array(json.dumps({'version': 9}))
    np.savez(path, vectors=bank.vectors, labels=bank.labels, groups=bank.groups, bank=text)
    with pytest.raises(BankError, match='version 9; this program reads 1'):
        load_bank(path)

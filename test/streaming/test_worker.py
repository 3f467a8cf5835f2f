"""The worker's thread survives every error and ends cleanly."""

import threading

from perception_nodes.streaming import NewestMailbox, Worker
from perception_nodes.streaming import worker as worker_module


def started(function, **options):
    mailbox = NewestMailbox()
    options.setdefault('on_error', lambda item, error: None)
    worker = Worker(mailbox, function, **options)
    worker.start()
    return mailbox, worker


def test_worker_calls_the_function_in_its_own_named_thread():
    done, seen = threading.Event(), []

    def note(item):
        seen.append((item, threading.current_thread().name))
        done.set()

    mailbox, worker = started(note, name='inference')
    mailbox.put(7)
    assert done.wait(5)
    assert worker.stop()
    assert seen == [(7, 'inference')]
    assert worker.counts.processed == 1


def test_error_of_the_function_is_reported_and_the_next_item_is_worked_on():
    errors, done = [], threading.Event()
    reported = threading.Event()

    def fail_on_zero(item):
        1 // item
        done.set()

    def report(item, error):
        errors.append((item, type(error)))
        reported.set()

    mailbox, worker = started(fail_on_zero, on_error=report)
    mailbox.put(0)
    assert reported.wait(5)
    mailbox.put(1)
    assert done.wait(5)
    assert worker.stop()
    assert errors == [(0, ZeroDivisionError)]
    assert (worker.counts.processed, worker.counts.failed) == (1, 1)


def test_error_of_the_error_callback_does_not_end_the_thread(caplog):
    done, failed = threading.Event(), threading.Event()

    def report(item, error):
        failed.set()
        raise RuntimeError('reporting failed')

    mailbox, worker = started(lambda item: done.set() if item else 1 // 0, on_error=report)
    mailbox.put(0)
    assert failed.wait(5)
    mailbox.put(1)
    assert done.wait(5)
    assert worker.stop()
    assert 'a callback of the worker failed' in caplog.text


def test_stop_says_when_the_function_hangs():
    entered, release = threading.Event(), threading.Event()

    def hang(item):
        entered.set()
        release.wait(5)

    mailbox, worker = started(hang)
    mailbox.put(1)
    assert entered.wait(5)
    assert worker.stop(timeout_s=0.01) is False
    release.set()
    assert worker.stop() is True
    assert not worker.alive


def test_stop_from_inside_the_function_does_not_join_itself():
    answers, done = [], threading.Event()

    def stop_now(item):
        answers.append(workers[0].stop())
        done.set()

    mailbox = NewestMailbox()
    workers = [Worker(mailbox, stop_now, on_error=lambda item, error: None)]
    workers[0].start()
    mailbox.put(1)
    assert done.wait(5)
    assert answers == [False]
    assert workers[0].stop()


def test_stop_before_start_only_closes_the_mailbox():
    mailbox = NewestMailbox()
    assert Worker(mailbox, print, on_error=print).stop()
    assert mailbox.closed


def test_idle_callback_runs_when_nothing_arrives(monkeypatch):
    monkeypatch.setattr(worker_module, 'IDLE_PERIOD_S', 0.001)
    idle = threading.Event()
    _, worker = started(print, on_idle=idle.set)
    assert idle.wait(5)
    assert worker.stop()


def test_slow_function_gets_the_newest_item():
    entered, release, seen = threading.Event(), threading.Event(), []
    second = threading.Event()

    def work(item):
        seen.append(item)
        (second if len(seen) > 1 else entered).set()
        release.wait(5)

    mailbox, worker = started(work)
    mailbox.put(0)
    assert entered.wait(5)
    for item in range(1, 10):
        mailbox.put(item)
    release.set()
    assert second.wait(5)
    assert worker.stop()
    assert seen == [0, 9]
    assert mailbox.counts.dropped == 8

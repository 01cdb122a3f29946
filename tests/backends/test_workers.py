"""The threads that share a large operation or a captured step."""

from __future__ import annotations

import multiprocessing
import threading
import warnings

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn_backends.numpy.kernels.workers import Workers, workers


@pytest.fixture
def two_threads(monkeypatch):
    monkeypatch.setattr("tinygrad_cnn_backends.numpy.kernels.threads.get_num_threads", lambda: 2)


def large_convolution():
    tc.manual_seed(0)
    return tc.functional.conv2d(tc.randn(16, 8, 48, 48), tc.randn(4, 8, 3, 3)).numpy()


def test_the_error_of_the_first_part_wins_and_work_goes_on():
    def fail(text):
        raise ValueError(text)

    three = Workers(3)
    with pytest.raises(ValueError, match="second"):
        three.run([lambda: None, lambda: fail("second"), lambda: fail("third")])
    done = []
    three.run([lambda: done.append(0), lambda: done.append(1), lambda: done.append(2)])
    assert sorted(done) == [0, 1, 2]


def test_jobs_within_a_job_are_done_by_its_own_thread():
    seen = []

    def outer():
        mine = threading.get_ident()
        workers(2).run([lambda: seen.append(threading.get_ident() == mine) for _ in range(2)])

    workers(2).run([outer, outer])
    assert seen == [True] * 4


@pytest.mark.usefixtures("two_threads")
def test_large_operations_in_parts_equal_those_in_one(monkeypatch):
    in_two = large_convolution()
    monkeypatch.setattr("tinygrad_cnn_backends.numpy.kernels.threads.get_num_threads", lambda: 1)
    np.testing.assert_allclose(in_two, large_convolution(), rtol=1e-4, atol=1e-4)


@pytest.mark.usefixtures("two_threads")
def test_several_threads_of_the_user_take_turns():
    x, w = tc.randn(16, 8, 48, 48), tc.randn(4, 8, 3, 3)
    expected, got = tc.functional.conv2d(x, w).numpy(), []
    callers = [
        threading.Thread(target=lambda: got.append(tc.functional.conv2d(x, w).numpy())) for _ in range(4)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(got) == 4
    assert all(np.array_equal(one, expected) for one in got)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system does not fork")
@pytest.mark.usefixtures("two_threads")
def test_a_forked_process_has_threads_of_its_own():
    expected = large_convolution()  # the parent's threads are there now
    receiver, sender = multiprocessing.Pipe(duplex=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking with threads; that is the point
        child = multiprocessing.get_context("fork").Process(target=lambda: sender.send(large_convolution()))
        child.start()
    assert receiver.poll(60), "the child waits for threads that it does not have"
    np.testing.assert_array_equal(receiver.recv(), expected)
    child.join()

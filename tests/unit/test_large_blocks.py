"""Blocks of large frames: what is kept for the next one, and what goes back to the system."""

import os
import threading

import pytest

from zmqcore import _probe as probe

MIB = 1 << 20


@pytest.fixture(autouse=True)
def empty():
    probe.block_trim()
    yield
    probe.block_trim()


def test_a_block_is_used_again_for_a_frame_that_fills_more_than_half():
    block = probe.block_Block(MIB)
    address = block.address
    block.free()
    small = probe.block_Block(MIB // 4)
    assert small.address != address
    half = probe.block_Block(MIB // 2 + 4096)
    assert half.address == address
    half.free()
    larger = probe.block_Block(MIB + 8192)
    assert larger.address != address


def test_what_is_kept_is_bounded():
    blocks = [probe.block_Block(MIB) for _ in range(3 * probe.block_KEPT)]
    addresses = {block.address for block in blocks}
    assert len(addresses) == len(blocks)
    kept = [block.address for block in blocks[: probe.block_KEPT]]
    for block in blocks:
        block.free()
    again = [probe.block_Block(MIB) for _ in range(probe.block_KEPT)]
    assert sorted(block.address for block in again) == sorted(kept)


def test_growing_keeps_the_content():
    block = probe.block_Block(8192)
    content = os.urandom(8192 - 8)
    block.fill(content)
    for size in (65536, 200000, 200001, MIB, 5 * MIB):
        block.grow(size)
        assert block.content()[: len(content)] == content
        content = os.urandom(size - 8)
        block.fill(content)
        assert block.content() == content


def test_threads_never_share_a_block():
    torn = []

    def work(mark):
        torn.append(probe.block_churn(probe.block_MIN, 3000, mark))

    threads = [threading.Thread(target=work, args=(mark,)) for mark in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert torn == [0] * 4

"""Thousands of broken files: none brings the reader down, and of every one each record is accounted for.

Belongs here: how many, by how many processes, in what time.
Does not belong here: how a file breaks and what a reading must hold (``fuzzing``).
"""

import multiprocessing

from tests.resources.warehouse.fuzzing import hold_all
from tests.torture import figure

FILES, PROCESSES, CHUNK = figure(4_000, 1_000_000), 2, 250
MOST_SECONDS = 120
"""For one chunk. A file takes some thirty milliseconds; a reader that hangs or dies is told by this."""


def test_thousands_of_broken_files_are_read_as_the_judge_reads_them_or_refused_in_words() -> None:
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        chunks = [pool.apply_async(hold_all, [range(first, first + CHUNK)]) for first in range(0, FILES, CHUNK)]
        wrong = [line for chunk in chunks for line in chunk.get(MOST_SECONDS)]
    assert wrong == []

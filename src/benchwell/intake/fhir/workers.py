"""Chunks over processes: results in order, few chunks on the way, so that memory stays flat."""

from __future__ import annotations

import gc
import multiprocessing
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace
from typing import TypeVar

from benchwell.errors import SourceError
from benchwell.intake.fhir.chunks import Chunk, Mapped, Shapes, map_chunk
from benchwell.intake.fhir.rows import Context
from benchwell.intake.fhir.unpack import Piece

Tag = TypeVar("Tag")
_AHEAD = 8  # chunks that wait while every worker has one: work enough while this process folds a part

_context: Context
_shapes: Shapes


def map_chunks(
    chunks: Iterable[tuple[Tag, Chunk]], context: Context, shapes: Shapes, workers: int
) -> Iterator[tuple[Tag, Mapped]]:
    """Map chunks, in order.

    Args:
        chunks: With whatever is to be given back beside each result.
        context: What mappers may ask; handed to each worker once.
        shapes: How resources become rows.
        workers: Processes; with fewer than two, everything runs in this one.
    """
    if workers < 2:
        for tag, chunk in chunks:
            yield tag, map_chunk(chunk, context, shapes)
        return
    # Never fork: this process may hold locks of other threads (DuckDB, Arrow).
    start = multiprocessing.get_context("forkserver" if _has_forkserver() else "spawn")
    pool = ProcessPoolExecutor(workers, start, initializer=_begin, initargs=(context, shapes))
    try:
        yield from _in_order(pool, chunks, workers + _AHEAD)
    finally:
        pool.shutdown(cancel_futures=True)


def _in_order(
    pool: ProcessPoolExecutor, chunks: Iterable[tuple[Tag, Chunk]], most: int
) -> Iterator[tuple[Tag, Mapped]]:
    waiting: deque[tuple[Tag, Future[Mapped]]] = deque()
    try:
        for tag, chunk in chunks:
            waiting.append((tag, pool.submit(_run, *_sent(chunk))))
            if len(waiting) >= most:
                done, future = waiting.popleft()
                yield done, future.result()
        while waiting:
            done, future = waiting.popleft()
            yield done, future.result()
    finally:
        for _, future in waiting:  # the reader stopped early
            future.cancel()


def _has_forkserver() -> bool:
    return "forkserver" in multiprocessing.get_all_start_methods()


def _begin(context: Context, shapes: Shapes) -> None:
    global _context, _shapes
    # Ctrl-C reaches every process of the terminal. One that dies while it takes a chunk from the queue would keep the
    # queue locked, and the others, and this program, would wait for ever: the process that started them ends them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _context, _shapes = context, shapes
    # Nothing that a chunk makes points back at itself, so all of it goes when the last name for it goes. Looking for
    # circles while millions of rows are made would take a fifth of the time; once after each chunk is enough.
    gc.freeze()
    gc.disable()


def _sent(chunk: Chunk) -> tuple[Chunk, list[int]]:
    """A chunk as it is sent, and how many bytes each piece has: what stands in a file is read there again.

    A gigabyte through a pipe is copied six times, and chunks that wait would hold it; a file that was just read is
    still in memory.
    """
    sent = tuple(piece if piece.place is None else replace(piece, data=b"") for piece in chunk)
    return sent, [len(piece.data) for piece in chunk]


def _read(piece: Piece, size: int) -> Piece:
    if piece.place is None:
        return piece
    path, offset = piece.place
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read(size)
    if len(data) != size:
        raise SourceError(f"{path} became shorter while it was read.", hint="take it in once it is complete")
    return replace(piece, data=data)


def _run(chunk: Chunk, sizes: list[int]) -> Mapped:
    mapped = map_chunk(tuple(_read(piece, size) for piece, size in zip(chunk, sizes, strict=True)), _context, _shapes)
    gc.collect()
    return mapped

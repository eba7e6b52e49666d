"""The process that prints papers: a tenth of a second of pure Python each, kept off the event loop.

One child for each worker, started when it is needed, gone after some idle minutes or with its parent. It is
a plain pipe, since workers of the web server may have no children of `multiprocessing`. A request is a
length and JSON; an answer is `PARTS` and the parts (`printing.py` is the other end).
"""

import asyncio
import json
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import structlog

from services.certificates.signing import Signer
from services.domain.errors import Unavailable

LENGTH = struct.Struct(">I")
PARTS = struct.Struct(">II64s")
"""Bytes of the PDF, bytes of the picture, SHA-256 in hex; no PDF: the second part names the error."""
PRINT_SECONDS = 20.0
ROOT = Path(__file__).parent.parent.parent

log = structlog.get_logger("certificates")


@dataclass(frozen=True, kw_only=True, repr=False)
class Rendered:
    """The PDF, its SHA-256 in hex, and its first page as PNG."""

    pdf: bytes
    sha256: str
    preview: bytes


class CannotPrint(Unavailable):
    """The paper was not printed; its number stays, and the next try makes the same file."""


class Press:
    """One child at a time, one paper at a time. Safe to use from any event loop."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self._one_at_a_time = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    async def warm_up(self) -> None:
        """Let the child read its fonts while something else is waited for."""
        await asyncio.to_thread(self._warm_up)

    async def make(self, kind: str, facts: Mapping[str, Any], made_at: datetime) -> Rendered:
        """The paper of this kind, signed. `CannotPrint` after a failure."""
        order = {"kind": kind, "facts": facts, "made_at": made_at.isoformat()}
        return await asyncio.to_thread(self._print, json.dumps(order).encode())

    def close(self) -> None:
        with self._one_at_a_time:
            self._drop()

    def _warm_up(self) -> None:
        with self._one_at_a_time:
            self._running()

    def _print(self, order: bytes) -> Rendered:
        with self._one_at_a_time:
            child = self._running()
            late = threading.Timer(PRINT_SECONDS, child.kill)
            late.start()
            try:
                return _ask(child, order)
            except (OSError, EOFError, struct.error) as error:
                self._drop()
                log.error("press_died", error=type(error).__name__)
                raise CannotPrint from error
            finally:
                late.cancel()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is not None:
            self._drop()
        if self._child is None:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "services.certificates.printing", *self._files()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # what libraries say about a paper may quote it
                cwd=ROOT,
                env={**os.environ, "PYTHONHASHSEED": "0"},  # the order of sets is part of the bytes
                start_new_session=True,
            )
        return self._child

    def _files(self) -> tuple[str, str]:
        """Where the child finds what it signs with; the key itself passes through no pipe."""
        return str(self._signer.key_file.absolute()), str(self._signer.cert_file.absolute())

    def _drop(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                _close(pipe)


def _ask(child: subprocess.Popen[bytes], order: bytes) -> Rendered:
    orders, papers = child.stdin, child.stdout
    if orders is None or papers is None:
        raise EOFError
    orders.write(LENGTH.pack(len(order)) + order)
    orders.flush()
    pdf_length, rest_length, sha256 = PARTS.unpack(read_exactly(papers, PARTS.size))
    pdf, rest = read_exactly(papers, pdf_length), read_exactly(papers, rest_length)
    if not pdf:
        log.error("paper_not_printed", error=rest.decode())
        raise CannotPrint
    return Rendered(pdf=pdf, sha256=sha256.decode(), preview=rest)


def read_exactly(pipe: IO[bytes], size: int) -> bytes:
    """`size` bytes; EOFError when the other end is gone."""
    data = pipe.read(size)
    if len(data) != size:
        raise EOFError
    return data


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except OSError:
        return  # unwritten bytes of a dead child

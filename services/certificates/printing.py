"""The child of `press.py`: reads orders from its standard input, writes signed papers to its standard output.

Its arguments are the files of the operator's key and certificate.

Fonts are read when it starts, and serve all its papers.
"""

import json
import os
import select
import sys
from datetime import datetime
from pathlib import Path
from typing import IO

from services.certificates.drawing import Sheet
from services.certificates.layout import get_layout
from services.certificates.press import LENGTH, PARTS, Rendered, read_exactly
from services.certificates.render import render
from services.certificates.signing import Signer

IDLE_SECONDS = 600.0


def serve(orders: IO[bytes], papers: IO[bytes], signer: Signer) -> None:
    """Print until there are no more orders: the parent is gone, or has asked for nothing for a while."""
    Sheet()  # reads the font while nobody waits
    while select.select([orders], [], [], IDLE_SECONDS)[0]:
        try:
            order = read_exactly(orders, LENGTH.unpack(read_exactly(orders, LENGTH.size))[0])
        except EOFError:
            return
        papers.write(_answer(Sheet(), order, signer))
        papers.flush()


def _answer(sheet: Sheet, order: bytes, signer: Signer) -> bytes:
    """An error is told by its name alone: its text may quote the paper."""
    try:
        paper = _print(sheet, order, signer)
    except Exception as error:
        name = type(error).__name__.encode()
        return PARTS.pack(0, len(name), b"0" * 64) + name
    head = PARTS.pack(len(paper.pdf), len(paper.preview), paper.sha256.encode())
    return head + paper.pdf + paper.preview


def _print(sheet: Sheet, order: bytes, signer: Signer) -> Rendered:
    wanted = json.loads(order)
    return render(
        sheet,
        get_layout(wanted["kind"]),
        wanted["facts"],
        datetime.fromisoformat(wanted["made_at"]),
        signer,
    )


if __name__ == "__main__":
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a stray print must not get between the papers
    serve(
        os.fdopen(sys.stdin.fileno(), "rb", buffering=0),
        out,
        Signer(key_file=Path(sys.argv[1]), cert_file=Path(sys.argv[2])),
    )

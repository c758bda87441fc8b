"""What the tests of the data share: a seed, files, the examples of a dataset, and a web server that can misbehave."""

import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from minigrad.data.dataset import Dataset
from minigrad.engine import random


@pytest.fixture(autouse=True)
def _seed():
    random.seed(0)
    yield
    random.seed(0)


def everything(data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """The inputs and the targets of all parts."""
    parts = (data.train, data.val, data.test)
    return np.concatenate([part.inputs for part in parts]), np.concatenate([part.targets for part in parts])


def idx(array: np.ndarray) -> bytes:
    """The IDX file of an array of bytes."""
    return struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape) + array.tobytes()


@dataclass
class Mirror:
    """Serves `files`; `ranges`: whether from the middle too; `break_after`: bytes until the next answer breaks off."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    break_after: int | None = None
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        name, span = request.path.lstrip("/"), request.headers["Range"]
        self.asked.append((name, span))
        content = self.files.get(name)
        if content is None:
            request.send_error(404)
            return
        start = int(span.removeprefix("bytes=").removesuffix("-")) if span and self.ranges else 0
        if start and start >= len(content):
            request.send_error(416)
            return
        request.send_response(206 if start else 200)
        request.send_header("Content-Length", str(len(content) - start))
        request.end_headers()
        end = None if self.break_after is None else start + self.break_after
        self.break_after = None
        request.wfile.write(content[start:end])


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    mirror = Mirror()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            mirror.answer(self)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        mirror.url = f"http://127.0.0.1:{server.server_port}/"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield mirror
        server.shutdown()
        thread.join()

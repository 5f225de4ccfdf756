"""One shell command that was started: what is known of it, while it runs and afterwards."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from roundtrip.agent.runtime.recording import Recording
from roundtrip.agent.tooling import Excerpt, Finished, JobState, Output


class LocalJob:
    """See `tooling.Job`."""

    def __init__(self, number: int, command: str, recording: Recording | None, output: Output) -> None:
        self.number = number
        """That of its file; its id as soon as the model may be told of it."""
        self.command = command
        self.state: JobState = "running"
        self.note = ""
        self.kept = False
        self.recording = recording
        self.task: asyncio.Task[None] | None = None
        self._output: Output | None = output
        self._total = 0
        self._finished: Finished | None = None
        self._begun = time.monotonic()
        self._news = asyncio.Event()

    @property
    def id(self) -> int:
        return self.number if self.kept else 0

    @property
    def total(self) -> int:
        return self.recording.total if self.recording else self._total

    @property
    def finished(self) -> Finished:
        return self._finished or Finished(None, "", time.monotonic() - self._begun)

    def end(self, state: JobState, finished: Finished) -> None:
        self.state, self._finished = state, finished
        if self.recording is not None:
            self.recording.close()
            if self.kept:
                self._describe()
        self._news.set()

    def hear(self, text: str) -> None:
        """A piece of output."""
        self._total += len(text.encode("utf-8", "replace"))
        if self.recording is not None:
            self.recording.add(text)
        if self._output is not None:
            self._output(text)
        self._news.set()

    def detach(self) -> None:
        """Nobody hears its output as it comes any more."""
        self._output = None

    def keep(self) -> int:
        self.kept = self.recording is not None
        if self.kept and self.state != "running":
            self._describe()
        return self.id

    def drop(self) -> None:
        """Removes what was not kept, once it has ended."""
        if self.recording is not None and not self.kept and self.state != "running":
            self.recording.close(remove=True)

    def read(self, offset: int, most: int) -> Excerpt:
        return self.recording.read(offset, most) if self.recording else Excerpt(self.total, "", self.total, self.total)

    def search(self, words: Sequence[str], most: int) -> tuple[list[tuple[int, str]], int]:
        return self.recording.search(words, most) if self.recording else ([], 0)

    async def news(self, since: int, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.state == "running" and self.total <= since:
                    self._news.clear()
                    await self._news.wait()

    async def kill(self) -> None:
        if self.task is not None and not self.task.done():
            self.task.cancel()
            await asyncio.wait([self.task])

    def _describe(self) -> None:
        """Writes down how it ended, for when the session is taken up again."""
        assert self.recording is not None
        said: dict[str, Any] = {
            "command": self.command,
            "state": self.state,
            "code": self.finished.code,
            "total": self.recording.total,
        }
        with suppress(OSError):
            self.recording.path.with_suffix(".json").write_text(json.dumps(said), encoding="utf-8")

    @classmethod
    def recalled(cls, path: Path) -> LocalJob:
        """From its file, in a later run. Without its description it was killed with the program. Raises OSError."""
        said: dict[str, Any] = {"command": "", "state": "killed", "code": None, "total": Recording.shortest(path)}
        with suppress(OSError, ValueError):
            said |= json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        job = cls(int(path.stem), said["command"], Recording(path, said["total"]), lambda text: None)
        job.kept, job.state, job._finished = True, said["state"], Finished(said["code"], "", 0.0)
        return job

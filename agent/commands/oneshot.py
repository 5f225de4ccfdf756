"""One prompt, one turn, one answer: puts the parts together and runs them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from roundtrip.agent.conversation import Conversation
from roundtrip.agent.events import ModelChanged
from roundtrip.agent.frontends.headless import FAILED, MISCONFIGURED, Headless, printable
from roundtrip.agent.messages import Effect
from roundtrip.agent.rules.approvals import PERMISSIONS
from roundtrip.agent.runtime.client import OpenAIModel
from roundtrip.agent.runtime.config import ConfigError, Settings, config_path, settings
from roundtrip.agent.runtime.loop import Agent
from roundtrip.agent.runtime.permissions import Permissions
from roundtrip.agent.runtime.workspace import LocalWorkspace, agents_md
from roundtrip.agent.tooling import Model, ModelFailure, Opened
from roundtrip.agent.wire.defuse import defuse
from roundtrip.agent.wire.profiles import GENERIC, MARKERS, PROFILES, Profile, profile_for, profile_of_template
from roundtrip.agent.wire.render import render_messages
from roundtrip.prompts import system_prompt
from roundtrip.tools.toolset import default_tools


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for. allow: keys of `PERMISSIONS`."""

    prompt: str
    workspace: Path = Path(".")
    base_url: str | None = None
    model: str | None = None
    allow: frozenset[str] = frozenset()
    json: bool = False
    requests: Path | None = None
    max_steps: int = 50


def run(options: Options, chosen: Settings | None = None) -> int:
    """Runs one turn and prints what comes of it. Returns the exit code.

    chosen: the settings; without them, flags, environment and the user's config file are asked.
    """
    try:
        if chosen is None:
            flags = {"base_url": options.base_url, "model": options.model}
            chosen = settings(flags, os.environ, config_path())
        if not options.workspace.is_dir():
            raise ConfigError(f"--workspace: {options.workspace} is no folder")
        log = _open_log(options.requests)
    except ConfigError as error:
        sys.stderr.write(f"agent: {error}\n")
        if options.json:
            _write(json.dumps(Headless(sys.stderr).failure(str(error), MISCONFIGURED), ensure_ascii=False))
        return MISCONFIGURED
    try:
        return asyncio.run(_run(options, chosen, log))
    finally:
        if log:
            log.close()


async def _run(options: Options, chosen: Settings, log: TextIO | None) -> int:
    front = Headless(sys.stderr)
    model = OpenAIModel(chosen.base_url, chosen.api_key)
    watch = asyncio.create_task(front.watch())
    try:
        name = chosen.model or await _first_model(model, chosen, front)
        if not name:
            if options.json:
                _write(json.dumps(front.failure(front.error, FAILED), ensure_ascii=False))
            return FAILED
        if "command" in options.allow:
            front.line("commands are not sandboxed yet: they run with all your rights")
        conversation = Conversation(system_prompt(agents_md(options.workspace)))
        profile = await _family(model, chosen, name)
        if profile is not profile_for(name):
            changed = ModelChanged(name, profile.name)
            conversation.apply(changed)
            front(changed)
        agent = _agent(options, LoggedModel(model, log) if log else model, name, front, conversation)
        await agent.turn(options.prompt)
    finally:
        watch.cancel()
        await model.close()
    _print(options, front, agent)
    return front.exit_code


async def _family(model: OpenAIModel, chosen: Settings, name: str) -> Profile:
    """What the model's name says, or a local server's chat template where the name says nothing."""
    profile = profile_for(name)
    if profile is GENERIC and chosen.base_url.startswith("http://"):
        profile = profile_of_template(await model.template())
    return profile


def _agent(options: Options, model: Model, name: str, front: Headless, conversation: Conversation) -> Agent:
    workspace = LocalWorkspace(options.workspace)
    allowed: frozenset[Effect] = frozenset(PERMISSIONS[word] for word in options.allow)
    return Agent(
        model,
        name,
        conversation,
        default_tools(workspace),
        Permissions(allowed),
        front,
        options.max_steps,
    )


async def _first_model(model: OpenAIModel, chosen: Settings, front: Headless) -> str:
    """The first model that the server lists, "" if there is none; then it has been said why."""
    listed = await model.models()
    if isinstance(listed, ModelFailure):
        front.error = f"{chosen.base_url} ({chosen.source}) does not list its models: {listed.text}"
        front.line(f"error: {front.error}")
        front.line("is the server running? Set --base-url and --model, or see the agent without one: agent demo")
        return ""
    if not listed:
        where = f"{chosen.base_url} ({chosen.source})"
        front.error = f"{where} lists no models (is it a model server?); name one with --model"
        front.line(f"error: {front.error}")
        return ""
    return listed[0]


def _print(options: Options, front: Headless, agent: Agent) -> None:
    if options.json:
        messages = render_messages(agent.conversation.messages, PROFILES[agent.profile])
        report = front.report(messages, lambda text: defuse(text, MARKERS))
        text = json.dumps(report, ensure_ascii=False)
    elif front.ended is not None and front.ended.outcome == "answered":
        text = printable(front.ended.answer) if sys.stdout.isatty() else front.ended.answer
    else:
        return
    _write(text)


def _write(text: str) -> None:
    sys.stdout.buffer.write(text.encode("utf-8", "replace") + b"\n")
    sys.stdout.flush()


class LoggedModel:
    """A model whose requests are written to a file, one JSON body a line, before they are sent."""

    def __init__(self, model: Model, log: TextIO) -> None:
        self._model = model
        self._log = log

    async def exchange(self, body: Mapping[str, Any]) -> AsyncGenerator[Opened | bytes | ModelFailure, None]:
        """See `tooling.Model`."""
        self._log.write(json.dumps(body, ensure_ascii=False) + "\n")
        self._log.flush()
        async with aclosing(self._model.exchange(body)) as items:
            async for item in items:
                yield item


def _open_log(path: Path | None) -> TextIO | None:
    """The request log, readable by its owner only: it holds the user's code. Raises ConfigError."""
    if path is None:
        return None
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise ConfigError(f"--requests: {path} can't be written: {error.strerror}") from error
    return os.fdopen(descriptor, "w", encoding="utf-8", errors="replace")

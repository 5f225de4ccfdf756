"""What a person or a script talks to: one session at a time, over one server. Every front end stands on it.

    chat = Chat(setup, approver, emit, warn)
    await chat.resume(path)            # or not: then a session begins with `connect`
    problem = await chat.connect()     # "" if all is well; may be tried again
    ended = await chat.turn("hello")   # to interrupt it, cancel its task: it returns then, it does not raise
    await chat.close()

Each event is written to the session's log before it goes to the front end. Not connected, nothing is kept: what the
user typed is still with the front end then. There is one turn at a time; `resume`, `restart` and `close` interrupt it
first, and wait for that, so they are not to be called from within (by a tool, an approver or `emit`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from roundtrip.agent.conversation import Conversation
from roundtrip.agent.events import ClosedEvent, Event, ModelChanged, Rewound, TurnEnded
from roundtrip.agent.messages import Message, ToolResult
from roundtrip.agent.runtime.checkpoints.checkpoint_log import Origin
from roundtrip.agent.runtime.checkpoints.news import said_at
from roundtrip.agent.runtime.checkpoints.recorder import Checkpoints
from roundtrip.agent.runtime.client import OpenAIModel
from roundtrip.agent.runtime.jobs import OUTPUTS, LocalJobs
from roundtrip.agent.runtime.loop import Agent
from roundtrip.agent.runtime.models import family, first_model
from roundtrip.agent.runtime.request_log import LoggedModel
from roundtrip.agent.runtime.sandbox.policy import Sandbox
from roundtrip.agent.runtime.session_log import Header, Loaded, SessionError, SessionLog, new_id
from roundtrip.agent.runtime.sessions import closing, model_of, rebuilt
from roundtrip.agent.runtime.setup import Setup
from roundtrip.agent.runtime.subtask import MOST_STEPS, delegate
from roundtrip.agent.runtime.surroundings import Surroundings
from roundtrip.agent.runtime.turns import Turns
from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.agent.tooling import Approver, ModelFailure, Output, Ports, Situation
from roundtrip.agent.wire.facts import Facts
from roundtrip.agent.wire.profiles import GENERIC, PROFILES, Profile, profile_for

_BROKEN_OFF: Final = "the last turn was broken off; the model is told which calls were not run, and which may have run"

_OTHER_TOOLS: Final = "a session keeps the tools that it began with: begin a new one for those that --tool names"
_SINGLE_SLOT: Final = "new_task is not offered: the server works on one request at a time (llama.cpp: -np 2)"


class Chat:
    """emit gets every event; warn a sentence when the session can't be saved, no checkpoint made or the like. Neither
    may raise: the history would stay whole, but the turn might end with their exception."""

    def __init__(
        self, setup: Setup, approver: Approver, emit: Callable[[Event], None], warn: Callable[[str], None]
    ) -> None:
        self._setup = setup
        self._approver = approver
        self._emit = emit
        self._warn = warn
        self._client = OpenAIModel(setup.settings.base_url, setup.settings.api_key)
        self._model = LoggedModel(self._client, setup.requests, warn) if setup.requests else self._client
        self._agent: Agent | None = None
        self._conversation: Conversation | None = None
        self._loaded: Loaded | None = None
        self._log: SessionLog | None = None
        self._id = ""
        """Id of the session, kept or not."""
        self._around = Surroundings(setup)
        self._turns = Turns()
        self.checkpoints = Checkpoints(setup.checkpoints, setup.root, warn) if setup.checkpoints else None
        """Those of the workspace, None where none are made."""
        self._chosen = setup.settings.model if setup.settings.model_source in ("--model", "") else ""
        """The model that the user named in this run."""
        self.model = setup.settings.model
        """Name of the model, "" until it is known."""

    @property
    def connected(self) -> bool:
        return self._agent is not None

    @property
    def session_id(self) -> str:
        """Id of the session on disk, "" as long as there is none."""
        return self._log.header.id if self._log and self._log.written else ""

    @property
    def jobs(self) -> LocalJobs | None:
        """The commands of this session, None before there is one."""
        return self._around.jobs

    async def sandbox(self) -> Sandbox:
        """What commands run in. It says what the user should know of it (`Sandbox.notice`)."""
        return await self._around.sandbox()

    @property
    def network(self) -> bool:
        """Whether commands that are started from now on have the network."""
        return self._around.network

    @network.setter
    def network(self, allowed: bool) -> None:
        self._around.network = allowed

    @property
    def messages(self) -> tuple[Message, ...]:
        return self._conversation.messages if self._conversation else ()

    @property
    def profile(self) -> str:
        """Name of the profile that requests are rendered for."""
        return self._agent.profile if self._agent else GENERIC.name

    @property
    def images(self) -> bool:
        """Whether requests hold images."""
        return self._agent is not None and self._agent.images

    async def resume(self, path: Path) -> Loaded:
        """Takes a session up again, and closes the turn that it may end in. Returns what is in it then, for people to
        see. Raises SessionError."""
        log, loaded = SessionLog.reopen(path, self._warn)
        if loaded.header.workspace != str(self._setup.root):
            log.close()
            where = loaded.header.workspace
            raise SessionError(f"the session {path.stem} belongs to {where}; go there, or say --workspace {where}")
        conversation, _ = rebuilt(loaded)
        ends = closing(conversation, loaded.events)
        for event in ends:  # they belong to what was, and are not news
            log(event)
        try:
            await self._leave()
        except BaseException:
            log.close()
            raise
        self._id = log.header.id
        self._log, self._loaded = log, replace(loaded, events=(*loaded.events, *ends))
        self._conversation, losses = rebuilt(self._loaded)
        broken_off = (_BROKEN_OFF,) if ends else ()
        return replace(self._loaded, notes=(*loaded.notes, *losses, *broken_off))

    async def connect(self) -> str:
        """Finds the model and its family, and gets ready for turns. Returns why it can't, "" if it could."""
        name = self._wanted() or await first_model(self._client, self._setup.settings)
        if isinstance(name, ModelFailure):
            return name.text
        before = model_of(self._loaded) if self._loaded else name
        facts = await self._client.facts(name)
        profile = self._family(name, before, facts)
        there, wanted = self._setup.inquire is not None, self._setup.wanted
        situation = Situation(facts.context, facts.slots, facts.images, there, wanted)
        if self._conversation is None:
            self._begin(name, situation)
            if "new_task" in situation.wanted and not situation.delegates:
                self._warn(_SINGLE_SLOT)
        elif self._loaded and name == before:
            situation = self._loaded.header.situation
            if wanted - situation.wanted:
                self._warn(_OTHER_TOOLS)
        assert self._conversation is not None
        known = PROFILES.get(self._conversation.profile) or profile_for(name)
        if name != before or profile is not known:
            self._apply(ModelChanged(name, profile.name))
        self._take_agent(name, situation, facts)
        self._loaded = None
        if self.checkpoints is not None:
            self.checkpoints.turn(self._id, 0, "")
        return ""

    async def restart(self) -> None:
        """A new session, with the same model; the one before stays on disk."""
        await self._leave()
        if self.model:
            await self.connect()

    async def turn(self, text: str) -> TurnEnded:
        """One turn; see `Agent.turn`. Only when connected, and no other one runs."""
        assert self._agent is not None, "connect first"
        with self._turns.one():
            if self.checkpoints is not None:
                note = self.checkpoints.news.take(self._id)
                text = f"{note}\n\n{text}" if note else text
                self.checkpoints.turn(self._id, len(self.messages), text)
            return await self._agent.turn(text)

    def said_at(self, origin: Origin) -> str | None:
        """What the user said where that turn began; None if this conversation does not hold it (any more)."""
        return said_at(origin, self._id, self.messages)

    def rewind(self, origin: Origin) -> str:
        """Takes back the conversation from that turn on. Returns `said_at`. Only between two turns."""
        assert self._turns.between, "not during a turn"
        said = self.said_at(origin)
        assert said is not None, "no turn of this conversation"
        self._apply(Rewound(origin.cut))
        return said

    def say(self, text: str) -> None:
        """See `Agent.say`."""
        assert self._agent is not None, "connect first"
        self._agent.say(text)

    def take_back(self) -> list[str]:
        """See `Agent.take_back`."""
        return self._agent.take_back() if self._agent else []

    @property
    def queue(self) -> tuple[str, ...]:
        """See `Agent.queue`."""
        return self._agent.queue if self._agent else ()

    async def models(self) -> list[str] | ModelFailure:
        """Names of the models that the server offers."""
        return await self._client.models()

    async def use(self, name: str) -> None:
        """From here on, another model. Only between two turns."""
        assert self._turns.between, "not during a turn"
        if self._agent is not None:
            facts = await self._client.facts(name)
            self._agent.use(name, self._family(name, self.model, facts), images=facts.images)
        self.model = self._chosen = name

    async def close(self) -> None:
        """Ends what runs, and closes the logs and the connections; all of them, even if it is cancelled."""
        async with AsyncExitStack() as rest:
            rest.push_async_callback(self._client.close)
            if self.checkpoints is not None:
                rest.push_async_callback(self.checkpoints.close)
            await self._leave()

    async def _leave(self) -> None:
        """Ends the turn and the commands of this session, and forgets it."""
        try:
            await self._turns.interrupt()
        finally:
            log = self._log
            self._agent = self._conversation = self._loaded = self._log = None
            self._id = ""
            if log is not None:
                log.close()
            await self._around.leave()

    def _begin(self, name: str, situation: Situation) -> None:
        now, setup = time.time(), self._setup
        header = Header(new_id(now), now, str(setup.root), setup.settings.base_url, name, setup.system(), situation)
        self._id, self._conversation = header.id, Conversation(header.system)
        if setup.sessions is not None:
            self._log = SessionLog.begin(setup.sessions, header, self._warn)

    def _take_agent(self, name: str, situation: Situation, facts: Facts) -> None:
        assert self._conversation is not None
        ports = Ports(self._setup.inquire, partial(self._delegate, situation), self._setup.settings.base_url)
        tools = self._setup.tools(self._workspace(), situation, ports)
        steps, images = self._setup.max_steps, facts.images or situation.images
        self.model = name
        self._agent = Agent(
            self._model, name, self._conversation, tools, self._approver, self._take, steps,
            images=images, recorder=self.checkpoints,
        )  # fmt: skip

    def _workspace(self) -> LocalWorkspace:
        return self._around.workspace(self._log.path.with_suffix(OUTPUTS) if self._log else None)

    async def _delegate(self, situation: Situation, message: str, output: Output) -> ToolResult:
        """See `tooling.Delegate`. A child can't ask anybody, and has no children."""
        assert self._agent is not None
        alone = replace(situation, interactive=False, wanted=situation.wanted - {"new_task"})
        ports = Ports(server=self._setup.settings.base_url)
        tools = self._setup.tools(self._workspace(), alone, ports)
        agent = self._agent
        return await delegate(lambda emit: agent.child(tools, emit, MOST_STEPS), self._take, message, output)

    def _wanted(self) -> str:
        """The model as far as it is known without asking the server: what the user named counts more than what the
        session had before, and that more than the configuration, if it is the same server."""
        loaded = self._loaded
        if loaded and not self._chosen and loaded.header.base_url == self._setup.settings.base_url:
            return model_of(loaded)
        return self._chosen or self.model

    def _family(self, name: str, before: str, facts: Facts) -> Profile:
        seen = self._conversation.profile if self._conversation and name == before else ""
        return family(name, seen, facts)

    def _apply(self, event: ClosedEvent) -> None:
        assert self._conversation is not None
        self._conversation.apply(event)
        self._take(event)

    def _take(self, event: Event) -> None:
        if self._log is not None:
            self._log(event)
        self._emit(event)

"""What a person or a script talks to: one session at a time, over one server. Every front end stands on it.

    chat = Chat(setup, approver, emit, warn)
    chat.resume(path)                  # or not: then a session begins with `connect`
    problem = await chat.connect()     # "" if all is well; may be tried again
    ended = await chat.turn("hello")

Each event is written to the session's log before it goes to the front end. Not connected, nothing is kept: what the
user typed is still with the front end then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TextIO

from roundtrip.agent.conversation import Conversation
from roundtrip.agent.events import ClosedEvent, Event, ModelChanged, TurnEnded
from roundtrip.agent.messages import Message
from roundtrip.agent.runtime.addresses import without_password
from roundtrip.agent.runtime.client import OpenAIModel
from roundtrip.agent.runtime.config import Settings
from roundtrip.agent.runtime.loop import Agent
from roundtrip.agent.runtime.request_log import LoggedModel
from roundtrip.agent.runtime.session_log import Header, Loaded, SessionError, SessionLog, new_id
from roundtrip.agent.runtime.sessions import closing, model_of, rebuilt
from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.agent.tooling import Approver, ModelFailure, Tool
from roundtrip.agent.wire.profiles import GENERIC, PROFILES, Profile, profile_for, profile_of_template

_BROKEN_OFF: Final = "the last turn was broken off; the model is told which calls were not run, and which may have run"


@dataclass(frozen=True, slots=True)
class Setup:
    """What sessions are made of. sessions: the folder they are kept in, None for nowhere.

    tools and system are asked at the beginning of each session, and hold until its end.
    """

    settings: Settings
    root: Path
    tools: Callable[[LocalWorkspace], Sequence[Tool]]
    system: Callable[[], str]
    sessions: Path | None = None
    max_steps: int = 50
    requests: TextIO | None = None


class Chat:
    """emit gets every event; warn a sentence when the session can't be saved."""

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
        self._chosen = setup.settings.model if setup.settings.model_source == "--model" else ""
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
    def messages(self) -> tuple[Message, ...]:
        return self._conversation.messages if self._conversation else ()

    @property
    def profile(self) -> str:
        """Name of the profile that requests are rendered for."""
        return self._agent.profile if self._agent else GENERIC.name

    def resume(self, path: Path) -> Loaded:
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
        self._leave()
        self._log, self._loaded = log, replace(loaded, events=(*loaded.events, *ends))
        self._conversation, losses = rebuilt(self._loaded)
        broken_off = (_BROKEN_OFF,) if ends else ()
        return replace(self._loaded, notes=(*loaded.notes, *losses, *broken_off))

    async def connect(self) -> str:
        """Finds the model and its family, and gets ready for turns. Returns why it can't, "" if it could."""
        name = self._wanted() or await self._first_model()
        if isinstance(name, ModelFailure):
            return name.text
        before = model_of(self._loaded) if self._loaded else name
        profile = await self._family(name, before)
        if self._conversation is None:
            self._begin(name)
        assert self._conversation is not None
        known = PROFILES.get(self._conversation.profile) or profile_for(name)
        if name != before or profile is not known:
            self._apply(ModelChanged(name, profile.name))
        self._take_agent(name)
        self._loaded = None
        return ""

    async def restart(self) -> None:
        """A new session, with the same model; the one before stays on disk."""
        self._leave()
        if self.model:
            await self.connect()

    async def turn(self, text: str) -> TurnEnded:
        """One turn; see `Agent.turn`. Only when connected."""
        assert self._agent is not None, "connect first"
        return await self._agent.turn(text)

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
        if self._agent is not None:
            self._agent.use(name, await self._family(name, self.model))
        self.model = self._chosen = name

    async def close(self) -> None:
        """Closes the connections and the logs."""
        self._leave()
        if self._setup.requests is not None:
            with suppress(OSError):
                self._setup.requests.close()
        await self._client.close()

    def _leave(self) -> None:
        if self._log is not None:
            self._log.close()
        self._agent = self._conversation = self._loaded = self._log = None

    def _begin(self, name: str) -> None:
        now, setup = time.time(), self._setup
        header = Header(new_id(now), now, str(setup.root), setup.settings.base_url, name, setup.system())
        self._conversation = Conversation(header.system)
        if setup.sessions is not None:
            self._log = SessionLog.begin(setup.sessions, header, self._warn)

    def _take_agent(self, name: str) -> None:
        assert self._conversation is not None
        tools = self._setup.tools(LocalWorkspace(self._setup.root))
        steps = self._setup.max_steps
        self.model = name
        self._agent = Agent(self._model, name, self._conversation, tools, self._approver, self._take, steps)

    def _wanted(self) -> str:
        """The model as far as it is known without asking the server: what the user named counts more than what the
        session had before, and that more than the configuration, if it is the same server."""
        loaded = self._loaded
        if loaded and not self._chosen and loaded.header.base_url == self._setup.settings.base_url:
            return model_of(loaded)
        return self._chosen or self.model

    async def _first_model(self) -> str | ModelFailure:
        """The first model that the server lists, or why there is none."""
        listed = await self.models()
        where = f"{without_password(self._setup.settings.base_url)} ({self._setup.settings.source})"
        if isinstance(listed, ModelFailure):
            advice = "is the server running? Set --base-url and --model, or see the agent without one: agent demo"
            return ModelFailure(listed.kind, f"{where} does not list its models: {listed.text}; {advice}")
        if not listed:
            return ModelFailure("refused", f"{where} lists no models (is it a model server?); name one with --model")
        return listed[0]

    async def _family(self, name: str, before: str) -> Profile:
        """What was seen of this model, if it is the one before, or its name says, or a local server's chat template
        where that says nothing."""
        known = PROFILES.get(self._conversation.profile) if self._conversation and name == before else None
        profile = known or profile_for(name)
        if profile is GENERIC and self._setup.settings.base_url.startswith("http://"):
            profile = profile_of_template(await self._client.template())
        return profile

    def _apply(self, event: ClosedEvent) -> None:
        assert self._conversation is not None
        self._conversation.apply(event)
        self._take(event)

    def _take(self, event: Event) -> None:
        if self._log is not None:
            self._log(event)
        self._emit(event)

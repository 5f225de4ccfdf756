"""Images that tools return: where they stand in a request, and what becomes of them where they can't be shown."""

import base64
import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roundtrip.agent.conversation import Conversation
from roundtrip.agent.events import AssistantEnded, ToolFinished, UserSaid, from_json, to_json
from roundtrip.agent.messages import Assistant, Call, Image, Message, Result, System, User
from roundtrip.agent.wire.mend import history_of
from roundtrip.agent.wire.preflight import preflight
from roundtrip.agent.wire.profiles import GENERIC, KIMI, MARKERS, PROFILES, Profile
from roundtrip.agent.wire.render import render, render_messages

PNG = Image("image/png", base64.b64encode(b"a picture").decode())
JPEG = Image("image/jpeg", base64.b64encode(b"another picture").decode())
LEFT_OUT = "\n(The image is left out: this model takes no images.)"
HISTORY: tuple[Message, ...] = (
    System("system"),
    User("what is on these?"),
    Assistant("", "", (Call(0, "read_file", '{"path": "a.png"}'), Call(1, "read", "{}"), Call(2, "read_file", "{}"))),
    Result("a.png: image/png", (PNG,)),
    Result("no picture"),
    Result("two", (JPEG, PNG)),
    User("and <|im_end|>?"),
    Assistant("They are alike."),
)


def url(image: Image) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": f"data:{image.media_type};base64,{image.data}"}}


def label(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def test_they_follow_the_results_of_their_message() -> None:
    rendered = render_messages(HISTORY, KIMI)
    assert [message["role"] for message in rendered] == [
        "system", "user", "assistant", "tool", "tool", "tool", "user", "user", "assistant",
    ]  # fmt: skip
    assert [message["content"] for message in rendered[3:6]] == ["a.png: image/png", "no picture", "two"]
    last = label("The image that read_file {} returned (functions.read_file:2):")
    assert rendered[6]["content"] == [
        label('The image that read_file {"path": "a.png"} returned (functions.read_file:0):'), url(PNG),
        last, url(JPEG), last, url(PNG),
    ]  # fmt: skip


def test_a_model_without_eyes_is_told_so() -> None:
    rendered = render_messages(HISTORY, KIMI, images=False)
    assert [message["content"] for message in rendered[3:6]] == [
        f"a.png: image/png{LEFT_OUT}", "no picture", f"two{LEFT_OUT}",
    ]  # fmt: skip
    assert all(isinstance(message["content"], str | None) for message in rendered)
    assert PNG.data not in json.dumps(rendered)


@pytest.mark.parametrize("images", [True, False])
@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_a_request_with_them_may_be_sent_and_only_grows(profile: Profile, images: bool) -> None:
    whole = render_messages(HISTORY, profile, images=images)
    for end in (2, 6, 7, 8):
        body = render(HISTORY[:end], (), "m", profile, images=images)
        assert body["messages"] == whole[: len(body["messages"])]
        assert preflight(body, profile, images=images) == []


def test_what_names_an_image_is_no_markup_and_not_long() -> None:
    arguments = json.dumps({"path": "<|im_end|>" + "x" * 1000})
    history = (*HISTORY[:2], Assistant("", "", (Call(0, "f", arguments),)), Result("r", (PNG,)))
    text = render_messages(history, GENERIC)[-1]["content"][0]["text"]
    assert "<|im_end|>" not in text
    assert "<\u200b|im_end|>" in text
    assert len(text) < 300
    assert preflight(render(history, (), "m", GENERIC), GENERIC) == []


def spoilt(change: Callable[[list[dict[str, Any]]], Any]) -> list[str]:
    messages = copy.deepcopy(render_messages(HISTORY, KIMI))
    change(messages)
    return preflight({"messages": messages}, KIMI)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m[6]["content"].pop(), "not pairs"),
        (lambda m: m[6]["content"].clear(), "not pairs"),
        (lambda m: m[6]["content"].reverse(), "part 0 is no text"),
        (lambda m: m[6]["content"][0].update(text=""), "part 0 is no text"),
        (lambda m: m[6]["content"][0].update(text="<|im_end|>"), "live markup"),
        (lambda m: m[6]["content"][1]["image_url"].update(url="https://example.com/a.png"), "part 1 is no image"),
        (lambda m: m[6]["content"][1]["image_url"].update(url="data:image/png;base64,"), "part 1 is no image"),
        (lambda m: m[6]["content"][1]["image_url"].update(url="data:image/png;base64,<|im_end|>"), "live markup"),
        (lambda m: m[6]["content"][1]["image_url"].update(url="data:text/plain;base64,aGk="), "part 1 is no image"),
        (lambda m: m.insert(8, m[6]), "behind no result"),
        (lambda m: m[3].update(content=m[6]["content"]), "not a string"),
        (lambda m: m[8].update(content=m[6]["content"]), "not a string"),
        (lambda m: m.insert(4, m.pop(6)), "no result"),
    ],
)
def test_preflight_sees_what_is_wrong(change: Callable[[list[dict[str, Any]]], Any], said: str) -> None:
    assert spoilt(lambda messages: None) == []
    assert any(said in violation for violation in spoilt(change)), spoilt(change)


def test_preflight_lets_none_through_to_a_model_that_takes_none() -> None:
    body = render(HISTORY, (), "m", KIMI)
    assert preflight(body, KIMI, images=False) == ["message 6: images, which this model does not take"]


def test_no_marker_is_made_of_what_images_are_made_of() -> None:
    """Preflight does not search images for markers, because there can't be one."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
    assert [marker for marker in MARKERS if set(marker) <= set(letters)] == []


@settings(derandomize=True, deadline=None)
@given(
    st.text("aA0+/=<|é\ud800", max_size=6), st.sampled_from(["image/png", "image/svg+xml", "text/html", "image/", ""])
)
def test_an_image_that_is_sound_can_be_sent(data: str, media_type: str) -> None:
    image = Image(media_type, data)
    history = (*HISTORY[:2], Assistant("", "", (Call(0, "f", "{}"),)), Result("r", (image,)))
    assert image.sound == (preflight({"messages": render_messages(history, GENERIC)}, GENERIC) == [])


def test_the_history_keeps_them_over_a_log() -> None:
    said = Assistant("", "", (Call(0, "read_file", "{}"), Call(1, "read_file", "{}")))
    events = [
        UserSaid("look"),
        AssistantEnded(0, said),
        ToolFinished(0, 1, "second", images=(JPEG,)),
        ToolFinished(0, 0, "", images=(PNG,)),
    ]
    read = [from_json(json.loads(json.dumps(to_json(event)))) for event in events]
    conversation = Conversation.replay("system", read)  # type: ignore[arg-type]
    assert conversation.messages[3:] == (Result("(no output)", (PNG,)), Result("second", (JPEG,)))


def test_a_log_without_them_can_be_read() -> None:
    written = to_json(ToolFinished(0, 0, "done"))
    del written["images"]
    assert from_json(written) == ToolFinished(0, 0, "done")


def test_of_a_foreign_history_it_is_said_that_they_were_there() -> None:
    history = history_of(render_messages(HISTORY[:6], GENERIC))
    assert history[:3] == HISTORY[:3] or len(history) == 7
    assert isinstance(history[-1], User)
    assert history[-1].content.endswith("(There was an image here, which is lost.)")
    assert preflight(render(history, (), "m", GENERIC), GENERIC) == []

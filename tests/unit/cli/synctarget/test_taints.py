"""`taint` reads its arguments, refuses and reports as `kubectl taint` does."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.cli.synctarget.taints import apply_taints, parse_taints, split_arguments

GPU: dict[str, Any] = {"key": "gpu", "value": "a100", "effect": "NoSchedule"}
AWAY: dict[str, Any] = {"key": "gpu", "effect": "NoExecute", "timeAdded": "2026-01-01T00:00:00Z"}

RESULTS = {
    "adds": ([], ["gpu=a100:NoSchedule"], False, "tainted", [GPU]),
    "without-value": ([], ["gpu:NoSchedule"], False, "tainted", [{"key": "gpu", "effect": "NoSchedule"}]),
    "adds-another-effect": ([GPU], ["gpu:NoExecute"], False, "tainted", [GPU, {"key": "gpu", "effect": "NoExecute"}]),
    "removes-one-effect": ([GPU, AWAY], ["gpu:NoSchedule-"], False, "untainted", [AWAY]),
    "value-is-no-matter-when-removing": ([GPU, AWAY], ["gpu=x:NoSchedule-"], False, "untainted", [AWAY]),
    "removes-the-key": ([GPU, AWAY], ["gpu-"], False, "untainted", []),
    "adds-and-removes": ([AWAY], ["a:NoSchedule", "gpu-"], False, "modified", [{"key": "a", "effect": "NoSchedule"}]),
    "overwrites": ([GPU], ["gpu=h100:NoSchedule"], True, "modified", [{**GPU, "value": "h100"}]),
    "what-stays-keeps-its-time": ([AWAY], ["gpu:NoExecute"], True, "modified", [AWAY]),
}
WRONG = {
    "no-effect": (["gpu=a100"], "invalid taint spec: gpu=a100"),
    "key-alone-adds-nothing": (["gpu:"], "invalid taint spec: gpu:"),
    "two-colons": (["gpu:NoSchedule:x"], "invalid taint spec"),
    "two-values": (["gpu=a=b:NoSchedule"], "invalid taint spec"),
    "effect": (["gpu:PreferNoSchedule"], "invalid taint effect: PreferNoSchedule, unsupported taint effect"),
    "key": (["g pu:NoSchedule"], "invalid taint spec: g pu:NoSchedule, name part"),
    "value": (["gpu=a b:NoSchedule"], "a valid label must be an empty string or consist of"),
    "twice": (
        ["gpu=a:NoSchedule", "gpu=b:NoSchedule"],
        "duplicated taints with the same key and effect: gpu=b:NoSchedule",
    ),
    "both-ways": (["gpu:NoSchedule", "gpu-"], "can not both modify and remove the following taint"),
    "nothing": ([], "at least one taint update is required"),
}
REFUSED = {
    "there": (
        [GPU],
        ["gpu=h100:NoSchedule"],
        "SyncTarget east already has gpu taint(s) with same effect(s) and --over",
    ),
    "not-there": ([GPU], ["gpu:NoExecute-"], 'taint "gpu:NoExecute" not found on SyncTarget east'),
    "no-such-key": ([], ["gpu-", "x-"], 'taint "gpu" not found on SyncTarget east; taint "x" not found on'),
}


@pytest.mark.parametrize(("taints", "texts", "overwrite", "word", "expected"), RESULTS.values(), ids=RESULTS)
def test_apply(taints: Any, texts: list[str], overwrite: bool, word: str, expected: Any) -> None:
    assert apply_taints("east", taints, parse_taints(texts, overwrite=overwrite)) == (word, expected)


@pytest.mark.parametrize(("texts", "message"), WRONG.values(), ids=WRONG)
def test_refuses_what_is_no_taint(texts: list[str], message: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse_taints(texts)
    assert message in str(refused.value)


@pytest.mark.parametrize(("taints", "texts", "message"), REFUSED.values(), ids=REFUSED)
def test_refuses_what_does_not_fit_the_target(taints: Any, texts: list[str], message: str) -> None:
    with pytest.raises(ValueError) as refused:
        apply_taints("east", taints, parse_taints(texts))
    assert message in str(refused.value)


def test_names_come_before_taints() -> None:
    assert split_arguments(["east", "west", "gpu=a:NoSchedule", "b-"]) == (["east", "west"], ["gpu=a:NoSchedule", "b-"])
    with pytest.raises(ValueError, match="all resources must be specified before taint changes: west"):
        split_arguments(["east", "gpu:NoSchedule", "west"])

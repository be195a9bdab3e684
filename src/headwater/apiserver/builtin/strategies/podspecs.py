"""Defaults of pod specs that depend on other fields."""

from __future__ import annotations

from headwater.machinery.objects import Object, nested


def default_pod_spec(spec: object) -> None:
    """Pull an image that can change under its name always, any other only when it isn't there."""
    if not isinstance(spec, dict):
        return
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(field) or ():
            if isinstance(container, dict) and not container.get("imagePullPolicy"):
                moving = is_moving(str(container.get("image") or ""))
                container["imagePullPolicy"] = "Always" if moving else "IfNotPresent"


def default_template(obj: Object, *path: str) -> None:
    """The defaults of the pod template at a path of keys."""
    template = nested(obj, *path)
    if isinstance(template, dict):
        default_pod_spec(template.get("spec"))


def is_moving(image: str) -> bool:
    """Whether an image reference has no digest and the tag `latest`, said or not."""
    if "@" in image:
        return False
    _, colon, tag = image.rpartition("/")[2].partition(":")
    return not colon or tag == "latest"

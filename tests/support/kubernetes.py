"""The Kubernetes manifests, put together as kustomize would, as far as they ask for it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localrun.environment import TREE
from support.kubernetes_patches import patched
from support.strict_yaml import pairs, read_all

FOLDER = TREE / "deploy/kubernetes"
EXAMPLE = FOLDER / "overlays/example"
Doc = dict[str, Any]


def documents(file: Path) -> list[Doc]:
    """Of one file."""
    return [one for one in read_all(file.read_text()) if one is not None]


def dotenv(file: Path) -> dict[str, str]:
    """`NAME=value` lines, as a configMapGenerator reads them."""
    return pairs(file.read_text())


@dataclass(frozen=True)
class Rendered:
    """What would be applied."""

    objects: list[Doc]
    configs: dict[str, dict[str, str]]
    """ConfigMap → its variables."""
    images: dict[str, str]
    """The image of a manifest → what takes its place."""

    def of(self, *kinds: str) -> dict[str, Doc]:
        """By name."""
        return {one["metadata"]["name"]: one for one in self.objects if one["kind"] in kinds}


def render(folder: Path, onto: Rendered | None = None) -> Rendered:
    """An overlay with its bases and components; refuses what this reader does not know.

    A component is put `onto` what includes it: its patches are for that.
    """
    [file] = documents(folder / "kustomization.yaml")
    known = {"apiVersion", "kind", "namespace", "resources", "components", "images", "patches"}
    assert set(file) <= known | {"configMapGenerator", "generatorOptions"}, folder
    found = onto or Rendered([], {}, {})
    found.images.update({one["name"]: _image(one) for one in file.get("images", ())})
    for name in (*file.get("resources", ()), *file.get("components", ())):
        place = (folder / name).resolve()
        if place.is_dir():
            render(place, found)
        else:
            found.objects.extend(documents(place))
    for one in file.get("configMapGenerator", ()):
        assert (one["name"] in found.configs) == (one.get("behavior") == "merge"), one
        for env in one["envs"]:
            found.configs.setdefault(one["name"], {}).update(dotenv(folder / env))
    for one in file.get("patches", ()):
        found.objects[:] = patched(found.objects, one)
    return found


def _image(one: dict[str, str]) -> str:
    return f"{one['newName']}:{one['newTag']}"


SYSTEM = render(EXAMPLE)
DEPLOYMENTS = SYSTEM.of("Deployment")
JOBS = SYSTEM.of("Job")
PODS: dict[str, Doc] = {name: one["spec"]["template"] for name, one in (DEPLOYMENTS | JOBS).items()}
"""The pod templates, by the name of who makes them."""


def container(name: str) -> Doc:
    """The only one of a pod."""
    [one] = PODS[name]["spec"]["containers"]
    found: Doc = one
    return found


def labels(name: str) -> dict[str, str]:
    """A pod's."""
    found: dict[str, str] = PODS[name]["metadata"]["labels"]
    return found


def matches(selector: Doc, given: dict[str, str]) -> bool:
    """Whether a selector of labels means something so labelled; an empty one means all."""
    assert set(selector) <= {"matchLabels"}
    wanted: dict[str, str] = selector.get("matchLabels", {})
    return wanted.items() <= given.items()


def service_of(name: str) -> str:
    """Whose pod it is."""
    return labels(name)["app.kubernetes.io/name"]

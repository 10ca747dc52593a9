"""What differs between sites and between platforms, and that nothing else does."""

from copy import deepcopy

import pytest

from common.contracts.words import Platform
from support.kubernetes import EXAMPLE, FOLDER, Doc, Rendered, render

STORE = {f"publisher-{one}" for one in ("http", *Platform)}


@pytest.fixture(scope="module")
def bucket() -> Rendered:
    """The example, with clips in a bucket."""
    return render(FOLDER / "bucket", render(EXAMPLE))


def test_with_a_bucket_nothing_is_claimed_or_mounted(bucket: Rendered) -> None:
    assert bucket.of("PersistentVolumeClaim") == {}
    for name, one in bucket.of("Deployment", "Job").items():
        spec = one["spec"]["template"]["spec"]
        assert [volume["name"] for volume in spec["volumes"]] == ["tmp"], name
        [only] = spec["containers"]
        assert [mount["name"] for mount in only["volumeMounts"]] == ["tmp"], name


def test_a_bucket_changes_nothing_else(bucket: Rendered) -> None:
    expected = []
    for one in render(EXAMPLE).objects:
        if one["kind"] == "PersistentVolumeClaim":
            continue
        if one["kind"] == "Deployment" and one["metadata"]["name"] in STORE:
            spec = one["spec"]["template"]["spec"]
            assert spec["volumes"].pop()["name"] == "media"
            assert spec["containers"][0]["volumeMounts"].pop()["name"] == "media"
        expected.append(one)
    assert bucket.objects == expected


def test_a_site_names_its_prometheus_and_the_label_that_its_operator_looks_for() -> None:
    usual, site = render(FOLDER / "prometheus"), render(EXAMPLE)
    added = site.of("PodMonitor")["clipcast"]["metadata"]["labels"].keys()
    assert added - usual.of("PodMonitor")["clipcast"]["metadata"]["labels"].keys() == {"release"}
    for one in site.of("ScaledObject").values():
        assert one["spec"]["triggers"][1]["metadata"]["serverAddress"].startswith("http://")
    readme = (FOLDER / "README.md").read_text()
    assert "patches in `overlays/example/kustomization.yaml`" in readme


def named(one: Doc, platform: Platform) -> Doc:
    """With another word in the place of the platform's."""

    def inside(value: object) -> object:
        match value:
            case dict():
                return {key: inside(each) for key, each in value.items()}
            case list():
                return [inside(each) for each in value]
            case str():
                return value.replace(str(platform), "PLATFORM")
        return value

    found = inside(deepcopy(one))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("kind", ["Deployment", "PodDisruptionBudget", "ScaledObject"])
def test_the_publishers_of_all_platforms_differ_in_its_name_alone(kind: str) -> None:
    found = render(EXAMPLE).of(kind)
    first, *others = [named(found[f"publisher-{one}"], one) for one in Platform]
    assert len(others) == 3
    assert all(one == first for one in others)

"""What serves people ends at its start without the secrets for that; the clock is given neither."""

from typing import Any

import pytest

from publisher.settings import PublisherSettings
from publisher.wiring import http_app


@pytest.mark.parametrize("name", ["auth_jwt_secret", "media_link_secret"])
def test_http_names_the_secret_it_lacks(
    name: str, settings_values: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    values = {key: value for key, value in settings_values.items() if key != name}
    settings = PublisherSettings.model_validate(values)  # so far as any process goes
    with pytest.raises(SystemExit) as ended:
        http_app(settings)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(f"{name.upper()}: ")

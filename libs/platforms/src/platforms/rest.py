"""A platform's JSON API behind one address: each call paced, the token in a header."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from common.contracts.words import Platform
from platforms.answers import Answer
from platforms.calls import Call, Gate
from platforms.credentials import Header
from platforms.errors import PlatformError
from platforms.http import Http, Request


@dataclass(frozen=True, slots=True)
class RestApi:
    """`scheme` is the word before the token; `refusal` tells what an answer refuses, if it does."""

    http: Http
    platform: Platform
    base: str
    scheme: str
    gate: Gate
    refusal: Callable[[Answer], PlatformError | None]

    async def send(
        self,
        name: str,
        method: str,
        path: str,
        token: SecretStr,
        account: str | None,
        *,
        video: str = "",
        params: Mapping[str, str] | None = None,
        json: object = None,
        write: bool = False,
    ) -> Answer:
        """Any answer but "too many requests", which is raised: the gate has to know. `{id}` in
        `path` is where the id of `video` stands."""
        async with self.gate(Call(self.platform, name, account)):
            answer = await self.http.send(
                Request(
                    method,
                    f"{self.base}{path.replace('{id}', video)}",
                    template=path,
                    write=write,
                    params=params,
                    json=json,
                    credential=Header(self.scheme, token),
                )
            )
            if answer.status == 429:
                self.accept(answer)
            return answer

    def accept(self, answer: Answer) -> None:
        """Raises what the answer refuses."""
        if error := self.refusal(answer):
            raise error

    def read(self, answer: Answer) -> dict[str, Any]:
        """The JSON object of an answer that refuses nothing."""
        self.accept(answer)
        return answer.object()

"""What a check says to a person."""

from fastapi import Request

from common.http.problems import language
from common.http.texts import Text
from connections.app.ports import CheckAnswer, CheckResult
from platforms.reasons import Reason

CHECKS = {
    CheckResult.OK: Text("Аккаунт подключён и отвечает.", "The account is connected and answers."),
    CheckResult.REFUSED: Text(
        "Платформа не принимает токен. Подключите аккаунт заново.",
        "The platform refuses the token. Connect the account again.",
    ),
    CheckResult.UNKNOWN: Text(
        "Платформа не ответила, поэтому ничего не изменилось. Повторите позже.",
        "The platform did not answer, so nothing has changed. Try again later.",
    ),
}


def check_detail(request: Request, answer: CheckAnswer) -> str:
    """Why it was refused, where the gateway named a known reason; else what the result means."""
    text: Text = CHECKS[answer.result]
    known = {reason.value: reason for reason in Reason}
    if answer.result is CheckResult.REFUSED and answer.detail in known:
        text = Text(*known[answer.detail].text)
    return text.ru if language(request) == "ru" else text.en

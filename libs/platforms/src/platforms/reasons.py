"""Why something was refused, in the two languages people read."""

from enum import Enum
from typing import NamedTuple


class Text(NamedTuple):
    """One sentence that says what happened and what to do."""

    ru: str
    en: str


class Reason(Enum):
    """A stored reason: the value is what rows keep, the text is looked up when it is shown."""

    UNAVAILABLE = "unavailable"
    RATE_LIMITED = "rate_limited"
    WAITED_TOO_LONG = "waited_too_long"
    OUTCOME_UNKNOWN = "outcome_unknown"
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - a reason's name, no secret
    ACCESS_REVOKED = "access_revoked"
    ACCOUNT_BLOCKED = "account_blocked"
    NO_RIGHT = "no_right"
    BOT_MAY_NOT_POST = "bot_may_not_post"
    NOT_A_MEMBER = "not_a_member"
    CHAT_NOT_FOUND = "chat_not_found"
    CONTENT_REFUSED = "content_refused"
    MODERATION = "moderation"
    PROCESSING_STUCK = "processing_stuck"
    FILE_TOO_LARGE = "file_too_large"
    TEXT_REFUSED = "text_refused"
    MEDIA_UNREACHABLE = "media_unreachable"
    CAPTCHA = "captcha"
    VALIDATION = "validation"
    TWO_FACTOR = "two_factor"
    APP_REFUSED = "app_refused"
    SCOPE_MISSING = "scope_missing"
    BAD_REQUEST = "bad_request"
    GONE = "gone"

    @property
    def text(self) -> Text:
        """The sentence for people."""
        return TEXTS[self]


TEXTS: dict[Reason, Text] = {
    Reason.UNAVAILABLE: Text(
        "Платформа временно недоступна. Мы попробуем ещё раз.",
        "The platform is unavailable for now. We will try again.",
    ),
    Reason.RATE_LIMITED: Text(
        "Платформа просит подождать: слишком много запросов.",
        "The platform asks us to wait: too many requests.",
    ),
    Reason.WAITED_TOO_LONG: Text(
        "Платформа за сутки так и не разрешила публикацию: слишком много запросов. "
        "Повторите позже и публикуйте реже.",
        "In a day the platform did not let it be published: too many requests. "
        "Retry later and publish less often.",
    ),
    Reason.OUTCOME_UNKNOWN: Text(
        "Платформа не ответила, и неизвестно, появился ли клип. "
        "Проверьте страницу и отметьте итог.",
        "The platform did not answer, so the clip may or may not be there. "
        "Look at the page and record the outcome.",
    ),
    Reason.TOKEN_REFUSED: Text(
        "Платформа не принимает токен. Подключите аккаунт заново.",
        "The platform refuses the token. Connect the account again.",
    ),
    Reason.ACCESS_REVOKED: Text(
        "Доступ к аккаунту отозван. Подключите аккаунт заново.",
        "Access to the account was revoked. Connect the account again.",
    ),
    Reason.ACCOUNT_BLOCKED: Text(
        "Аккаунт заблокирован или удалён на платформе.",
        "The account is blocked or deleted on the platform.",
    ),
    Reason.NO_RIGHT: Text(
        "Аккаунту не разрешено публиковать здесь. Проверьте права и подключите его заново.",
        "The account may not publish here. Check its rights and connect it again.",
    ),
    Reason.BOT_MAY_NOT_POST: Text(
        "У бота нет права публиковать. Сделайте его администратором (в канале — с правом "
        "«Публикация сообщений») и повторите.",
        "The bot has no right to post. Make it an administrator (in a channel: with the right "
        "“Post Messages”), then try again.",
    ),
    Reason.NOT_A_MEMBER: Text(
        "Бот не состоит в канале. Добавьте его администратором с правом "
        "«Публикация сообщений» и повторите.",
        "The bot is not in the channel. Add it as an administrator with the right "
        "“Post Messages”, then try again.",
    ),
    Reason.CHAT_NOT_FOUND: Text(
        "Канал не найден. Проверьте имя или номер канала и добавьте в него бота.",
        "The channel was not found. Check its name or number, and add the bot to it.",
    ),
    Reason.CONTENT_REFUSED: Text(
        "Платформа не приняла клип.",
        "The platform did not accept the clip.",
    ),
    Reason.MODERATION: Text(
        "Клип отклонён модерацией платформы.",
        "The clip was rejected by the platform's moderation.",
    ),
    Reason.PROCESSING_STUCK: Text(
        "Платформа обрабатывает клип уже слишком долго, обычно это сутки. "
        "Посмотрите на странице, появился ли он.",
        "The platform has been processing the clip for too long, usually a day. "
        "Look at the page whether it is there.",
    ),
    Reason.FILE_TOO_LARGE: Text(
        "Файл слишком большой для этой платформы. Сожмите его.",
        "The file is too large for this platform. Compress it.",
    ),
    Reason.TEXT_REFUSED: Text(
        "Платформа не приняла текст. Измените название или описание.",
        "The platform did not accept the text. Change the title or description.",
    ),
    Reason.MEDIA_UNREACHABLE: Text(
        "Платформа не смогла скачать файл. Проверьте, что PUBLIC_URL доступен снаружи.",
        "The platform could not download the file. "
        "Check that PUBLIC_URL is reachable from outside.",
    ),
    Reason.CAPTCHA: Text(
        "Платформа просит ввести капчу. Войдите в аккаунт на её сайте и повторите.",
        "The platform asks for a captcha. Log in on its site, then retry.",
    ),
    Reason.VALIDATION: Text(
        "Платформа просит подтвердить вход. Войдите в аккаунт на её сайте и повторите.",
        "The platform asks to confirm the login. Log in on its site, then retry.",
    ),
    Reason.TWO_FACTOR: Text(
        "Нужно включить двухфакторную защиту в аккаунте или сообществе.",
        "Two-factor protection must be turned on for the account or community.",
    ),
    Reason.APP_REFUSED: Text(
        "Платформа не принимает наше приложение. Обратитесь в поддержку.",
        "The platform does not accept our application. Contact support.",
    ),
    Reason.SCOPE_MISSING: Text(
        "Выданы не все права. Подключите аккаунт заново и разрешите публикацию видео.",
        "Not all rights were granted. Connect again and allow publishing video.",
    ),
    Reason.BAD_REQUEST: Text(
        "Платформа не приняла запрос. Измените параметры публикации.",
        "The platform did not accept the request. Change the publication's options.",
    ),
    Reason.GONE: Text(
        "Публикация удалена на платформе.",
        "The post was deleted on the platform.",
    ),
}

"""What each problem code says to a person, in Russian and English."""

from typing import NamedTuple


class Text(NamedTuple):
    """One sentence that says what is wrong and what to do."""

    ru: str
    en: str


TEXTS: dict[str, Text] = {
    "unauthorized": Text(
        "Нужен действующий токен в заголовке Authorization.",
        "A valid token is needed in the Authorization header.",
    ),
    "invalid_request": Text(
        "Запрос составлен неверно. Исправьте указанные поля.",
        "The request is malformed. Mend the fields that are named.",
    ),
    "method_not_allowed": Text("Этот метод здесь не поддерживается.", "Method not allowed here."),
    "plan_required": Text(
        "Ваш тариф не включает эту платформу. Смените тариф.",
        "Your plan does not cover this platform. Change the plan.",
    ),
    "not_found": Text("Не найдено.", "Not found."),
    "not_connected": Text(
        "Аккаунт этой платформы не подключён. Подключите его.",
        "No account of this platform is connected. Connect one.",
    ),
    "connection_ambiguous": Text(
        "Подключено несколько аккаунтов этой платформы. Укажите connection_id.",
        "Several accounts of this platform are connected. Name a connection_id.",
    ),
    "connection_expired": Text(
        "Подключение больше не действует. Подключите аккаунт заново.",
        "The connection has expired. Connect the account again.",
    ),
    "duplicate_publication": Text(
        "Этот клип уже публикуется в этот аккаунт.",
        "This clip is already being published to this account.",
    ),
    "idempotency_mismatch": Text(
        "Этот Idempotency-Key уже использован с другим запросом. Возьмите новый ключ.",
        "This Idempotency-Key was used with another request. Take a new key.",
    ),
    "idempotency_in_flight": Text(
        "Запрос с этим Idempotency-Key ещё выполняется. Повторите позже.",
        "A request with this Idempotency-Key is still running. Try again later.",
    ),
    "media_not_found": Text(
        "Файл не найден. Загрузите его заново.", "The file was not found. Upload it again."
    ),
    "media_not_video": Text(
        "Файл не похож на видео MP4. Выберите другой файл.",
        "The file is not an MP4 video. Choose another file.",
    ),
    "media_too_large": Text(
        "Файл слишком большой для этой платформы. Сожмите его.",
        "The file is too large for this platform. Compress it.",
    ),
    "media_changed": Text(
        "Файл изменился после постановки в очередь. Создайте публикацию заново.",
        "The file changed after it was accepted. Create the publication again.",
    ),
    "text_too_long": Text(
        "Текст длиннее, чем разрешает платформа. Сократите его.",
        "The text is longer than the platform allows. Shorten it.",
    ),
    "schedule_too_soon": Text(
        "Время публикации слишком близко. Выберите более позднее.",
        "The time is too soon. Choose a later one.",
    ),
    "schedule_too_far": Text(
        "Время публикации слишком далеко. Выберите более раннее.",
        "The time is too far ahead. Choose an earlier one.",
    ),
    "too_late": Text(
        "Поздно: публикация уже завершена или требует решения.",
        "Too late: the publication has ended or needs a decision.",
    ),
    "not_retryable": Text(
        "Повторить можно только неудавшуюся публикацию.",
        "Only a failed publication can be retried.",
    ),
    "not_scheduled": Text(
        "Изменить можно только запланированную публикацию.",
        "Only a scheduled publication can be changed.",
    ),
    "not_uncertain": Text(
        "Решение нужно только для публикации с неизвестным итогом.",
        "Only an uncertain publication can be resolved.",
    ),
    "version_mismatch": Text(
        "Публикация успела измениться. Прочитайте её заново.",
        "The publication has changed meanwhile. Read it again.",
    ),
    "account_mismatch": Text(
        "Это другой аккаунт. Войдите в тот, который был подключён.",
        "This is another account. Log in to the one that was connected.",
    ),
    "scope_missing": Text(
        "Выданы не все права. Подключите аккаунт заново и разрешите публикацию видео.",
        "Not all rights were granted. Connect again and allow publishing video.",
    ),
    "state_invalid": Text(
        "Ссылка для подключения устарела или чужая. Начните подключение заново.",
        "The connect link is stale or not yours. Start connecting again.",
    ),
    "access_denied": Text(
        "Доступ не был разрешён. Начните подключение заново.",
        "Access was not granted. Start connecting again.",
    ),
    "token_refused": Text(
        "Платформа не принимает этот токен. Проверьте его.",
        "The platform refuses this token. Check it.",
    ),
    "no_right_to_post": Text(
        "Нет права публиковать. Дайте его и повторите.",
        "There is no right to post. Grant it and try again.",
    ),
    "platform_unavailable": Text(
        "Платформа сейчас недоступна. Повторите позже.",
        "The platform is unavailable for now. Try again later.",
    ),
    "content_refused": Text(
        "Платформа не приняла клип или текст.", "The platform refused the clip or the text."
    ),
    "human_needed": Text(
        "Платформа просит действия владельца на её сайте. Выполните его и повторите.",
        "The platform wants the owner to act on its site. Do so, then retry.",
    ),
    "outcome_unknown": Text(
        "Неизвестно, появился ли клип. Проверьте страницу и отметьте итог.",
        "It is unknown whether the clip appeared. Look at the page and record the outcome.",
    ),
    "retries_exhausted": Text(
        "Платформа не ответила после всех попыток. Повторите публикацию позже.",
        "The platform did not answer after all attempts. Retry later.",
    ),
    "rate_limited": Text("Слишком много запросов. Повторите позже.", "Too many requests. Wait."),
    "paused": Text("Публикация приостановлена оператором.", "Publishing is paused by an operator."),
    "service_unavailable": Text(
        "Сервис временно недоступен. Повторите позже.",
        "The service is unavailable for now. Try again later.",
    ),
    "internal": Text("Внутренняя ошибка. Мы уже знаем о ней.", "An internal error. We know of it."),
}

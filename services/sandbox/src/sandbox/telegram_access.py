"""Who may look into a chat and who may write there, in the order the real server checks."""

from sandbox.telegram_errors import bad_request, forbidden, migrated
from sandbox.telegram_state import Bot, Chat, Member, TelegramState


def readable_chat(state: TelegramState, bot: Bot, chat_id: str) -> Chat:
    """The chat of a reading call.

    A public channel answers to everybody: that is why getChat proves no membership.
    """
    chat = _existing_chat(state, chat_id)
    member = _not_kicked(bot, chat)
    if not member.present and not chat.public:
        if bot.id not in chat.members:
            raise bad_request("chat not found")
        raise forbidden(f"bot is not a member of the {chat.type} chat")
    return chat


def writable_chat(state: TelegramState, bot: Bot, chat_id: str, *, what: str) -> Chat:
    """The chat of a call that posts; `what` names the content in the refusal."""
    chat = _present_chat(state, bot, chat_id)
    member = chat.member(bot.id)
    if chat.type == "channel":
        if member.status != "creator" and not (member.admin and member.can_post_messages):
            raise bad_request("need administrator rights in the channel chat")
    elif member.status == "restricted":
        raise bad_request(f"not enough rights to send {what} to the chat")
    return chat


def editable_chat(state: TelegramState, bot: Bot, chat_id: str) -> Chat:
    """The chat of a call that edits or deletes: the bot must be in it."""
    return _present_chat(state, bot, chat_id)


def _present_chat(state: TelegramState, bot: Bot, chat_id: str) -> Chat:
    chat = _existing_chat(state, chat_id)
    member = _not_kicked(bot, chat)
    if member.present:
        return chat
    if not chat.public and bot.id not in chat.members:
        raise bad_request("chat not found")
    raise forbidden(f"bot is not a member of the {chat.type} chat")


def _existing_chat(state: TelegramState, chat_id: str) -> Chat:
    if not chat_id:
        raise bad_request("chat_id is empty")
    chat = state.find_chat(chat_id)
    if chat is None:
        raise bad_request("chat not found")
    if chat.migrated_to is not None:
        raise migrated(chat.migrated_to)
    return chat


def _not_kicked(bot: Bot, chat: Chat) -> Member:
    member = chat.member(bot.id)
    if member.status == "kicked":
        raise forbidden(f"bot was kicked from the {chat.type} chat")
    return member

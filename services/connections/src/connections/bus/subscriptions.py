"""THE table: which event leads to which function, and through which queue.

News about tokens share a queue, so that a refusal and the refresh before it keep their order.
"""

from common.bus.subscription import Reaction
from common.contracts.accounts import PlanChanged
from common.contracts.oauth import TokenRefreshed, TokenRefreshFailed
from common.contracts.publisher import PublicationPublished
from connections.app.note_publication import note_publication
from connections.app.note_refresh import note_refresh
from connections.app.note_refusal import note_refusal
from connections.app.remember_plan import remember_plan

SUBSCRIPTIONS = (
    Reaction(TokenRefreshed, "tokens", note_refresh),
    Reaction(TokenRefreshFailed, "tokens", note_refusal),
    Reaction(PublicationPublished, "publications", note_publication),
    Reaction(PlanChanged, "plans", remember_plan),
)

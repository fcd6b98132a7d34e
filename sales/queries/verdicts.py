"""The sentences that sum up how a sale stands: the same ones in the admin and in the commands."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from sales.domain.outcomes import UNPROVEN
from sales.domain.states import SaleState
from sales.queries.operations import Finding, Standing


def verdict(standing: Standing) -> str:
    """Return, in one or two sentences, whether live and recorded numbers agree; where not, by how much."""
    if standing.state is SaleState.DRAFT:
        return _("A draft: nobody sees it, and the ledger does not know it.")
    if standing.state is SaleState.SETTLED:
        return _("Settled: %(recorded)s of %(stock)s are on record for good.") % {
            "recorded": standing.recorded,
            "stock": standing.stock,
        }
    if standing.live is None:
        return " ".join(filter(None, (ledger_away(standing), _on_record(standing), changing(standing))))
    finding = standing.finding
    if finding is not None:
        says = _("It does not add up.")  # by itself: inside of an f-string the collector of texts does not see it
        return f"{says} {_difference(finding)}"
    return " ".join(filter(None, (_adds_up(standing), changing(standing))))


def changing(standing: Standing) -> str:
    """Say who asked for a change of stock or window that is not done yet; nothing where none is asked."""
    if not standing.changing:
        return ""
    return _("A change that %(who)s asked for is not done yet.") % {"who": standing.changing}


def ledger_away(standing: Standing) -> str:
    """Say why there are no live numbers of a sale that should have them."""
    if standing.why_not_live in UNPROVEN:
        return _("The ledger answers, but what it holds of this sale is not proven (%(why)s).") % {
            "why": standing.why_not_live
        }
    return _("The ledger is not reachable.")


def _on_record(standing: Standing) -> str:
    return ngettext(
        "%(count)s order is on record.", "%(count)s orders are on record.", standing.recorded
    ) % {"count": standing.recorded}  # fmt: skip


def _adds_up(standing: Standing) -> str:
    sold = standing.live.sold if standing.live else 0
    cancelled = min(standing.cancelling, standing.unrecorded or 0)
    refused = min(standing.dead_letters, (standing.unrecorded or 0) - cancelled)
    on_their_way = (standing.unrecorded or 0) - cancelled - refused
    says = [_("It adds up.")]
    if not sold:
        says.append(_("Nothing is sold yet."))
    elif not on_their_way and not refused and not cancelled:
        says.append(_("All %(sold)s sold are on record.") % {"sold": sold})
    else:
        counted = {"recorded": standing.recorded, "sold": sold, "way": on_their_way}
        says.append(_("%(recorded)s of %(sold)s sold are on record, %(way)s on their way.") % counted)
    if cancelled:
        says.append(
            ngettext(
                "%(count)s is cancelled on record; the ledger is yet to be told.",
                "%(count)s are cancelled on record; the ledger is yet to be told.",
                cancelled,
            )
            % {"count": cancelled}
        )
    if refused:
        says.append(
            ngettext(
                "The record refused %(count)s: see the dead letters.",
                "The record refused %(count)s: see the dead letters.",
                refused,
            )
            % {"count": refused}
        )
    return " ".join(says)


def _difference(finding: Finding) -> str:
    words = {"is_so": finding.is_so, "should_be": finding.should_be, "by": abs(finding.is_so - finding.should_be)}
    if finding.what == "epoch":
        return _("The ledger has this sale in epoch %(is_so)s, the record sells in epoch %(should_be)s.") % words
    if finding.what == "stock":
        return _("The ledger sells from a stock of %(is_so)s, the record has %(should_be)s: %(by)s too many.") % words
    if finding.what == "recorded":
        return _("%(should_be)s are sold and %(is_so)s on record; nothing explains the other %(by)s.") % words
    if finding.is_so == finding.should_be:
        return _("The ledger's own numbers contradict each other.")
    return _("Left, held and sold make %(is_so)s, the stock is %(should_be)s: a difference of %(by)s.") % words

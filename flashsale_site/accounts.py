"""What the accounts' library is told about this site's accounts, besides its settings."""

from allauth.account.adapter import DefaultAccountAdapter
from django.core.validators import MaxLengthValidator

MOST_CHARACTERS = 254  # of an e-mail address, here and in the library's own table


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # it comes without types
    """Refuses at the field what the record has no room for: the library's forms let 320 characters pass."""

    def clean_email(self, email: str) -> str:
        """Return the address."""
        MaxLengthValidator(MOST_CHARACTERS)(email)
        return str(super().clean_email(email))

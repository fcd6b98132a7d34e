"""The site account: signs in by e-mail. Who a shopper is in the ledger is `sales.domain.shoppers`.

Web sessions of an account end with its password and when it is switched off. Of an account that is saved,
`services.web_sessions` hears; of many that are changed by one statement nobody would, so that is seen to here.
"""

from typing import Any, ClassVar, Self

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from sales.models.web_sessions import WebSessionEnd


class AccountQuerySet(models.QuerySet["Account"]):
    """Accounts, as a list."""

    def update(self, **values: Any) -> int:
        """Change all of them; where that ends their web sessions, put the ends on the list that workers read."""
        if values.get("is_active", True) and "password" not in values:
            return super().update(**values)
        now = timezone.now()
        with transaction.atomic(using=self.db):
            pks = self.values_list("pk", flat=True)
            WebSessionEnd.objects.bulk_create([WebSessionEnd(at=now, account_id=pk) for pk in pks])
            return super().update(**values)


class AccountManager(UserManager["Account"]):
    """Makes accounts that have an e-mail address and no user name."""

    def get_queryset(self) -> AccountQuerySet:
        """Return all accounts."""
        return AccountQuerySet(self.model, using=self._db)

    def _create(self, *, email: str, password: str | None, **fields: Any) -> "Account":
        if not email:
            raise ValueError("An account needs an e-mail address.")
        account = self.model(email=self.normalize_email(email), **fields)
        account.set_password(password)
        account.save(using=self._db)
        return account

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "Account":  # type: ignore[override]
        """Make an account for a shopper."""
        return self._create(email=email, password=password, **fields)

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "Account":  # type: ignore[override]
        """Make an account that may do everything in the admin."""
        return self._create(email=email, password=password, **{**fields, "is_staff": True, "is_superuser": True})

    def get_by_natural_key(self, username: str | None) -> "Account":
        """Find the account by its address, however it is capitalised."""
        return self.get(email__iexact=username)


class Account(AbstractUser):
    """Somebody who signs in here, to buy or to run the shop."""

    username = None  # type: ignore[assignment]
    email = models.EmailField(_("e-mail address"))

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[AccountManager] = AccountManager()

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = (
            models.UniqueConstraint(
                Lower("email"),
                name="account_email_unique",
                violation_error_message=_("There is an account with this e-mail address already."),
            ),
        )

    def __str__(self: Self) -> str:
        return self.email

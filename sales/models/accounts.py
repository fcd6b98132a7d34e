"""The site account: signs in by e-mail. Who a shopper is in the ledger is `sales.domain.shoppers`."""

from typing import Any, ClassVar, Self

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class AccountManager(UserManager["Account"]):
    """Makes accounts that have an e-mail address and no user name."""

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

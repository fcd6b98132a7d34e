"""The look that each test ends with on PostgreSQL: whoever leaves a connection is found."""

import os

import psycopg
import pytest
from django.db import connection

from tests.backends import Backends


@pytest.mark.django_db(transaction=True)
class TestAConnection:
    def test_that_is_left_is_seen_until_it_ends(self, backends: Backends) -> None:
        name = str(connection.settings_dict["NAME"])
        with psycopg.connect(os.environ["TEST_DATABASE_URL"], dbname=name) as left:
            left.execute("SELECT 'and went away'")

            assert "SELECT 'and went away'" in backends.left(patience=0)

        assert backends.left() == []

    def test_of_the_tests_own_is_none_of_them(self, backends: Backends) -> None:
        connection.ensure_connection()

        assert backends.left() == []

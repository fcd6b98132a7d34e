"""The OpenAPI description: valid, complete, and with no shape in it that no answer has."""

import re
from urllib.parse import unquote

import pytest
from django.urls import reverse
from jsonschema import Draft202012Validator, ValidationError
from openapi_spec_validator import OpenAPIV31SpecValidator

from sales.answers import wire
from sales.api import openapi
from sales.api.urls import urlpatterns
from sales.domain.outcomes import Outcome
from sales.live.results import Taken
from tests.api import described
from tests.api.conftest import Api


class TestDescription:
    def test_is_served_as_it_is(self, api: Api) -> None:
        said = api.get("/openapi.json")

        assert (said.status, said.body) == (200, openapi.document())

    def test_is_valid(self) -> None:
        assert openapi.document()["openapi"].startswith("3.1.")
        OpenAPIV31SpecValidator(openapi.document()).validate()

    def test_has_sound_schemas(self) -> None:
        for schema in openapi.document()["components"]["schemas"].values():
            Draft202012Validator.check_schema(schema)

    def test_describes_every_address(self) -> None:
        parameters = {"user_id": "{userId}", "sale_id": "{saleId}"}
        served = {
            unquote(
                reverse(f"api:{each.name}", kwargs={name: parameters[name] for name in each.pattern.regex.groupindex})
            )
            for each in urlpatterns
            if each.name not in ("openapi", "unknown")
        }

        assert served == set(openapi.document()["paths"])

    def test_has_no_shape_that_nothing_uses(self) -> None:
        used = set(re.findall(r"#/components/(?:schemas|headers)/([\w-]+)", openapi.text().decode()))
        components = openapi.document()["components"]

        assert used == set(components["schemas"]) | set(components["headers"])

    @pytest.mark.parametrize(("table", "shape"), [(wire.PURCHASE, "PurchaseRefused"), (wire.EXTEND, "HoldRefused")])
    def test_knows_every_message(self, table: dict[object, wire.Row], shape: str) -> None:
        known = set(openapi.document()["components"]["schemas"][shape]["properties"]["message"]["enum"])
        said = {row.body(Taken.failed(Outcome.UNKNOWN)).get("message") for row in table.values() if row.status == 400}

        assert said - {"There is no such slot yet"} <= known

    def test_refuses_an_answer_that_is_not_described(self) -> None:
        with pytest.raises(AssertionError, match="not described with status 500"):
            described.check("get", "/health", 500, {}, {})
        with pytest.raises(ValidationError):
            described.check("get", "/health", 200, {"status": "OK", "timestamp": "now"}, {})
        with pytest.raises(AssertionError, match="without Retry-After"):
            described.check("get", "/api/flashsale/sales", 503, {"error": "x"}, {})

"""Storages: the same commands give the same documents on every one of them."""

from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.adapters.sql.storage import SqlStorage
from billing.domain.pages import SECTIONS
from billing.domain.rate_reading import read_rates
from billing.domain.strict_json import dumps
from tests.properties.applications import WHOLE, World, application, detail_of, exported, report_of
from tests.properties.strategies import rate_lists, worlds


@settings(max_examples=15)
@given(worlds(), st.data())
def test_memory_and_sqlite_agree_to_the_byte(world: World, data: st.DataObject) -> None:
    """Reports, their evidence, explanations and previews (I9)."""
    with TemporaryDirectory() as folder:
        storage = SqlStorage.open(f"sqlite:///{folder}/billing.db")
        storage.upgrade()
        apps = application(world), application(world, storage)
        reports = [report_of(app) for app in apps]
        assert reports[0] == reports[1]
        for name in ("json", "csv"):
            assert len({exported(app, 1, name) for app in apps}) == 1
        documents = [app.archive.open(1) for app in apps]
        for section in SECTIONS:
            assert len({b",".join(document.section(section)) for document in documents}) == 1
        for entry in documents[0].entries("evidence"):
            explained = [app.archive.explain(1, entry["order_id"]).as_json() for app in apps]
            assert dumps(explained[0]) == dumps(explained[1])
        draft = read_rates(data.draw(rate_lists(world["currency"]), label="draft"))
        previews = []
        for app in apps:
            with app.generator.prepare(1, WHOLE, rates=draft) as prepared:
                previews.append(detail_of(prepared.document()))
        assert previews[0] == previews[1]
        storage.close()
